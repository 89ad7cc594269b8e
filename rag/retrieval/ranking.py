"""One question to its ranked chunks: the stages of a recipe, one after the other.

Works on one read snapshot. Knows nothing of engines: the question comes with its vector.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rag.catalog import chunks
from rag.indexes.generations import VectorIndex
from rag.indexes.keyword import label, labels
from rag.retrieval import dense, fusion, recipe
from rag.retrieval.allowed import Allowed
from rag.retrieval.candidates import Candidates, collect
from rag.retrieval.lexical import Words
from rag.retrieval.memory import VectorMemory
from rag.retrieval.names import names_in
from rag.retrieval.recipe import Recipe
from rag.types import EmbeddingIdentity, Hit, StoredChunk, Vectors

_BEHIND = 1e-4  # of the score: a document that a passage names comes after the passage
_MOST_NAMESAKES = 3  # documents of one name: more, and it names none of them


@dataclass(frozen=True, slots=True)
class Asked:
    """A question in one snapshot: what it is asked of, its vector, and how far that counts.

    `allowed`: the chunks that may be found, None for all; `phrased`: those that have its phrases.
    """

    db: sqlite3.Connection
    identity: EmbeddingIdentity
    words: Words
    index: VectorIndex
    memory: VectorMemory
    query: str
    vector: Vectors | None
    dense_weight: float
    allowed: Allowed | None
    phrased: Allowed | None


@dataclass(frozen=True, slots=True)
class Ranked:
    """Candidates with their scores; `named`: the chunk that names a candidate's document, by id."""

    found: Candidates
    scores: Vectors
    named: dict[int, StoredChunk]


def rank(asked: Asked, by: Recipe, k: int) -> tuple[list[Hit], dict[str, float]]:
    """The `k` best hits, and the seconds that each stage took; `keyword`: beyond `dense`, beside which
    it is searched.
    """
    started = time.perf_counter()
    depth = max(k, recipe.DEPTH)
    by_keyword = by_vector = []
    words = asked.words.begin(asked.query, depth, asked.allowed) if by.keyword else None
    vector = asked.vector if by.dense else None
    if vector is not None:
        by_vector = dense.search(
            asked.db, asked.index, asked.identity, vector, depth, asked.allowed, asked.memory
        )
    near = time.perf_counter()
    if words is not None:
        by_keyword = words()
    searched = time.perf_counter()
    phrased = asked.words.search(asked.query, depth, asked.phrased) if asked.phrased else []
    found = collect(
        asked.db, asked.identity, asked.words, asked.query, by_vector, by_keyword,
        also=[i for i, _ in phrased], with_vectors=vector is not None,
    )  # fmt: skip
    ranked = _by_ranks(found) if by.fusion == "ranks" else _by_scores(asked, by, found)
    hits = _hits(asked, ranked, k)
    ended = time.perf_counter()
    return hits, {
        "dense": near - started, "keyword": searched - near, "rank": ended - searched
    }  # fmt: skip


def _by_ranks(found: Candidates) -> Ranked:
    rankings = [sorted(ranks, key=ranks.__getitem__) for ranks in found.rankings]
    scores = fusion.reciprocal_rank_fusion(rankings)
    return Ranked(found, np.array([scores.get(i, 0.0) for i in found.ids], np.float32), {})


def _by_scores(asked: Asked, by: Recipe, found: Candidates) -> Ranked:
    weight = asked.dense_weight if by.keyword else 1.0
    vector = asked.vector if by.dense else None
    if vector is None:
        weight = 0.0
    scores = _fused(asked, found, vector, weight)
    if by.feedback and vector is not None and found.ids:
        best = fusion.best_first(scores, found.ids)[: recipe.FEEDBACK_FROM]
        vector = fusion.towards(vector, found.vectors[best], recipe.FEEDBACK_WEIGHT)
        scores = _fused(asked, found, vector, weight)
    if by.names and found.ids:
        return _with_named(asked, found, scores, vector, weight)
    return Ranked(found, scores, {})


def _fused(asked: Asked, found: Candidates, vector: Vectors | None, weight: float) -> Vectors:
    scores = fusion.fused(found.cosines(vector), found.keywords, weight)
    if asked.phrased is not None:
        scores[np.isin(found.ids, asked.phrased.ids)] += recipe.PHRASE_WEIGHT
    return scores


def _with_named(
    asked: Asked, found: Candidates, scores: Vectors, vector: Vectors | None, weight: float
) -> Ranked:
    """Adds the documents that the best candidates name, each scored by the better for it."""
    best = fusion.best_first(scores, found.ids)[: recipe.NAMES_FROM]
    score_of = {found.ids[i]: float(scores[i]) for i in best}
    naming = chunks.by_ids(asked.db, list(score_of))
    sources = _names(asked.query, [naming[i] for i in score_of if i in naming])
    named = _documents_named(asked, sources)
    if not named:
        return Ranked(found, scores, {})
    more = [i for i in named if i not in set(found.ids)]
    found = found.with_more(
        collect(
            asked.db,
            asked.identity,
            asked.words,
            asked.query,
            [],
            [],
            also=more,
            with_vectors=vector is not None,
        )
    )
    scores = _fused(asked, found, vector, weight)
    for row, chunk_id in enumerate(found.ids):
        if chunk_id in named:
            source = score_of[named[chunk_id].id]
            raised = min(float(scores[row]) + recipe.NAMED_WEIGHT * source, source)
            scores[row] = max(float(scores[row]), raised - _BEHIND)
    return Ranked(found, scores, named)


def _names(query: str, best: Sequence[StoredChunk]) -> dict[str, StoredChunk]:
    """The names in the text of the best candidates that the question does not hold itself."""
    asked = f" {label(query)} "
    sources: dict[str, StoredChunk] = {}
    for chunk in best:
        for name in names_in(chunk.text, label):
            if f" {name} " not in asked:
                sources.setdefault(name, chunk)
    return sources


def _documents_named(asked: Asked, sources: dict[str, StoredChunk]) -> dict[int, StoredChunk]:
    """For each document that has one of these names its best chunk, and the chunk that names it."""
    if not sources:
        return {}
    found = asked.words.named(list(sources), asked.query, recipe.MOST_NAMED, asked.allowed)
    stored = chunks.by_ids(asked.db, [i for i, _ in found])
    bearers: dict[str, dict[str, int]] = {}
    for chunk_id, _ in found:
        if chunk := stored.get(chunk_id):
            for name in sources.keys() & labels(chunk.title, chunk.name):
                if sources[name].document_id != chunk.document_id:
                    bearers.setdefault(name, {}).setdefault(chunk.document_id, chunk_id)
    return {
        chunk_id: sources[name]
        for name, documents in bearers.items()
        if len(documents) <= _MOST_NAMESAKES
        for chunk_id in documents.values()
    }


def _hits(asked: Asked, ranked: Ranked, k: int) -> list[Hit]:
    found, scores = ranked.found, ranked.scores
    best = fusion.best_first(scores, found.ids)[:k]
    stored = chunks.by_ids(asked.db, [found.ids[i] for i in best])
    cosines = found.cosines(asked.vector)
    by_vector, by_keyword = found.rankings
    return [
        Hit(
            stored[chunk_id],
            float(scores[i]),
            by_vector.get(chunk_id),
            None if asked.vector is None else float(cosines[i]),
            by_keyword.get(chunk_id),
            float(found.keywords[i]) or None,
            ranked.named[chunk_id].name if chunk_id in ranked.named else None,
        )
        for i in best
        for chunk_id in [found.ids[i]]
        if chunk_id in stored
    ]
