"""Nearest chunks by vector: the published generation, and an exact scan of what came after it.

A filter that keeps few chunks is scored exactly: Chroma's own filters cost many times a scan.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence, Set

import numpy as np

from rag.catalog import chunks, vectors
from rag.indexes import publish
from rag.indexes.publish import VectorIndex
from rag.retrieval.overfetch import Scored, enough
from rag.types import EmbeddingIdentity, Vectors

EXACT_BELOW = 20_000  # chunks that a filter keeps


def search(
    db: sqlite3.Connection,
    index: VectorIndex,
    identity: EmbeddingIdentity,
    vector: Vectors,
    k: int,
    allowed: Set[int] | None,
) -> list[Scored]:
    """The `k` nearest live chunk ids with their cosine similarity. `vector`: [dims].

    `db` is the question's read snapshot, `identity` the library's in it, which made `vector`.
    """
    if allowed is not None and len(allowed) < EXACT_BELOW:
        return _nearest(*vectors.of_chunks(db, identity.key, sorted(allowed)), vector)[:k]
    newest = publish.newest(db, identity)
    with index.reading(newest) as generation:
        followed = newest.sequence if newest and generation else 0
        tail = _nearest(*vectors.of_chunks_after(db, identity.key, followed), vector)
        tail = _allowed(tail, allowed)
        if generation is None:
            return tail[:k]
        fresh = {chunk_id for chunk_id, _ in tail}

        def keep(found: Sequence[tuple[bytes, float]]) -> list[Scored]:
            hits = _allowed(_chunks_of(db, found), allowed)
            return [hit for hit in hits if hit[0] not in fresh]

        old = enough(lambda n: generation.query(vector, n), keep, k)
    return sorted([*old, *tail], key=lambda hit: -hit[1])[:k]


def _chunks_of(db: sqlite3.Connection, found: Sequence[tuple[bytes, float]]) -> list[Scored]:
    """The live chunks that have these vectors; a vector without one is that of a deleted text."""
    ids = chunks.ids_by_vector(db, [key for key, _ in found])
    return [(chunk_id, score) for key, score in found for chunk_id in ids.get(key, ())]


def _allowed(hits: list[Scored], allowed: Set[int] | None) -> list[Scored]:
    return hits if allowed is None else [hit for hit in hits if hit[0] in allowed]


def _nearest(ids: Sequence[int], matrix: Vectors, vector: Vectors) -> list[Scored]:
    """Every row's similarity, best first."""
    if not ids:
        return []
    scores = matrix @ vector
    return [(ids[i], float(scores[i])) for i in np.argsort(-scores, kind="stable")]
