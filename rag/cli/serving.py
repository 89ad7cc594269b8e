"""`rag serve` and `rag demo`: the web app, and the first five minutes."""

from __future__ import annotations

import time
from contextlib import closing
from typing import Annotated

import typer

from rag.cli.asking import print_answer, stream_answer
from rag.cli.console import err, out, styled
from rag.cli.flags import takes_settings
from rag.cli.ingesting import show_progress
from rag.config import Settings
from rag.paths import bundled
from rag.types import Scope

SAMPLES = "samples"
"""The collection that the sample documents are put into."""
DEMO_QUESTION = (
    "How long does a PT4-R run on a full battery without any sun at the factory setting?"
)


def register(app: typer.Typer) -> None:
    for command in (demo, serve):
        app.command()(takes_settings(command))


def serve(
    settings: Settings,
    new_token: Annotated[
        bool, typer.Option("--new-token", help="Make a new sign-in token; old addresses end.")
    ] = False,
) -> None:
    """Open the web app on this machine (loopback only) and print its address."""
    from rag.server import serve as run

    run(settings, on_ready=_print_address, new_token=new_token)


def demo(
    settings: Settings,
    no_serve: Annotated[
        bool, typer.Option("--no-serve", help="End after the answer, without the web app.")
    ] = False,
    since: Annotated[float | None, typer.Option("--since", hidden=True)] = None,
) -> None:
    """Read the sample documents, answer a question about them, then open the web app.

    The samples go into the collection "samples" of your library. To forget them:
    rag documents remove --collection samples
    """
    from rag.assistant import open_assistant

    started = since or time.time()
    out.print("Reading the sample documents …")
    files = [p for p in sorted(bundled("data").iterdir()) if p.suffix != ".jsonl"]
    with closing(open_assistant(settings)) as assistant:
        plan = assistant.plan(files)
        show_progress(assistant.ingest(plan, collection=SAMPLES, ocr=False), len(plan.load))
        out.print()
        out.print(styled(f"Question: {DEMO_QUESTION}"))
        print_answer(stream_answer(assistant.ask(DEMO_QUESTION, scope=Scope((SAMPLES,)))))
    out.print(f"First answer after {time.time() - started:.1f} s.", style="dim")
    if not no_serve:
        serve(settings)


def _print_address(address: str) -> None:
    out.print(f"The web app is at {address}", soft_wrap=True)
    err.print("It ends with Ctrl-C.", style="dim")
