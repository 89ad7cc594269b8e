"""Makes one ranking of two searches. Pure.

Ranks can be joined whatever the scores are (`reciprocal_rank_fusion`). Where both scores of every
candidate are known, more is: `fused` keeps how far the best is ahead. `both` joins what two forms of
one question found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rag.types import Hit, Vectors

RRF_K = 60


def reciprocal_rank_fusion(rankings: Sequence[Sequence[int]], k: int = RRF_K) -> dict[int, float]:
    """Score each id by the sum of 1 / (k + rank) over the rankings it is in; ranks from 1.

    Source: Cormack, Clarke, Buettcher, "Reciprocal rank fusion outperforms Condorcet and individual
    rank learning methods", SIGIR 2009.
    """
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, item in enumerate(ranking, start=1):
            scores[item] = scores.get(item, 0.0) + 1.0 / (k + rank)
    return scores


def fused(cosines: Vectors, keywords: Vectors, weight: float) -> Vectors:
    """`weight` of the cosine and the rest of the keyword score, each as a share of the best."""
    joined: Vectors = weight * _shares(cosines) + (1 - weight) * _shares(keywords)
    return joined


def towards(query: Vectors, found: Vectors, weight: float) -> Vectors:
    """The question's vector moved towards the mean of what it found, of unit length again.

    Source: Rocchio, "Relevance feedback in information retrieval", 1971, taking the best hits for
    relevant ones, as in pseudo relevance feedback.
    """
    moved = query + weight * found.mean(axis=0)
    unit: Vectors = (moved / max(float(np.linalg.norm(moved)), 1e-12)).astype(np.float32)
    return unit


def best_first(scores: Vectors, ids: Sequence[int]) -> list[int]:
    """The positions of the scores, best first; equals in the order of their ids."""
    positions: list[int] = np.lexsort((np.asarray(ids), -scores)).tolist()
    return positions


def both(one: Sequence[Hit], other: Sequence[Hit]) -> list[Hit]:
    """The hits of two searches, best first: each scores the mean of its shares of their bests."""
    scores: dict[int, float] = {}
    for hits in (one, other):
        best = hits[0].score if hits and hits[0].score > 0 else 1.0
        for hit in hits:
            scores[hit.chunk.id] = scores.get(hit.chunk.id, 0.0) + hit.score / best / 2
    found = {hit.chunk.id: hit for hit in (*other, *one)}
    return sorted(
        (replace(hit, score=scores[i]) for i, hit in found.items()),
        key=lambda hit: (-hit.score, hit.chunk.id),
    )


def _shares(scores: Vectors) -> Vectors:
    best = float(scores.max(initial=0.0))
    return scores / best if best > 0 else np.zeros_like(scores)
