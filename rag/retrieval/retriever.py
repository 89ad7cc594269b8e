"""One question to hits and passages, over one read snapshot of the catalog."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache

from rag.catalog import chunks, documents, indexing
from rag.catalog.connection import Catalog, read_by_mapping
from rag.engines.languages import serves
from rag.errors import EngineError
from rag.indexes.generations import VectorIndex
from rag.indexes.keyword import matched
from rag.paths import Home
from rag.retrieval import fusion, languages, recipe
from rag.retrieval.allowed import Scopes
from rag.retrieval.lexical import Lexical, Words
from rag.retrieval.memory import VectorMemory
from rag.retrieval.passages import passages
from rag.retrieval.ranking import Asked, rank
from rag.retrieval.recipe import BEST, Recipe
from rag.retrieval.scope import limits
from rag.types import (
    EVERYTHING,
    Coverage,
    Embedder,
    EmbeddingIdentity,
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
    identity: EmbeddingIdentity | None


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """One moment of the library, and the queries embedded by the model of that very moment.

    `vectors`: by query; none, and `notice` says why, where that model does not embed them.
    """

    db: sqlite3.Connection
    identity: EmbeddingIdentity | None
    words: Words
    vectors: Mapping[str, Vectors]
    notice: str | None
    seconds: float
    """Spent on embedding."""


class Retriever:
    """Hybrid search by the stages of a recipe. Safe to use from many threads.

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
        self._scopes = Scopes()
        self._memory = VectorMemory()

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
        with self._snapshot([query], by.dense) as moment:
            result = self._search(moment, query, scope, by, k)
        hits = result.hits
        if explain:
            hits = tuple(replace(hit, words=matched(query, hit.chunk)) for hit in hits)
        return replace(
            result,
            hits=hits,
            seconds=time.perf_counter() - started,
            notice=moment.notice or result.notice,
            stages={"embed": moment.seconds, **result.stages},
        )

    def evidence(
        self, query: str, most: int, scope: Scope = EVERYTHING, also: str | None = None
    ) -> Evidence:
        """The best `most` passages for an answer, and what they are a part of.

        `also`: another form of the query, which counts as much.
        """
        started = time.perf_counter()
        forms = list(dict.fromkeys(filter(None, (query, also))))
        with self._snapshot(forms) as moment:
            db = moment.db
            result, *others = (self._search(moment, q, scope, BEST, _EVIDENCE) for q in forms)
            for other in others:
                result = replace(result, hits=tuple(fusion.both(result.hits, other.hits)))

            @cache
            def unit_text(document_id: str, number: int) -> str:
                unit = documents.unit(db, document_id, number)
                assert unit is not None, "a live chunk has its unit"
                return unit.text

            found = passages(result.hits[: 2 * most], unit_text, most)
            coverage = documents.coverage(db)
            sequence = chunks.sequence(db)
        seconds = time.perf_counter() - started
        result = replace(result, seconds=seconds, notice=moment.notice or result.notice)
        return Evidence(result, found, coverage, sequence, moment.identity)

    def close(self) -> None:
        self._vectors.close()

    @contextmanager
    def _snapshot(self, queries: Sequence[str], dense: bool = True) -> Iterator[_Snapshot]:
        """Embed, then look: a model may take its time, and a snapshot held open keeps the log.

        Where the library's identity was swapped between the two, the new model embeds again.
        """
        started = time.perf_counter()
        with self._catalog.read() as db:
            identity = indexing.identity(db)
        while True:
            vectors, notice = self._embed(identity, queries) if dense else ({}, None)
            seconds = time.perf_counter() - started
            pinned = self._lexical.pin(self._catalog)
            with self._catalog.read() as db:
                now = indexing.identity(db)
                if now == identity:
                    read_by_mapping(db)
                    words = self._lexical.at(db, pinned)
                    yield _Snapshot(db, identity, words, vectors, notice, seconds)
                    return
            identity = now

    def _embed(
        self, identity: EmbeddingIdentity | None, queries: Sequence[str]
    ) -> tuple[dict[str, Vectors], str | None]:
        if identity is None:
            return {}, None
        try:
            rows = self._embedder_of(identity).embed(queries, "query")
            return dict(zip(queries, rows, strict=True)), None
        except EngineError as error:
            return {}, f"Searched by keywords only: {error.message} {error.hint}"

    def _search(
        self, moment: _Snapshot, query: str, scope: Scope, by: Recipe, k: int
    ) -> SearchResult:
        db, identity, words = moment.db, moment.identity, moment.words
        if identity is None:  # nothing has been committed yet
            return SearchResult(query, (), 0.0)
        model = identity.model
        written_in = words.languages()
        served = serves(model, languages.asked_in(query, written_in))
        weight = recipe.DENSE_WEIGHT if served else recipe.DENSE_WEIGHT_UNSERVED
        within = limits(db, words, query, scope, self._scopes)
        vector = moment.vectors.get(query)
        asked = Asked(
            db, identity, words, self._vectors, self._memory, query, vector, weight,
            within.allowed, within.phrased,
        )  # fmt: skip
        hits, stages = rank(asked, by, k)
        notice = languages.notice(query, written_in, model)
        return SearchResult(query, tuple(hits), 0.0, notice, within.said, stages)
