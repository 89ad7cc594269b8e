"""`rag models`: the models of the Ollama server: what is there, what fits, fetching and making.

`use` is in reindexing.py.
"""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.prompt import Confirm

from rag.cli.console import err, out, print_json, styled
from rag.cli.flags import takes_settings
from rag.cli.reindexing import use
from rag.config import Settings
from rag.errors import UsageError
from rag.hardware import gigabytes

if TYPE_CHECKING:
    from rag.models import Models

Json = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Name = Annotated[str, typer.Argument(help="A model, with its tag if it has one.")]


def register(app: typer.Typer) -> None:
    models = typer.Typer(
        no_args_is_help=True, help="The models of Ollama: list, fetch, make, remove."
    )
    models.command("list")(takes_settings(list_models))
    for command in (show, running, use, pull, create, copy, remove):
        models.command()(takes_settings(command))
    app.add_typer(models, name="models")


def list_models(
    settings: Settings,
    known: Annotated[
        bool, typer.Option("--known", help="Models to choose from, instead of those that are here.")
    ] = False,
    json: Json = False,
) -> None:
    """The models that are here, and whether each fits into memory."""
    from rag.cli import contracts, model_views

    with closing(_open(settings)) as models:
        machine = models.machine()
        if known:
            choice = models.known()
        else:
            found = models.installed()
    if known and json:
        print_json(contracts.known_models(choice, machine))
    elif known:
        model_views.print_known(choice, machine)
    elif json:
        print_json(contracts.installed_models(found, machine))
    else:
        model_views.print_installed(found, machine)


def show(settings: Settings, name: Name, json: Json = False) -> None:
    """One model: what it is, what it takes, and what it was made from."""
    from rag.cli import contracts, model_views

    with closing(_open(settings)) as models:
        details = models.show(name)
    if json:
        print_json(contracts.model_details(details))
    else:
        model_views.print_details(details)


def running(settings: Settings, json: Json = False) -> None:
    """The models that are loaded now, and how much of each is on a GPU."""
    from rag.cli import contracts, model_views

    with closing(_open(settings)) as models:
        found = models.running()
    if json:
        print_json({"running": [contracts.running_model(model) for model in found]})
    else:
        model_views.print_running(found)


def pull(settings: Settings, name: Name, json: Json = False) -> None:
    """Have Ollama fetch a model from its registry. It needs a network for this, once.

    If it is interrupted, the next pull goes on from what was fetched.
    """
    from rag.cli import contracts, model_views

    with closing(_open(settings)) as models:
        stream = models.pull(name)
        err.print(
            styled(
                f"Ollama fetches {name} from its registry over the network; Vouch itself stays on "
                "this machine, and nothing of yours is sent along.",
                "yellow",
            ),
            soft_wrap=True,
        )
        model_views.watch(stream)
        info = models.show(name).shown.info
    if json:
        print_json({"pulled": contracts.model(info)})
    else:
        out.print(styled(f"{name} is here now ({gigabytes(info.size or 0)})."))


def create(
    settings: Settings,
    name: Annotated[str, typer.Argument(help="Name of the new model.")],
    file: Annotated[
        Path | None,
        typer.Option("-f", "--file", help="The Modelfile; without one, that of Vouch itself."),
    ] = None,
    example: Annotated[
        str | None, typer.Option(help="A Modelfile that ships with Vouch, such as coding.")
    ] = None,
    quantize: Annotated[
        str | None, typer.Option(help="Make 16-bit weights smaller, for example q4_K_M.")
    ] = None,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Make a model of a Modelfile: from another model, or from files on this machine (offline)."""
    from rag.cli import contracts, model_views
    from rag.models import recipe

    made_from = recipe(file, example)
    with closing(_open(settings)) as models:
        if models.has(name) and not yes:
            _ask(f"There is a model {name} already. Make it anew?")
        created = model_views.watch_creation(models.create(name, made_from, quantize))
    if json:
        print_json(contracts.created(created))
    else:
        model_views.print_created(created)


def copy(
    settings: Settings,
    source: Name,
    target: Annotated[str, typer.Argument(help="The second name.")],
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Give a model a second name. Its weights are not stored twice."""
    with closing(_open(settings)) as models:
        if models.has(target) and not yes:
            _ask(f"There is a model {target} already. Let this name mean {source}?")
        models.copy(source, target)
    if json:
        print_json({"copied": {"source": source, "target": target}})
    else:
        out.print(styled(f"{target} is another name of {source} now."))


def remove(
    settings: Settings,
    names: Annotated[list[str], typer.Argument(help="Models, with their tags if they have one.")],
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Remove models from Ollama. Weights that another model shares stay."""
    with closing(_open(settings)) as models:
        sizes = {name: models.size(name) for name in names}
        if not yes:
            for name, size in sizes.items():
                err.print(styled(f"  {name} ({gigabytes(size)})"))
            _ask("Remove from Ollama? To have it again it must be fetched or made again.")
        for name in names:
            models.remove(name)
    if json:
        print_json({"removed": names})
    else:
        out.print(styled(f"Removed {', '.join(names)}."))


def _open(settings: Settings) -> Models:
    from rag.models import Models

    return Models(settings)


def _ask(question: str) -> None:
    """Go on only after a yes; without a terminal nobody can say it."""
    if not sys.stdin.isatty():
        raise UsageError("models", "Nobody is there to confirm this.", "Add --yes.")
    if not Confirm.ask(styled(question), console=err, default=False):
        raise typer.Exit(1)
