"""A dataset ingested into a library of its own, every question searched, every ranking scored.

The library lies under the home's `evaluations` folder and is kept: a second run embeds nothing. A
text record is written as an HTML file, so that it goes the way of every file, title and all. A
document scores as its best chunk; PDFs are judged by page.
"""

from __future__ import annotations

import html
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote, unquote

from rag.assistant import Assistant, open_assistant
from rag.config import Settings
from rag.evaluation import metrics
from rag.evaluation.dataset import Dataset, Query
from rag.evaluation.metrics import Mean
from rag.types import EVERYTHING, Hit, Scope

DEPTH = 100  # hits asked for; documents are made of them
MODES = ("keyword", "dense", "hybrid")

_METRICS: dict[str, Callable[[Sequence[str], dict[str, int]], float]] = {
    "ndcg@10": lambda ranking, relevant: metrics.ndcg(ranking, relevant, 10),
    "recall@5": lambda ranking, relevant: metrics.recall(ranking, relevant, 5),
    "recall@10": lambda ranking, relevant: metrics.recall(ranking, relevant, 10),
    "recall@50": lambda ranking, relevant: metrics.recall(ranking, relevant, 50),
    "mrr@10": lambda ranking, relevant: metrics.reciprocal_rank(ranking, relevant, 10),
    "success@5": lambda ranking, relevant: metrics.success(ranking, relevant, 5),
    "success@10": lambda ranking, relevant: metrics.success(ranking, relevant, 10),
}


@dataclass(frozen=True, slots=True)
class Report:
    """The scores of one dataset: by mode and metric, per question in the order of its file."""

    dataset: str
    queries: tuple[str, ...]
    scores: dict[str, dict[str, tuple[float, ...]]]
    ingest_seconds: float
    search_seconds: float

    def mean(self, mode: str, metric: str) -> Mean:
        return metrics.mean(self.scores[mode][metric])


def evaluate(settings: Settings, dataset: Dataset, inside: bool = False) -> Report:
    """Measure search on a dataset with the product's own defaults.

    `inside`: each question is asked of its own document alone (datasets that name one).
    """
    home = settings.home / "evaluations" / dataset.name
    with closing(open_assistant(replace(settings, home=home))) as assistant:
        started = time.perf_counter()
        names = _ingest(assistant, dataset, home / "records")
        searched = time.perf_counter()
        rankings = [_rankings(assistant, query, names, inside) for query in dataset.queries]
        ended = time.perf_counter()
    scores = {
        mode: {
            name: tuple(
                score(ranking[mode], query.relevant)
                for ranking, query in zip(rankings, dataset.queries, strict=True)
            )
            for name, score in _METRICS.items()
        }
        for mode in MODES
    }
    ids = tuple(query.id for query in dataset.queries)
    return Report(dataset.name, ids, scores, searched - started, ended - searched)


def _ingest(assistant: Assistant, dataset: Dataset, records: Path) -> dict[str, str]:
    """Bring the dataset's library up to date. Returns the judged id of each path."""
    if dataset.files:
        names = {str(path.absolute()): document for document, path in dataset.files}
        paths = [path for _, path in dataset.files]
    else:
        paths = [records]
        names = dict(_write_records(dataset, records))
    for _ in assistant.ingest(assistant.plan(paths)):
        pass
    return names


def _write_records(dataset: Dataset, folder: Path) -> Iterator[tuple[str, str]]:
    """Write each record as an HTML file, unless it is there as it is. Yields path and id."""
    folder.mkdir(parents=True, exist_ok=True)
    for record in dataset.records:
        path = folder / f"{quote(record.id, safe='')}.html"
        title, text = html.escape(record.title), html.escape(record.text)
        page = f"<!doctype html><title>{title}</title><p>{text}</p>"
        if not path.is_file() or path.read_text(encoding="utf-8") != page:
            path.write_text(page, encoding="utf-8")
        yield str(path.absolute()), unquote(path.stem)


def _rankings(
    assistant: Assistant, query: Query, names: dict[str, str], inside: bool
) -> dict[str, list[str]]:
    """The judged ids of one question in the order of each mode, best first, each once."""
    scope = EVERYTHING
    if inside and query.document is not None:
        path = next(path for path, name in names.items() if name == query.document)
        scope = Scope(documents=(assistant.document(path).id,))
    hits = assistant.search(query.text, DEPTH, scope).hits
    by_keyword = sorted((h for h in hits if h.keyword_rank), key=lambda h: h.keyword_rank or 0)
    by_vector = sorted((h for h in hits if h.dense_rank), key=lambda h: h.dense_rank or 0)
    paged = any("#" in judged for judged in query.relevant)
    found = {"keyword": by_keyword, "dense": by_vector, "hybrid": hits}
    return {mode: _judged_ids(of, names, paged) for mode, of in found.items()}


def _judged_ids(hits: Iterable[Hit], names: dict[str, str], paged: bool) -> list[str]:
    ids = (names[hit.chunk.path] + (f"#{hit.chunk.unit}" if paged else "") for hit in hits)
    return list(dict.fromkeys(ids))
