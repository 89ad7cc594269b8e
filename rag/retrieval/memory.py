"""The vectors of all live chunks in memory, for searches that a filter limits.

Chroma's own filters cost many times an exact search, and a vector read from the catalog a hundred
times one that is here. Loaded when a filter first needs it; what is committed afterwards is added.
Removed chunks stay in it until they are many: whoever searches names the chunks that may be found.
"""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rag.catalog import chunks, vectors
from rag.retrieval.allowed import Allowed
from rag.retrieval.overfetch import Scored
from rag.types import EmbeddingIdentity, Vectors

MOST = 200_000  # chunks: 300 MB of 384 dimensions
_DEAD_SHARE = 0.3
_GATHER_BELOW = 0.1  # of the rows: few are multiplied one by one, many with all others


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Chunk ids, sorted, and their vectors row for row, as of a commit."""

    identity: str
    sequence: int
    ids: npt.NDArray[np.int64]
    vectors: Vectors

    def nearest(self, vector: Vectors, k: int, allowed: Allowed) -> list[Scored]:
        """The `k` nearest of the allowed chunks with their cosine similarity, best first."""
        places = np.searchsorted(self.ids, allowed.ids)
        # a snapshot may be older than these rows, and have chunks that are gone from them
        there = np.append(self.ids, -1)[places] == allowed.ids
        ids, places = allowed.ids[there], places[there]
        if len(places) < _GATHER_BELOW * len(self.ids):
            scores = self.vectors[places] @ vector
        else:
            scores = (self.vectors @ vector)[places]
        best = np.argpartition(-scores, k)[:k] if k < len(scores) else np.arange(len(scores))
        best = best[np.argsort(-scores[best], kind="stable")]
        return [(int(ids[i]), float(scores[i])) for i in best]


class VectorMemory:
    """What is kept of a library from question to question. Safe to use from many threads."""

    def __init__(self) -> None:
        self._rows: Rows | None = None
        self._tail: tuple[tuple[str, int, int], tuple[list[int], Vectors]] | None = None
        self._loading = threading.Lock()

    def tail(
        self, db: sqlite3.Connection, identity: EmbeddingIdentity, followed: int
    ) -> tuple[list[int], Vectors]:
        """The chunks of a snapshot committed after a sequence number, and their vectors."""
        wanted = (identity.key, followed, chunks.sequence(db))
        known = self._tail
        if known is None or known[0] != wanted:
            known = self._tail = wanted, vectors.of_chunks_after(db, identity.key, followed)
        return known[1]

    def at(self, db: sqlite3.Connection, identity: EmbeddingIdentity, load: bool) -> Rows | None:
        """Rows that have every chunk of a snapshot; None where they would be too many.

        Without `load` also None where none are kept yet.
        """
        with self._loading:
            rows = self._rows
            if rows is None and not load:
                return None
            sequence = chunks.sequence(db)
            if rows is None or rows.identity != identity.key or rows.sequence < sequence:
                rows = self._rows = _brought_up(db, identity.key, sequence, rows)
            return rows


def _brought_up(
    db: sqlite3.Connection, identity: str, sequence: int, old: Rows | None
) -> Rows | None:
    count = chunks.count(db)
    if count > MOST:
        return None
    if old is None or old.identity != identity or len(old.ids) * (1 - _DEAD_SHARE) > count:
        return _sorted(db, identity, sequence, 0)
    late = _sorted(db, identity, sequence, old.sequence)
    if not len(late.ids):
        return Rows(identity, sequence, old.ids, old.vectors)
    return Rows(
        identity,
        sequence,
        np.concatenate([old.ids, late.ids]),  # ids are given in the order of commits
        np.concatenate([old.vectors, late.vectors]),
    )


def _sorted(db: sqlite3.Connection, identity: str, sequence: int, after: int) -> Rows:
    found, matrix = vectors.of_chunks_after(db, identity, after)
    ids = np.array(found, np.int64)
    order = np.argsort(ids)
    if np.array_equal(order, np.arange(len(order))):
        return Rows(identity, sequence, ids, matrix)
    return Rows(identity, sequence, ids[order], matrix[order])
