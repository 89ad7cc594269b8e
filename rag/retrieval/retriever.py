"""One question to hits and passages, over one read snapshot of the catalog."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

from rag.catalog import chunks, documents, indexing
from rag.catalog.connection import Catalog
from rag.errors import EngineError
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
    EmbeddingIdentity,
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
    identity: EmbeddingIdentity | None


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """One moment of the library, and the query embedded by the model of that very moment.

    `vector` is None, and `notice` says why, where that model does not embed it.
    """

    db: sqlite3.Connection
    identity: EmbeddingIdentity | None
    vector: Vectors | None
    notice: str | None


class Retriever:
    """Hybrid search: dense and keyword, fused by rank. Safe to use from many threads.

    `embedder_of` gives what embeds for an identity: the library's may be swapped between questions.
    """

    def __init__(
        self,
        catalog: Catalog,
        home: Home,
        embedder_of: Callable[[EmbeddingIdentity], Embedder],
    ) -> None:
        self._catalog = catalog
        self._embedder_of = embedder_of
        self._vectors = VectorIndex(home)
        self._lexical = Lexical(home.keyword_index)

    def search(self, query: str, k: int = 10, scope: Scope = EVERYTHING) -> SearchResult:
        """The `k` best chunks. Keyword-only, with a notice, where the embedding engine fails."""
        started = time.perf_counter()
        with self._snapshot(query) as moment:
            hits = self._search(moment, query, scope, max(k, DEPTH))[:k]
        return SearchResult(query, tuple(hits), time.perf_counter() - started, moment.notice)

    def evidence(self, query: str, most: int, scope: Scope = EVERYTHING) -> Evidence:
        """The best `most` passages for an answer, and what they are a part of."""
        started = time.perf_counter()
        with self._snapshot(query) as moment:
            db = moment.db
            hits = self._search(moment, query, scope, DEPTH)

            @cache
            def unit_text(document_id: str, number: int) -> str:
                unit = documents.unit(db, document_id, number)
                assert unit is not None, "a live chunk has its unit"
                return unit.text

            found = passages(hits[: 2 * most], unit_text, most)
            coverage = documents.coverage(db)
            sequence = chunks.sequence(db)
        result = SearchResult(query, tuple(hits), time.perf_counter() - started, moment.notice)
        return Evidence(result, found, coverage, sequence, moment.identity)

    def close(self) -> None:
        self._vectors.close()

    @contextmanager
    def _snapshot(self, query: str) -> Iterator[_Snapshot]:
        """Embed, then look: a model may take its time, and a snapshot held open keeps the log.

        Where the library's identity was swapped between the two, the new model embeds again.
        """
        with self._catalog.read() as db:
            identity = indexing.identity(db)
        while True:
            vector, notice = self._embed(identity, query)
            with self._catalog.read() as db:
                now = indexing.identity(db)
                if now == identity:
                    yield _Snapshot(db, identity, vector, notice)
                    return
            identity = now

    def _embed(
        self, identity: EmbeddingIdentity | None, query: str
    ) -> tuple[Vectors | None, str | None]:
        if identity is None:
            return None, None
        try:
            return self._embedder_of(identity).embed([query], "query")[0], None
        except EngineError as error:
            return None, f"Searched by keywords only: {error.message} {error.hint}"

    def _search(self, moment: _Snapshot, query: str, scope: Scope, depth: int) -> list[Hit]:
        db = moment.db
        allowed = _allowed(db, scope)
        by_keyword = self._lexical.search(db, query, depth, allowed)
        by_vector: list[Scored] = []
        if moment.identity is not None and moment.vector is not None:
            by_vector = dense.search(
                db, self._vectors, moment.identity, moment.vector, depth, allowed
            )
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
