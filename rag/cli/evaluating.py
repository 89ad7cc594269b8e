"""`rag evaluate`, `rag evaluations`: how well search finds, and whether a change helps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from rag.cli import own
from rag.cli.console import err, out, print_json, styled
from rag.cli.flags import takes_settings
from rag.cli.run_views import Against, Json, Kept, Markdown, Questions, runs_of, show
from rag.config import Settings
from rag.errors import UsageError

_HELP = (
    "Measure search on judged questions (rag evaluate FOLDER), or the whole on questions made from "
    "your own documents (rag evaluate own)."
)


class _FolderFirst(TyperGroup):
    """`rag evaluate FOLDER` is `rag evaluate folder FOLDER`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, "--help"):
            args = ["folder", *args]
        return super().parse_args(ctx, args)


def register(app: typer.Typer) -> None:
    measuring = typer.Typer(cls=_FolderFirst, no_args_is_help=True, help=_HELP)
    measuring.command("folder")(takes_settings(evaluate))
    measuring.command("own")(takes_settings(own.evaluate_own))
    app.add_typer(measuring, name="evaluate")
    evaluations = typer.Typer(no_args_is_help=True, help="See what rag evaluate has measured.")
    evaluations.command("list")(takes_settings(list_runs))
    evaluations.command("show")(takes_settings(show_run))
    app.add_typer(evaluations, name="evaluations")


def evaluate(
    settings: Settings,
    folder: Annotated[
        Path, typer.Argument(help="Has queries.jsonl, qrels.tsv, and corpus.jsonl or docs.jsonl.")
    ],
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="FIELD=VALUE", help="Only questions and records with this value."),
    ] = None,
    against: Against = None,
    questions: Questions = 0,
    runs: Kept = None,
    json: Json = False,
    markdown: Markdown = False,
) -> None:
    """Measure search on judged questions, stage by stage: keywords, vectors, and what joins them.

    The documents go into a library of their own under the folder "evaluations" of yours; a second
    run embeds nothing. Nothing of your own library is touched.
    """
    from rag.evaluation.dataset import read_dataset
    from rag.evaluation.run import evaluate as measure

    dataset = read_dataset(folder, _fields(only or []))
    kept = runs_of(settings, runs)
    before = kept.load(against, dataset.name) if against else None
    err.print(f"Reading {dataset.name} and asking its {len(dataset.queries)} questions …")
    run = measure(settings, dataset)
    run = replace(run, name=kept.save(run))
    show(run, before, questions, json, markdown)


def list_runs(settings: Settings, runs: Kept = None, json: Json = False) -> None:
    """The evaluations so far, the oldest first."""
    names = runs_of(settings, runs).names()
    if json:
        print_json({"runs": names})
        return
    for name in names:
        out.print(styled(name))
    if not names:
        out.print("Nothing has been measured yet: rag evaluate FOLDER")


def show_run(
    settings: Settings,
    run: Annotated[str, typer.Argument(help="Its name, its file, or last.")],
    against: Against = None,
    questions: Questions = 10,
    runs: Kept = None,
    json: Json = False,
    markdown: Markdown = False,
) -> None:
    """One evaluation again, or its difference to another, down to single questions."""
    kept = runs_of(settings, runs)
    shown = kept.load(run)
    before = kept.load(against, shown.dataset) if against else None
    show(shown, before, questions, json, markdown)


def _fields(only: Sequence[str]) -> dict[str, str]:
    for pair in only:
        if "=" not in pair:
            raise UsageError(pair, f"--only {pair} has no value.", "Write --only lang=de, say.")
    return {name: value for name, _, value in (pair.partition("=") for pair in only)}
