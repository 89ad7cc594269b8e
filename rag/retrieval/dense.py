"""Nearest chunks by vector: the published generations, and an exact scan of what none of them holds.

Chroma's own filters cost many times a scan. Of a filter that keeps much, more hits are asked for than
are wanted; what another one keeps is scored exactly, from memory (memory.py), or, of a library too
large for that, from the catalog where it is little.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from rag.catalog import chunks
from rag.indexes.generations import VectorIndex, current, gaps
from rag.retrieval.allowed import Allowed
from rag.retrieval.memory import VectorMemory
from rag.retrieval.overfetch import Scored, enough
from rag.types import EmbeddingIdentity, Vectors

READ_BELOW = 2000  # chunks that a filter keeps, of which no more than these are loaded
EXACT_BELOW = 20_000  # ... where there is no room for all
ASK_FOR_MORE_FROM = 0.3  # of all vectors


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
    published = current(db, identity.key)
    held = sum(one.vectors for one in published)
    if allowed is not None and not len(allowed) >= ASK_FOR_MORE_FROM * held >= READ_BELOW:
        rows = memory.at(db, identity, load=len(allowed) > READ_BELOW)
        if rows is None and len(allowed) < EXACT_BELOW:
            rows = memory.of(db, identity, allowed)
        if rows is not None:
            return rows.nearest(vector, k, allowed)
    with index.reading(published) as there:
        rest = memory.rest(db, identity, gaps(there.commits, chunks.sequence(db)))
        found = dict(rest.nearest(vector, k, allowed))
        if there.generations:

            def keep(hits: Sequence[tuple[bytes, float]]) -> list[Scored]:
                return _allowed(_chunks_of(db, hits), allowed)

            share = 1.0 if allowed is None else len(allowed) / max(there.count, 1)
            found |= enough(lambda n: there.nearest(vector, n), keep, k, share)
    return sorted(found.items(), key=lambda hit: -hit[1])[:k]


def _chunks_of(db: sqlite3.Connection, found: Sequence[tuple[bytes, float]]) -> list[Scored]:
    """The live chunks that have these vectors; a vector without one is that of a deleted text."""
    ids = chunks.ids_by_vector(db, [key for key, _ in found])
    return [(chunk_id, score) for key, score in found for chunk_id in ids.get(key, ())]


def _allowed(hits: list[Scored], allowed: Allowed | None) -> list[Scored]:
    return hits if allowed is None else allowed.among(hits)
