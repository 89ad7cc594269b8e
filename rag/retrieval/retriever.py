"""One question to hits and passages, over one read snapshot of the catalog."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass, replace
from functools import cache

from rag.catalog import chunks, documents, indexing
from rag.catalog.connection import Catalog
from rag.engines.languages import serves
from rag.errors import EngineError
from rag.indexes.keyword import matched
from rag.indexes.publish import VectorIndex
from rag.paths import Home
from rag.retrieval import languages, recipe
from rag.retrieval.lexical import Lexical
from rag.retrieval.passages import passages
from rag.retrieval.ranking import Asked, rank
from rag.retrieval.recipe import BEST, Recipe
from rag.retrieval.scope import limits
from rag.types import (
    EVERYTHING,
    Coverage,
    Embedder,
    Passage,
    Scope,
    SearchResult,
    Vectors,
)

_EVIDENCE = 50  # hits that an answer's passages are made from


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one question found: everything an answer may draw on, from one snapshot."""

    search: SearchResult
    passages: tuple[Passage, ...]
    coverage: Coverage
    sequence: int


class Retriever:
    """Hybrid search by the stages of a recipe. Safe to use from many threads."""

    def __init__(self, catalog: Catalog, home: Home, embedder: Embedder | None) -> None:
        self._catalog = catalog
        self._embedder = embedder
        self._vectors = VectorIndex(home)
        self._lexical = Lexical(home.keyword_index)

    def search(
        self,
        query: str,
        k: int = 10,
        scope: Scope = EVERYTHING,
        by: Recipe = BEST,
        explain: bool = False,
    ) -> SearchResult:
        """The `k` best chunks. Keyword-only, with a notice, where the embedding engine fails.

        `explain` names with each hit the words of the query that are in it.
        """
        started = time.perf_counter()
        vector, notice = self._embed(query) if by.dense else (None, None)
        embedded = time.perf_counter() - started
        with self._catalog.read() as db:
            result = self._search(db, query, vector, scope, by, k)
        hits = result.hits
        if explain:
            hits = tuple(replace(hit, words=matched(query, hit.chunk)) for hit in hits)
        return replace(
            result,
            hits=hits,
            seconds=time.perf_counter() - started,
            notice=notice or result.notice,
            stages={"embed": embedded, **result.stages},
        )

    def evidence(self, query: str, most: int, scope: Scope = EVERYTHING) -> Evidence:
        """The best `most` passages for an answer, and what they are a part of."""
        started = time.perf_counter()
        vector, notice = self._embed(query)
        with self._catalog.read() as db:
            result = self._search(db, query, vector, scope, BEST, _EVIDENCE)

            @cache
            def unit_text(document_id: str, number: int) -> str:
                unit = documents.unit(db, document_id, number)
                assert unit is not None, "a live chunk has its unit"
                return unit.text

            found = passages(result.hits[: 2 * most], unit_text, most)
            coverage = documents.coverage(db)
            sequence = chunks.sequence(db)
        seconds = time.perf_counter() - started
        result = replace(result, seconds=seconds, notice=notice or result.notice)
        return Evidence(result, found, coverage, sequence)

    def close(self) -> None:
        self._vectors.close()

    def _embed(self, query: str) -> tuple[Vectors | None, str | None]:
        if self._embedder is None:
            return None, None
        try:
            return self._embedder.embed([query], "query")[0], None
        except EngineError as error:
            return None, f"Searched by keywords only: {error.message}"

    def _search(
        self,
        db: sqlite3.Connection,
        query: str,
        vector: Vectors | None,
        scope: Scope,
        by: Recipe,
        k: int,
    ) -> SearchResult:
        words = self._lexical.at(db)
        identity = indexing.identity(db)
        model = identity.model if identity else None
        written_in = words.languages()
        served = model is None or serves(model, languages.asked_in(query, written_in))
        weight = recipe.DENSE_WEIGHT if served else recipe.DENSE_WEIGHT_UNSERVED
        within = limits(db, words, query, scope)
        asked = Asked(db, words, self._vectors, query, vector, weight, within.allowed)
        hits, stages = rank(asked, by, k)
        notice = languages.notice(query, written_in, model)
        return SearchResult(query, tuple(hits), 0.0, notice, within.said, stages)
