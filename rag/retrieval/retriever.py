"""One question to hits and passages, over one read snapshot of the catalog."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Set
from dataclasses import dataclass
from functools import cache

from rag.catalog import chunks, documents
from rag.catalog.connection import Catalog
from rag.errors import EngineError
from rag.indexes import publish
from rag.indexes.publish import VectorIndex
from rag.paths import Home
from rag.retrieval import dense
from rag.retrieval.fusion import reciprocal_rank_fusion
from rag.retrieval.lexical import Lexical
from rag.retrieval.overfetch import Scored
from rag.retrieval.passages import passages
from rag.types import (
    EVERYTHING,
    Coverage,
    Embedder,
    Hit,
    Passage,
    Scope,
    SearchResult,
    Vectors,
)

DEPTH = 50  # hits that each search brings to the fusion, or as many as are asked for


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one question found: everything an answer may draw on, from one snapshot."""

    search: SearchResult
    passages: tuple[Passage, ...]
    coverage: Coverage
    sequence: int


class Retriever:
    """Hybrid search: dense and keyword, fused by rank. Safe to use from many threads."""

    def __init__(self, catalog: Catalog, home: Home, embedder: Embedder | None) -> None:
        self._catalog = catalog
        self._embedder = embedder
        self._vectors = VectorIndex(home)
        self._lexical = Lexical(home.keyword_index)

    def search(self, query: str, k: int = 10, scope: Scope = EVERYTHING) -> SearchResult:
        """The `k` best chunks. Keyword-only, with a notice, where the embedding engine fails."""
        started = time.perf_counter()
        vector, notice = self._embed(query)
        with self._catalog.read() as db:
            hits = self._search(db, query, vector, scope, max(k, DEPTH))[:k]
        return SearchResult(query, tuple(hits), time.perf_counter() - started, notice)

    def evidence(self, query: str, most: int, scope: Scope = EVERYTHING) -> Evidence:
        """The best `most` passages for an answer, and what they are a part of."""
        started = time.perf_counter()
        vector, notice = self._embed(query)
        with self._catalog.read() as db:
            hits = self._search(db, query, vector, scope, DEPTH)

            @cache
            def unit_text(document_id: str, number: int) -> str:
                unit = documents.unit(db, document_id, number)
                assert unit is not None, "a live chunk has its unit"
                return unit.text

            found = passages(hits[: 2 * most], unit_text, most)
            coverage = documents.coverage(db)
            sequence = chunks.sequence(db)
        result = SearchResult(query, tuple(hits), time.perf_counter() - started, notice)
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
        depth: int,
    ) -> list[Hit]:
        allowed = _allowed(db, scope)
        by_keyword = self._lexical.search(db, query, depth, allowed)
        by_vector: list[Scored] = []
        if vector is not None:
            newest = publish.newest(db)
            by_vector = dense.search(db, self._vectors, newest, vector, depth, allowed)
        return _fuse(db, by_vector, by_keyword)


def _allowed(db: sqlite3.Connection, scope: Scope) -> Set[int] | None:
    """The ids of the chunks in scope; None: all."""
    if scope == EVERYTHING:
        return None
    members = set(scope.documents)
    for collection in scope.collections:
        members.update(d.id for d in documents.all_documents(db, collection))
    return chunks.ids_of_documents(db, members)


def _fuse(db: sqlite3.Connection, by_vector: list[Scored], by_keyword: list[Scored]) -> list[Hit]:
    rankings = [[i for i, _ in by_vector], [i for i, _ in by_keyword]]
    scores = reciprocal_rank_fusion(rankings)
    stored = chunks.by_ids(db, list(scores))
    dense_rank = {i: (n, s) for n, (i, s) in enumerate(by_vector, start=1)}
    keyword_rank = {i: (n, s) for n, (i, s) in enumerate(by_keyword, start=1)}
    nowhere = (None, None)
    hits = [
        Hit(stored[i], score, *dense_rank.get(i, nowhere), *keyword_rank.get(i, nowhere))
        for i, score in scores.items()
        if i in stored
    ]
    return sorted(hits, key=lambda hit: (-hit.score, hit.chunk.id))
