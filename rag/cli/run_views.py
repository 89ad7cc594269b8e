"""What `rag evaluate` and `rag evaluations` share: their options, their tables, their JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from rag.cli.console import out, print_json, styled
from rag.config import Settings

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


def runs_of(settings: Settings, folder: Path | None) -> Runs:
    from rag.evaluation.runs import Runs

    return Runs(folder or settings.library.runs)


def show(run: Run, before: Run | None, questions: int, json: bool, markdown: bool) -> None:
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
    if run.answers:
        tables[f"Answers by {report.written_by(run)}"] = report.answers(run)
    if run.left_out:
        tables["Left out"] = report.left_out(run)
    if before:
        tables[f"Against {before.name}"] = report.differences(run, before)
        if len(answers := report.answer_differences(run, before)) > 1:
            tables["Right answers"] = answers
        pairs = paired(run.stages[report.PRODUCT], before.stages[report.PRODUCT])
        if questions:
            tables["Questions that changed most"] = report.questions(pairs, questions)
            if len(changed := report.changed_answers(run, before, questions)) > 1:
                tables["Answers that changed"] = changed
    for title, rows in tables.items():
        print_table(title, rows, markdown)


def print_table(title: str, rows: list[list[str]], markdown: bool = False) -> None:
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
    from rag.evaluation.runs import OWN, mean_gain, paired

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
    if run.dataset == OWN:
        shown["answers"] = {
            "by": report.written_by(run) or None,
            "answerable": _outcomes(run, True),
            "unanswerable": _outcomes(run, False),
        }
        shown["left_out"] = run.left_out
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


def _outcomes(run: Run, answerable: bool) -> dict[str, int]:
    """How many questions were asked, and how many ended so; of the unanswerable in other words."""
    from rag.evaluation import report

    asked = [one for one in run.answers if one.answerable == answerable]
    counts: dict[str, int] = {o: sum(x.outcome == o for x in asked) for o in report.OUTCOMES}
    if answerable:
        return {"asked": len(asked), **counts}
    return {
        "asked": len(asked),
        "abstained": counts["right"],
        "answered": counts["wrong"],
        "failed": counts["failed"],
    }
