"""Every setting as a flag of every command, in one place.

A command is written with a parameter `settings: Settings`; `takes_settings` puts the flags in its
place, in a help panel of their own, and reads all sources of settings before the command runs.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any

import typer

from rag import egress
from rag.config import SETTINGS, load_settings, load_valid_settings

PANEL = "Settings (also in rag.toml, and as RAG_… in the environment)"


def takes_settings(
    command: Callable[..., None], *, even_wrong: bool = False
) -> Callable[..., None]:
    """Give a command the flags of all settings, and the settings made of them.

    `even_wrong`: it runs with those that are valid, and is given the others as `wrong`.
    """
    signature = inspect.signature(command, eval_str=True)
    own = [p for p in signature.parameters.values() if p.name not in ("settings", "wrong")]
    flags = [
        _flag(setting.name, setting.metadata["help"], isinstance(setting.default, bool))
        for setting in SETTINGS
    ]

    @wraps(command)
    def with_settings(**values: Any) -> None:
        given = {setting.name: values.pop(setting.name) for setting in SETTINGS}
        if even_wrong:
            settings, values["wrong"] = load_valid_settings(given)
        else:
            settings = load_settings(given)
        egress.guard(settings.allow_hosts)
        command(settings=settings, **values)

    with_settings.__doc__ = _unwrapped(inspect.getdoc(command) or "")
    parameters = [*own, *flags]
    with_settings.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    with_settings.__annotations__ = {p.name: p.annotation for p in parameters} | {"return": None}
    return with_settings


def _unwrapped(text: str) -> str:
    """A docstring whose paragraphs are wrapped by who shows them, to the width of the terminal."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


def _flag(name: str, help: str, is_switch: bool) -> inspect.Parameter:
    flag = name.replace("_", "-")
    option = typer.Option(
        f"--{flag}/--no-{flag}" if is_switch else f"--{flag}",
        help=help,
        metavar=None if is_switch else "VALUE",
        rich_help_panel=PANEL,
    )
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[bool | None if is_switch else str | None, option],
    )
