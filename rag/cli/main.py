"""The program `rag`: seals the environment, joins the commands, turns errors into exit codes.

Imports nothing heavy: `rag --help` answers at once. Commands import what they need when they run.
"""

from __future__ import annotations

from rag import egress

egress.seal_environment()
egress.guard()

import sys  # noqa: E402
from typing import Annotated  # noqa: E402

import typer  # noqa: E402

from rag import __version__  # noqa: E402
from rag.cli import (  # noqa: E402
    asking,
    evaluating,
    examining,
    generating,
    ingesting,
    keeping,
    library,
    models,
    picturing,
    reindexing,
    serving,
)
from rag.cli.console import err, print_error  # noqa: E402
from rag.errors import EXIT_INTERRUPTED, VouchError  # noqa: E402

app = typer.Typer(
    name="rag",
    help="Ask your own documents on your own desk: every sentence of an answer is backed by a "
    "quote that code has checked. Start with: rag demo",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for module in (
    serving, ingesting, asking, library, picturing, keeping, models, reindexing, examining,
    evaluating, generating,
):  # fmt: skip
    module.register(app)


def _print_version(asked: bool) -> None:
    if asked:
        print(f"rag {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line. Expected failures end in one sentence, a hint and an exit code."""
    try:
        app()
    except VouchError as error:
        print_error(error, as_json="--json" in sys.argv or "--events" in sys.argv)
        sys.exit(error.exit_code)
    except SystemExit as end:
        if end.code == EXIT_INTERRUPTED:  # typer has made it of Ctrl-C
            err.print("\nStopped. Everything committed so far is kept.")
        raise
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone; nobody is left to tell
        sys.exit(0)
