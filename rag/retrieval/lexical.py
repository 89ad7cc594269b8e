"""Best chunks by BM25: the keyword index, and what it has not followed yet."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence, Set
from pathlib import Path

from rag.catalog import chunks, indexing
from rag.indexes.follow import KEYWORD
from rag.indexes.keyword import KeywordIndex
from rag.retrieval.overfetch import Scored, enough


class Lexical:
    """Keyword search over a library. Opens the index when it is first there to be opened."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._index: KeywordIndex | None = None

    def search(
        self, db: sqlite3.Connection, query: str, k: int, allowed: Set[int] | None
    ) -> list[Scored]:
        """The best `k` live chunk ids with their scores. `db` is the question's read snapshot."""
        index = self._open()
        followed = indexing.watermark(db, KEYWORD) if index else 0
        tail = _search_tail(db, followed, query, k, allowed)
        fresh = {chunk_id for chunk_id, _ in tail}

        def keep(found: Sequence[Scored]) -> list[Scored]:
            alive = chunks.alive(db, [i for i, _ in found])
            return [
                hit
                for hit in found
                if hit[0] in alive
                and hit[0] not in fresh
                and (allowed is None or hit[0] in allowed)
            ]

        old = enough(lambda n: index.search(query, n), keep, k) if index else []
        return sorted([*old, *tail], key=lambda hit: -hit[1])[:k]

    def _open(self) -> KeywordIndex | None:
        # a writer that builds anew replaces the folder: an index whose files are gone is reopened
        if not KeywordIndex.exists(self._folder):
            self._index = None
        elif self._index is None:
            self._index = KeywordIndex(self._folder)
        return self._index


def _search_tail(
    db: sqlite3.Connection, followed: int, query: str, k: int, allowed: Set[int] | None
) -> list[Scored]:
    """The chunks committed after the watermark, ranked in an index made for this question."""
    tail = [c for c in chunks.after(db, followed) if allowed is None or c.id in allowed]
    if not tail:
        return []
    fresh = KeywordIndex(None)
    fresh.update([], tail)
    return fresh.search(query, k)
