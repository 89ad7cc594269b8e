"""The library embedded anew with another model, while the vectors it has go on answering.

The new vectors lie beside the old ones under an identity that no reader looks at. When every live
text has one and their generation is published, one transaction makes that identity the library's.
A kill before it leaves the old identity answering and keeps what was embedded; the next run embeds
the rest. What the library answered with before is kept for the way back, which is the same road,
until an ingestion has embedded something new or it is given up.

The caller holds the writer's lock from beginning to end.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

from rag.catalog import chunks, indexing, vectors
from rag.catalog.connection import Catalog
from rag.chunking import Chunker
from rag.indexes import publish
from rag.indexes.follow import follow_vectors
from rag.ingest.ahead import Ahead, Slice
from rag.ingest.commit import Embedded
from rag.locks import WriterLock
from rag.paths import Home
from rag.types import Embedder, EmbeddingIdentity, StoredChunk

_SAMPLE, _SAMPLE_AT_ONCE = 12, 4  # texts embedded to foretell how long all will take
_SAMPLE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Outlook:
    """Event: what a re-embedding has before it. A text that several chunks share counts once."""

    current: EmbeddingIdentity
    target: EmbeddingIdentity
    chunks: int
    done: int
    """Of them embedded by the target already."""
    given_up: EmbeddingIdentity | None
    """The target of an unfinished re-embedding that this one takes the place of."""

    @property
    def left(self) -> int:
        return self.chunks - self.done


@dataclass(frozen=True, slots=True)
class Publishing:
    """Event: everything is embedded, and the vector index of the new identity is being built."""


@dataclass(frozen=True, slots=True)
class Swapped:
    """Event: the end. Every question from now on is answered with `current`."""

    current: EmbeddingIdentity
    former: EmbeddingIdentity | None
    """What can be gone back to."""
    chunks: int
    chunks_embedded: int
    seconds: float


ReindexEvent = Outlook | Embedded | Publishing | Swapped


def outlook(catalog: Catalog, target: EmbeddingIdentity) -> Outlook:
    """How far the library is on its way to a target."""
    with catalog.read() as db:
        current, unfinished = indexing.identity(db), indexing.next_identity(db)
        total, done = vectors.count_live(db), vectors.count_embedded(db, target.key)
    assert current is not None, "a library without an identity has nothing to embed anew"
    given_up = unfinished if unfinished and unfinished.key != target.key else None
    return Outlook(current, target, total, done, given_up)


def discard_former(catalog: Catalog, home: Home, lock: WriterLock) -> EmbeddingIdentity | None:
    """Give up the way back, and the room that its vectors take. Returns what was given up."""
    with catalog.write(lock) as db:
        former = indexing.former_identity(db)
        indexing.forget_former(db)
        vectors.sweep(db, indexing.kept(db))
    publish.remove_old(catalog, home, lock)
    catalog.checkpoint()
    return former


@dataclass(frozen=True, slots=True)
class Reindex:
    """The parts of a re-embedding; `embedder` is the target's, and refuses if its model changes."""

    catalog: Catalog
    home: Home
    embedder: Embedder
    target: EmbeddingIdentity
    chunker: Chunker

    def foretell(self) -> float:
        """About how many seconds it will take, by embedding a few texts for a second or two.

        Nothing is stored: nobody has agreed yet.
        """
        with self.catalog.read() as db:
            left = outlook(self.catalog, self.target).left
            sample = chunks.not_embedded(db, self.target.key, 0, _SAMPLE)
        if not sample:
            return 0.0
        texts = [self._text(chunk) for chunk in sample]
        self.embedder.embed(texts[:1], "document")  # loads the model
        started = time.perf_counter()
        measured = 0
        while measured < len(texts) and time.perf_counter() - started < _SAMPLE_SECONDS:
            some = texts[measured : measured + _SAMPLE_AT_ONCE]
            self.embedder.embed(some, "document")
            measured += len(some)
        return (time.perf_counter() - started) / measured * left

    def run(self, lock: WriterLock) -> Iterator[ReindexEvent]:
        """Embed what is missing, publish, swap. Closing the iterator stops it; nothing is lost.

        Raises what the engine raises; `IdentityMismatch` where the model changes meanwhile.
        """
        started = time.perf_counter()
        before = self._begin(lock)
        yield before
        yield from self._embed(lock)
        yield Publishing()
        follow_vectors(self.catalog, self.home, lock, at_end=True, identity=self.target.key)
        former = self._swap(lock)
        seconds = time.perf_counter() - started
        yield Swapped(self.target, former, before.chunks, before.left, seconds)

    def _begin(self, lock: WriterLock) -> Outlook:
        """Write down where this leads to; vectors on the way to elsewhere are given up."""
        with self.catalog.write(lock) as db:
            found = outlook(self.catalog, self.target)
            indexing.set_next_identity(db, self.target)
            if found.given_up is not None:
                vectors.sweep(db, indexing.kept(db))
        return found

    def _embed(self, lock: WriterLock) -> Iterator[Embedded]:
        """Each slice is stored as it comes: a reader never waits for more than that."""
        ahead, embedded, seconds = Ahead(self.embedder, self.chunker.count), 0, 0.0
        try:
            # a group is taken when the next one has begun
            for group, _ in pairwise(chain(self._begun(ahead), [iter(())])):
                for part in group:
                    with self.catalog.write(lock) as db:
                        vectors.put(db, self.target.key, part.keys, part.rows)
                    embedded += len(part.keys)
                    seconds += part.seconds
                    yield Embedded(embedded, seconds)
        finally:
            ahead.close()

    def _begun(self, ahead: Ahead) -> Iterator[Iterator[Slice]]:
        """The slices of each group of what is missing, which begins to be embedded when it is asked
        for.
        """
        texts: dict[bytes, str] = {}
        last_id = 0
        while part := self._missing(last_id, ahead.pace.group):
            last_id = part[-1].id
            coming = texts.keys()  # not stored yet
            texts = {c.vector_key: self._text(c) for c in part if c.vector_key not in coming}
            yield ahead.begin(texts)

    def _missing(self, last_id: int, most: int) -> Sequence[StoredChunk]:
        with self.catalog.read() as db:
            return chunks.not_embedded(db, self.target.key, last_id, most)

    def _text(self, chunk: StoredChunk) -> str:
        return self.chunker.embedded_text(chunk.title, chunk.headings, chunk.text)

    def _swap(self, lock: WriterLock) -> EmbeddingIdentity | None:
        """The one transaction, then what nobody can go back to any more is cleared away."""
        with self.catalog.write(lock) as db:
            assert not chunks.not_embedded(db, self.target.key, 0, 1), "every text has its vector"
            indexing.swap(db)
            former = indexing.former_identity(db)
        with self.catalog.write(lock) as db:
            vectors.sweep(db, indexing.kept(db))
        publish.remove_old(self.catalog, self.home, lock)
        self.catalog.checkpoint()
        return former
