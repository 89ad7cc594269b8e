"""`rag doctor`: what is wrong here, why it matters, and the command that mends it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rag import egress
from rag.cli.console import err, out, print_json, styled
from rag.cli.flags import takes_settings
from rag.config import Settings
from rag.errors import EXIT_PROBLEMS, BadSetting

if TYPE_CHECKING:
    from rag.doctor.words import Finding, Status

MARKS: dict[Status, tuple[str, str]] = {
    "ok": ("✓", "green"),
    "note": ("•", "blue"),
    "warning": ("!", "yellow"),
    "problem": ("✗", "red"),
}


def register(app: typer.Typer) -> None:
    app.command()(takes_settings(doctor, even_wrong=True))


def doctor(
    settings: Settings,
    wrong: Sequence[tuple[str, BadSetting]],
    deep: Annotated[
        bool,
        typer.Option("--deep", help="Try the chat model out too, and check the whole library."),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Find what is wrong with Ollama, the models, the library and this machine.

    Works when nothing else does, and changes nothing. Each finding comes with
    the command that mends it.
    """
    from rag.doctor.examine import examine

    with err.status("Trying the model out …" if deep else "Looking …"):
        found = examine(settings, wrong=wrong, dropped=egress.dropped(), deep=deep)
    if json:
        from rag.cli import contracts

        print_json(contracts.findings(found))
    else:
        _show(found)
    if any(finding.status == "problem" for finding in found):
        raise typer.Exit(EXIT_PROBLEMS)


def _show(found: Sequence[Finding]) -> None:
    from rag.doctor.words import summary

    for group, findings in groupby(found, key=lambda finding: finding.group):
        out.print(group, style="bold")
        for finding in findings:
            _show_one(finding)
        out.print()
    out.print(summary(found))


def _show_one(finding: Finding) -> None:
    mark, colour = MARKS[finding.status]
    weight = "bold" if finding.status in ("warning", "problem") else ""
    line = Table.grid()
    line.add_row(Text(f"  {mark} ", colour), styled(finding.message, weight))
    out.print(line)
    for text in (finding.why, finding.advice + (":" if finding.command else "")):
        if text:
            out.print(Padding(styled(text), (0, 0, 0, 4), expand=False))
    if finding.command:
        out.print(styled(f"      {finding.command}", "cyan"), soft_wrap=True)
