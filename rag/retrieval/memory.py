"""Vectors in memory: of what no generation holds, and, for searches that a filter limits, of all live
chunks, or of what the last filter left of a library too large for that.

Chroma's own filters cost many times an exact search, and a vector read from the catalog a hundred
times one that is here. All are loaded when a filter first needs them; what is committed afterwards is
added. Removed chunks stay until they are many: whoever searches names those that may be found.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rag.catalog import chunks, replacing, vectors
from rag.catalog.indexing import Commits
from rag.retrieval.allowed import Allowed
from rag.retrieval.overfetch import Scored
from rag.types import EmbeddingIdentity, Vectors

MOST = 200_000  # chunks: 300 MB of 384 dimensions
_DEAD_SHARE = 0.3
_KEPT_FROM = 500  # rows: fewer are read anew in a few milliseconds


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Chunk ids, sorted, and their vectors row for row."""

    ids: npt.NDArray[np.int64]
    vectors: Vectors

    @classmethod
    def of(cls, chunk_ids: Sequence[int], rows: Vectors) -> Rows:
        ids = np.array(chunk_ids, np.int64)
        order = np.argsort(ids)
        if np.array_equal(order, np.arange(len(order))):
            return cls(ids, rows)
        return cls(ids[order], rows[order])

    def and_later(self, later: Rows) -> Rows:
        """These and others, whose ids are higher: ids are given in the order of commits."""
        if not len(later.ids) or not len(self.ids):
            return later if len(later.ids) else self
        return Rows(
            np.concatenate([self.ids, later.ids]), np.concatenate([self.vectors, later.vectors])
        )

    def nearest(self, vector: Vectors, k: int, allowed: Allowed | None) -> list[Scored]:
        """The `k` nearest of the allowed chunks (None: of all), best first, with their cosine
        similarity.
        """
        ids, rows = self.ids, self.vectors
        if allowed is not None and len(ids):
            places = np.searchsorted(ids, allowed.ids)
            # a snapshot may be older than these rows, and have chunks that are gone from them
            there = np.append(ids, -1)[places] == allowed.ids
            ids, rows = allowed.ids[there], rows[places[there]]
        if not len(ids):
            return []
        # not BLAS: its threads wait for one another, on a busy machine ten times as long
        scores = np.einsum("ij,j->i", rows, vector)
        best = np.argpartition(-scores, k)[:k] if k < len(scores) else np.arange(len(scores))
        best = best[np.argsort(-scores[best], kind="stable")]
        return [(int(ids[i]), float(scores[i])) for i in best]


@dataclass(frozen=True, slots=True, eq=False)
class _AsOf:
    """Every chunk as of a commit; None: they are too many."""

    identity: str
    sequence: int
    rows: Rows | None


class VectorMemory:
    """What is kept of a library from question to question. Safe to use from many threads."""

    def __init__(self) -> None:
        self._all: _AsOf | None = None
        self._last: tuple[str, Allowed, Rows] | None = None
        self._rest: tuple[tuple[str, list[Commits], int], Rows] | None = None
        self._loading = threading.Lock()

    def rest(
        self, db: sqlite3.Connection, identity: EmbeddingIdentity, commits: list[Commits]
    ) -> Rows:
        """The chunks of a snapshot that are of some stretches of commits."""
        wanted = (identity.key, commits, chunks.sequence(db))
        with self._loading:
            known = self._rest
            if known is None or known[0] != wanted:
                rows = Rows.of([], np.empty((0, 0), np.float32))
                for stretch in commits:
                    later = vectors.of_chunks_after(db, identity.key, *stretch)
                    rows = rows.and_later(Rows.of(*later))
                known = self._rest = wanted, rows
            return known[1]

    def at(self, db: sqlite3.Connection, identity: EmbeddingIdentity, load: bool) -> Rows | None:
        """Rows that have every chunk of a snapshot; None where they would be too many.

        Without `load` also None where none are kept yet.
        """
        with self._loading:
            known = self._all
            if known is None and not load:
                return None
            sequence = chunks.sequence(db)
            if known is None or known.identity != identity.key or _behind(known, sequence):
                known = self._all = _brought_up(db, identity.key, sequence, known)
            return known.rows

    def of(self, db: sqlite3.Connection, identity: EmbeddingIdentity, allowed: Allowed) -> Rows:
        """The rows of what a filter leaves; many are kept for the next question with the same one."""
        if len(allowed) < _KEPT_FROM:
            return Rows.of(*vectors.of_chunks(db, identity.key, allowed.ids.tolist()))
        with self._loading:
            known = self._last
            if known is None or known[:2] != (identity.key, allowed):
                found = vectors.of_chunks(db, identity.key, allowed.ids.tolist())
                known = self._last = identity.key, allowed, Rows.of(*found)
            return known[2]


def _behind(known: _AsOf, sequence: int) -> bool:
    return known.sequence < sequence or _is_another(known, sequence)


def _is_another(known: _AsOf, sequence: int) -> bool:
    """Whether another catalog has taken the library's place since: its numbers are far from these."""
    return abs(sequence - known.sequence) >= replacing.STRIDE / 2


def _brought_up(db: sqlite3.Connection, identity: str, sequence: int, old: _AsOf | None) -> _AsOf:
    count = chunks.count(db)
    if count > MOST:
        return _AsOf(identity, sequence, None)
    if (
        old is None
        or old.rows is None
        or old.identity != identity
        or _is_another(old, sequence)
        or len(old.rows.ids) * (1 - _DEAD_SHARE) > count
    ):
        return _AsOf(identity, sequence, Rows.of(*vectors.of_chunks_after(db, identity, 0)))
    later = Rows.of(*vectors.of_chunks_after(db, identity, old.sequence))
    return _AsOf(identity, sequence, old.rows.and_later(later))
