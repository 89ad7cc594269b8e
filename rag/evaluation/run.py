"""Runs a dataset through the product as it is: ingest, search by each recipe, score.

The dataset gets a library of its own, named by its records and by the embedding model, in the
`evaluations` folder, and keeps it: a second run embeds nothing, and a change of retrieval costs only
its questions. A text record is written as an HTML file, so that it goes the way of every file, title
and all. A document scores as its best chunk; PDFs are judged by page, among all and inside the one
that a question is asked of.
"""

from __future__ import annotations

import html
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, unquote

from rag.assistant import Assistant, open_assistant
from rag.config import Settings
from rag.engine_choice import Engines
from rag.evaluation import metrics
from rag.evaluation.dataset import Dataset, Query
from rag.evaluation.runs import Asked, Run, Stage
from rag.retrieval.recipe import STAGES, Recipe
from rag.types import EVERYTHING, EmbeddingIdentity, Hit, Scope

DEPTH = 100  # hits asked for; documents are made of them
INSIDE = " inside"
"""Ends the name of a stage that was asked of the question's own document alone."""
_KEPT = 10  # documents of each question that a run keeps

_METRICS: dict[str, Callable[[Sequence[str], dict[str, int]], float]] = {
    "ndcg@10": lambda ranking, relevant: metrics.ndcg(ranking, relevant, 10),
    "recall@5": lambda ranking, relevant: metrics.recall(ranking, relevant, 5),
    "recall@10": lambda ranking, relevant: metrics.recall(ranking, relevant, 10),
    "recall@50": lambda ranking, relevant: metrics.recall(ranking, relevant, 50),
    "mrr@10": lambda ranking, relevant: metrics.reciprocal_rank(ranking, relevant, 10),
    "success@5": lambda ranking, relevant: metrics.success(ranking, relevant, 5),
    "success@10": lambda ranking, relevant: metrics.success(ranking, relevant, 10),
}


def evaluate(settings: Settings, dataset: Dataset, stages: Sequence[str] = tuple(STAGES)) -> Run:
    """Measure search on a dataset by these recipes, with the product's own defaults."""
    identity = _identity(settings)
    home = (
        settings.home / "evaluations" / f"{dataset.folder.name}-{dataset.digest}-{identity.key[:8]}"
    )
    with closing(open_assistant(replace(settings, home=home))) as assistant:
        started = time.perf_counter()
        names = ingest_dataset(assistant, dataset, home / "records")
        seconds = time.perf_counter() - started
        asking = Asking(
            assistant, names, any("#" in j for q in dataset.queries for j in q.relevant)
        )
        measured = {name: asking.stage(dataset.queries, STAGES[name]) for name in stages}
        if dataset.asks_of_documents:
            measured |= {
                name + INSIDE: asking.stage(dataset.queries, STAGES[name], inside=True)
                for name in stages
            }
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Run(dataset.name, dataset.digest, now, identity.model, seconds, measured)


def _identity(settings: Settings) -> EmbeddingIdentity:
    """What would embed a new library now."""
    with closing(Engines(settings)) as engines:
        return engines.embedder(None).identity


def ingest_dataset(assistant: Assistant, dataset: Dataset, records: Path) -> dict[str, str]:
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


class Asking:
    """A library that is asked questions.

    `names`: the judged id of each path; without one it is the path. `paged`: its pages are judged.
    """

    def __init__(self, assistant: Assistant, names: dict[str, str], paged: bool) -> None:
        self._assistant = assistant
        self._names = names
        self._paths = {name: path for path, name in names.items()}
        self._paged = paged

    def stage(self, queries: Sequence[Query], by: Recipe, inside: bool = False) -> Stage:
        return Stage(tuple(self._ask(query, by, inside) for query in queries))

    def _ask(self, query: Query, by: Recipe, inside: bool) -> Asked:
        scope = self._scope(query) if inside else EVERYTHING
        result = self._assistant.search(query.text, DEPTH, scope, by)
        ranking = self._judged_ids(result.hits)
        scores = {name: score(ranking, query.relevant) for name, score in _METRICS.items()}
        found = tuple(ranking[:_KEPT])
        return Asked(query.id, query.text, scores, found, result.seconds, result.stages)

    def _scope(self, query: Query) -> Scope:
        if query.document is None:
            return EVERYTHING
        return Scope(documents=(self._assistant.document(self._paths[query.document]).id,))

    def _judged_ids(self, hits: Iterable[Hit]) -> list[str]:
        page = "#{}" if self._paged else ""
        chunks = [hit.chunk for hit in hits]
        ids = (self._names.get(c.path, c.path) + page.format(c.unit) for c in chunks)
        return list(dict.fromkeys(ids))
