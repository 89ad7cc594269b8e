"""Best chunks by BM25: the keyword index, and what it has not followed yet."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rag.catalog import chunks, indexing
from rag.catalog.connection import Catalog
from rag.errors import LibraryDamaged
from rag.indexes.follow import KEYWORD
from rag.indexes.keyword import KeywordIndex
from rag.retrieval.allowed import Allowed
from rag.retrieval.overfetch import Scored, asked_first, enough

ASKED_ONE_BY_ONE = 2000
"""Chunks that a filter leaves, up to which each is scored, unless a search goes through fewer."""
_BESIDE = ThreadPoolExecutor(thread_name_prefix="keywords")


@dataclass(frozen=True, slots=True)
class Pinned:
    """The index of one moment, if there is one, and the last change that it is sure to hold."""

    followed: int
    index: KeywordIndex | None


@dataclass(frozen=True, slots=True)
class _Tail:
    """The chunks committed after the index, in an index in memory."""

    followed: int
    sequence: int
    ids: frozenset[int]
    index: KeywordIndex


class Lexical:
    """Keyword search over a library. Opens the index when it is first there to be opened."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._index: KeywordIndex | None = None
        self._tail: _Tail | None = None

    def pin(self, catalog: Catalog) -> Pinned:
        """The index as it is now. To be taken before a question's read snapshot: an index that is
        ahead of the snapshot has forgotten chunks that are alive in it.
        """
        index = self._open()
        with suppress(LibraryDamaged):  # its folder is being removed
            # 0: it is of another form, or being built anew
            while index and (followed := _watermark(catalog)):
                pinned = index.pinned()
                if _watermark(catalog) == followed:
                    return Pinned(followed, pinned)
        return Pinned(0, None)

    def at(self, db: sqlite3.Connection, pinned: Pinned) -> Words:
        """Keyword search as of a question's read snapshot, with an index pinned before it."""
        followed = pinned.followed
        # removals are forgotten when the index has followed them: another one than is pinned
        same = indexing.watermark(db, KEYWORD) == followed
        stale = not same or chunks.any_removed_after(db, followed)
        return Words(db, pinned.index, self._tail_after(db, followed), stale)

    def _open(self) -> KeywordIndex | None:
        # a writer that builds anew replaces the folder: an index whose files are gone is reopened
        # a damaged one counts as none until it is built anew
        if not KeywordIndex.exists(self._folder):
            self._index = None
        elif self._index is None and KeywordIndex.is_sound(self._folder):
            with suppress(LibraryDamaged):
                self._index = KeywordIndex(self._folder)
        return self._index

    def _tail_after(self, db: sqlite3.Connection, followed: int) -> _Tail | None:
        """The tail of this moment; kept for the next question, which mostly has the same."""
        sequence = chunks.sequence(db)
        tail = self._tail
        if tail is None or (tail.followed, tail.sequence) != (followed, sequence):
            late = list(chunks.after(db, followed))
            index = KeywordIndex(None)
            if late:
                index.update([], late)
            tail = _Tail(followed, sequence, frozenset(c.id for c in late), index)
            self._tail = tail
        return tail if tail.ids else None


def _watermark(catalog: Catalog) -> int:
    with catalog.read() as db:
        return indexing.watermark(db, KEYWORD)


@dataclass(frozen=True, slots=True)
class Words:
    """The keyword index and its tail in one read snapshot. `stale`: the index may hold chunks that
    are not alive in it.
    """

    db: sqlite3.Connection
    index: KeywordIndex | None
    tail: _Tail | None
    stale: bool

    def search(self, query: str, k: int, allowed: Allowed | None) -> list[Scored]:
        """The best `k` live chunk ids with their scores."""
        return self.begin(query, k, allowed)()

    def begin(self, query: str, k: int, allowed: Allowed | None) -> Callable[[], list[Scored]]:
        """A search that is under way: tantivy searches beside whatever is done until it is called."""
        first = asked_first(k, self._share(allowed))
        if allowed is not None and len(allowed) <= min(ASKED_ONE_BY_ONE, first):
            return lambda: self._each(query, k, allowed)
        begun = _BESIDE.submit(self.index.search, query, first) if self.index else None

        def fetch(index: KeywordIndex, n: int) -> Sequence[Scored]:
            known = begun is not None and (index, n) == (self.index, first)
            return begun.result() if begun and known else index.search(query, n)

        return lambda: self._best(fetch, k, allowed)

    def named(
        self, labels: Sequence[str], query: str, k: int, allowed: Allowed | None
    ) -> list[Scored]:
        """The best `k` live chunks for a query of the documents that have one of these labels."""
        return self._best(lambda index, n: index.named(labels, query, n), k, allowed)

    def begin_scores(self, query: str, chunk_ids: Sequence[int]) -> Callable[[], dict[int, float]]:
        """`scores`, under way as `begin` is."""
        return _BESIDE.submit(self.scores, query, chunk_ids).result

    def scores(self, query: str, chunk_ids: Sequence[int]) -> dict[int, float]:
        """What `search` scores these live chunks; 0 is left out."""
        late = self.tail.ids if self.tail else frozenset()
        found: dict[int, float] = {}
        if self.index:
            found |= self.index.scores(query, [i for i in chunk_ids if i not in late])
        if self.tail:
            found |= self.tail.index.scores(query, [i for i in chunk_ids if i in late])
        return found

    def with_phrase(self, phrase: str, most: int) -> set[int]:
        """The live chunks, at most so many, that have these words side by side."""
        found = self.index.with_phrase(phrase, most) if self.index else set()
        late = self.tail.index.with_phrase(phrase, most) if self.tail else set()
        return chunks.alive(self.db, list(found)) | late

    def languages(self) -> dict[str, int]:
        """The languages of the chunks, by stemmer, and about how many chunks are in each."""
        counts = dict(self.index.languages()) if self.index else {}
        for language, number in self.tail.index.languages().items() if self.tail else ():
            counts[language] = counts.get(language, 0) + number
        return counts

    def _each(self, query: str, k: int, allowed: Allowed) -> list[Scored]:
        scored = self.scores(query, allowed.ids.tolist())
        return sorted(scored.items(), key=lambda hit: (-hit[1], hit[0]))[:k]

    def _share(self, allowed: Allowed | None) -> float:
        """Of the index, how much may be kept."""
        if self.index is None or allowed is None:
            return 1.0
        return max(len(allowed), 1) / max(self.index.count, 1)

    def _best(
        self,
        fetch: Callable[[KeywordIndex, int], Sequence[Scored]],
        k: int,
        allowed: Allowed | None,
    ) -> list[Scored]:
        late = self.tail.ids if self.tail else frozenset()

        def among(found: Sequence[Scored]) -> list[Scored]:
            return list(found) if allowed is None else allowed.among(found)

        def keep(found: Sequence[Scored]) -> list[Scored]:
            if allowed is None and self.stale:
                alive = chunks.alive(self.db, [i for i, _ in found])
                found = [hit for hit in found if hit[0] in alive]
            return [hit for hit in among(found) if hit[0] not in late]

        index, tail = self.index, self.tail
        share = self._share(allowed)
        old = enough(lambda n: fetch(index, n), keep, k, share) if index else []
        new = enough(lambda n: fetch(tail.index, n), among, k) if tail else []
        return sorted([*old, *new], key=lambda hit: -hit[1])[:k]
