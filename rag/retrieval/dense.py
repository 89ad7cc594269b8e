"""Nearest chunks by vector: the published generation, and an exact scan of what came after it.

What a filter keeps is scored exactly, from memory (memory.py): Chroma's own filters cost many times a
scan. In a library too large for that few chunks are read from the catalog, of many more are asked
for than are wanted.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import numpy as np

from rag.catalog import chunks, vectors
from rag.indexes import publish
from rag.indexes.publish import VectorIndex
from rag.retrieval.allowed import Allowed
from rag.retrieval.memory import VectorMemory
from rag.retrieval.overfetch import Scored, enough
from rag.types import EmbeddingIdentity, Vectors

READ_BELOW = 2000  # chunks that a filter keeps, of which no more than these are loaded
EXACT_BELOW = 20_000  # ... where there is no room for all


def search(
    db: sqlite3.Connection,
    index: VectorIndex,
    identity: EmbeddingIdentity,
    vector: Vectors,
    k: int,
    allowed: Allowed | None,
    memory: VectorMemory,
) -> list[Scored]:
    """The `k` nearest live chunk ids with their cosine similarity. `vector`: [dims].

    `db` is the question's read snapshot, `identity` the library's in it, which made `vector`.
    """
    if allowed is not None:
        rows = memory.at(db, identity, load=len(allowed) > READ_BELOW)
        if rows is not None:
            return rows.nearest(vector, k, allowed)
        if len(allowed) < EXACT_BELOW:
            return _nearest(*vectors.of_chunks(db, identity.key, allowed.ids.tolist()), vector)[:k]
    newest = publish.newest(db, identity)
    with index.reading(newest) as generation:
        followed = newest.sequence if newest and generation else 0
        tail = _nearest(*memory.tail(db, identity, followed), vector)
        tail = _allowed(tail, allowed)
        if generation is None:
            return tail[:k]
        fresh = {chunk_id for chunk_id, _ in tail}

        def keep(found: Sequence[tuple[bytes, float]]) -> list[Scored]:
            hits = _allowed(_chunks_of(db, found), allowed)
            return [hit for hit in hits if hit[0] not in fresh]

        share = 1.0 if allowed is None else len(allowed) / max(generation.count, 1)
        old = enough(lambda n: generation.query(vector, n), keep, k, share)
    return sorted([*old, *tail], key=lambda hit: -hit[1])[:k]


def _chunks_of(db: sqlite3.Connection, found: Sequence[tuple[bytes, float]]) -> list[Scored]:
    """The live chunks that have these vectors; a vector without one is that of a deleted text."""
    ids = chunks.ids_by_vector(db, [key for key, _ in found])
    return [(chunk_id, score) for key, score in found for chunk_id in ids.get(key, ())]


def _allowed(hits: list[Scored], allowed: Allowed | None) -> list[Scored]:
    return hits if allowed is None else allowed.among(hits)


def _nearest(ids: Sequence[int], matrix: Vectors, vector: Vectors) -> list[Scored]:
    """Every row's similarity, best first."""
    if not ids:
        return []
    scores = matrix @ vector
    return [(ids[i], float(scores[i])) for i in np.argsort(-scores, kind="stable")]
