"""`rag evaluate`: how well search finds what it should, on a folder of judged questions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from rag.cli.console import err, out, print_json, styled
from rag.cli.flags import takes_settings
from rag.config import Settings

if TYPE_CHECKING:
    from rag.evaluation.run import Report

SHOWN = ("ndcg@10", "recall@10", "mrr@10", "success@5")


def register(app: typer.Typer) -> None:
    app.command()(takes_settings(evaluate))


def evaluate(
    settings: Settings,
    folder: Annotated[
        Path, typer.Argument(help="Has queries.jsonl, qrels.tsv, and corpus.jsonl or docs.jsonl.")
    ],
    inside: Annotated[
        bool, typer.Option("--inside", help="Ask each question of its own document alone.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Measure search on judged questions: keyword, dense and hybrid side by side.

    The documents go into a library of their own under the folder "evaluations" of yours; a second
    run embeds nothing. Nothing of your own library is touched.
    """
    from rag.evaluation.dataset import read_dataset
    from rag.evaluation.run import evaluate as run

    dataset = read_dataset(folder)
    err.print(f"Reading {dataset.name} and asking its {len(dataset.queries)} questions …")
    report = run(settings, dataset, inside)
    if json:
        print_json(contract(report))
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("mode")
    for metric in SHOWN:
        table.add_column(metric, justify="right")
    for mode in report.scores:
        means = [report.mean(mode, metric) for metric in SHOWN]
        table.add_row(mode, *(f"{m.value:.3f} [{m.low:.3f}, {m.high:.3f}]" for m in means))
    out.print(table)
    seconds = report.search_seconds / max(1, len(report.queries))
    out.print(styled(f"{len(report.queries)} questions, {seconds * 1000:.0f} ms each.", "dim"))


def contract(report: Report) -> dict[str, Any]:
    """The JSON of a report: means by mode and metric, with 95 % intervals beside them."""
    modes = {}
    intervals = {}
    for mode, metrics in report.scores.items():
        means = {metric: report.mean(mode, metric) for metric in metrics}
        modes[mode] = {metric: round(m.value, 4) for metric, m in means.items()}
        intervals[mode] = {k: [round(m.low, 4), round(m.high, 4)] for k, m in means.items()}
    return {
        "dataset": report.dataset,
        "queries": len(report.queries),
        "modes": modes,
        "intervals": intervals,
        "seconds": round(report.ingest_seconds + report.search_seconds, 3),
        "ingest_seconds": round(report.ingest_seconds, 3),
        "search_seconds": round(report.search_seconds, 3),
    }
