"""`rag evaluate`, `rag evaluations`: how well search finds, and whether a change helps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from rag.cli.console import err, out, print_json, styled
from rag.cli.flags import takes_settings
from rag.config import Settings
from rag.errors import UsageError

if TYPE_CHECKING:
    from rag.evaluation.runs import Run, Runs

Json = Annotated[bool, typer.Option("--json", help="One JSON object.")]
Markdown = Annotated[bool, typer.Option("--markdown", help="Tables in Markdown.")]
Against = Annotated[
    str | None,
    typer.Option(metavar="RUN", help="Compare with a run: its name, its file, or last."),
]
Kept = Annotated[
    Path | None,
    typer.Option("--runs", help="Folder of the runs; without it, one in the library's folder."),
]
Questions = Annotated[
    int, typer.Option(min=0, help="With --against: so many questions that changed most.")
]


def register(app: typer.Typer) -> None:
    app.command()(takes_settings(evaluate))
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
    kept = _runs(settings, runs)
    before = kept.load(against, dataset.name) if against else None
    err.print(f"Reading {dataset.name} and asking its {len(dataset.queries)} questions …")
    run = measure(settings, dataset)
    run = replace(run, name=kept.save(run))
    _show(run, before, questions, json, markdown)


def list_runs(settings: Settings, runs: Kept = None, json: Json = False) -> None:
    """The evaluations so far, the oldest first."""
    names = _runs(settings, runs).names()
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
    kept = _runs(settings, runs)
    shown = kept.load(run)
    before = kept.load(against, shown.dataset) if against else None
    _show(shown, before, questions, json, markdown)


def _runs(settings: Settings, folder: Path | None) -> Runs:
    from rag.evaluation.runs import Runs

    return Runs(folder or settings.home / "evaluations" / "runs")


def _fields(only: Sequence[str]) -> dict[str, str]:
    for pair in only:
        if "=" not in pair:
            raise UsageError(pair, f"--only {pair} has no value.", "Write --only lang=de, say.")
    return {name: value for name, _, value in (pair.partition("=") for pair in only)}


def _show(run: Run, before: Run | None, questions: int, json: bool, markdown: bool) -> None:
    if json:
        print_json(contract(run, before))
        return
    from rag.evaluation import report
    from rag.evaluation.runs import paired

    tables = {
        f"{run.name}: {len(run.stages['keyword'].asked)} questions, {run.model}": report.stages(
            run
        ),
        "What each stage gives, nDCG@10": report.ladder(run),
        "Where the time goes": report.times(run),
    }
    if before:
        tables[f"Against {before.name}"] = report.differences(run, before)
        pairs = paired(run.stages[report.PRODUCT], before.stages[report.PRODUCT])
        if questions:
            tables["Questions that changed most"] = report.questions(pairs, questions)
    for title, rows in tables.items():
        _print_table(title, rows, markdown)


def _print_table(title: str, rows: list[list[str]], markdown: bool) -> None:
    if markdown:
        from rag.evaluation import report

        out.print(styled(f"**{title}**\n\n{report.markdown(rows)}\n"), soft_wrap=True)
        return
    table = Table(box=None, pad_edge=False, title=styled(title), title_justify="left")
    for heading in rows[0]:
        table.add_column(heading, overflow="fold")
    for row in rows[1:]:
        table.add_row(*map(styled, row))
    out.print(table)
    out.print()


def contract(run: Run, before: Run | None = None) -> dict[str, Any]:
    """The JSON of a run: means and intervals by stage and metric, times, and the difference."""
    from rag.evaluation import report
    from rag.evaluation.runs import mean_gain, paired

    shown: dict[str, Any] = {
        "run": run.name,
        "dataset": run.dataset,
        "model": run.model,
        "at": run.at,
        "queries": len(run.stages["keyword"].asked),
        "ingest_seconds": round(run.ingest_seconds, 3),
        "modes": {},
        "intervals": {},
        "milliseconds": {},
    }
    for name, stage in run.stages.items():
        means = {metric: stage.mean(metric) for metric in report.SHOWN}
        shown["modes"][name] = {k: round(m.value, 4) for k, m in means.items()}
        shown["intervals"][name] = {
            k: [round(m.low, 4), round(m.high, 4)] for k, m in means.items()
        }
        shown["milliseconds"][name] = [round(t, 2) for t in stage.milliseconds()]
    if before:
        shown["against"] = before.name
        shown["differences"] = {
            name: {
                metric: [round(v, 4) for v in (gain.value, gain.low, gain.high)]
                for metric in report.SHOWN
                for gain in [mean_gain(paired(stage, before.stages[name]), metric)]
            }
            for name, stage in run.stages.items()
            if name in before.stages
        }
    return shown
