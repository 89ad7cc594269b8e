"""The second half of the pipeline: groups of prepared files embedded, then committed together.

One group is embedded (ahead.py) while the one before is committed. Vectors are stored slice by slice
as they are made, before the chunks that need them: a kill in the middle of a long document costs
one slice of embedding, not the document.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, replace

from rag.catalog import chunks, documents, indexing, vectors
from rag.catalog.connection import Catalog
from rag.errors import EngineError, EngineTimeout, EngineUnreachable, ModelMissing
from rag.ingest.ahead import Ahead, Slice
from rag.ingest.prepare import Prepared
from rag.locks import WriterLock
from rag.types import (
    RETIRING,
    Document,
    Embedder,
    EmbeddingIdentity,
    ErrorInfo,
    FileResult,
    Outcome,
)

_STOPS_RUN = (EngineUnreachable, EngineTimeout, ModelMissing)  # no further file could succeed


@dataclass(frozen=True, slots=True)
class Embedded:
    """Event: chunks embedded in this run so far, and the seconds spent on it."""

    chunks: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Begun:
    """A group that is being embedded; `new`: the keys of its texts that had no vector."""

    group: Sequence[Prepared]
    new: Set[bytes]
    slices: Iterator[Slice]


class Committer:
    """Embeds and commits. `identity` is the embedder's; `readers_key` names all readers of today:
    failed files carry it; `collection`: what every file of the run is put into; `count`: as of `Ahead`.
    """

    def __init__(
        self,
        catalog: Catalog,
        embedder: Embedder,
        identity: EmbeddingIdentity,
        lock: WriterLock,
        readers_key: str,
        collection: str | None = None,
        count: Callable[[str], int] = len,
    ) -> None:
        self._catalog = catalog
        self._ahead = Ahead(embedder, count)
        self._coming: set[bytes] = set()  # being embedded for a group, and not stored yet
        self._identity = identity
        self._lock = lock
        self._readers_key = readers_key
        self._collection = collection
        self.embedded = 0
        self.embed_seconds = 0.0

    @property
    def group(self) -> int:
        """How many texts to embed and commit together, by the pace so far."""
        return self._ahead.pace.group

    def begin(self, group: Sequence[Prepared]) -> Begun:
        """Begin to embed what is missing of a group, behind those begun before."""
        texts = {k: t for k, t in self._missing(group).items() if k not in self._coming}
        self._coming.update(texts)
        return Begun(group, texts.keys(), self._ahead.begin(texts))

    def finish(self, begun: Begun, collect: bool = True) -> Iterator[Embedded | FileResult]:
        """Store the vectors of a group, commit all its files in one transaction, report each.

        A file that the engine refuses fails alone; an engine that is gone ends the run. `collect`:
        they are files of this run, which go into its collection.
        """
        group, new = begun.group, begun.new
        try:
            yield from self._store(begun.slices)
            # an earlier group may have failed to embed what both need, or removed what was there
            if left := self._missing(group):
                new = new | left.keys()
                yield from self._store(self._ahead.begin(left))
        except _STOPS_RUN:
            raise
        except EngineError as error:
            self._coming -= new
            if len(group) > 1:
                for prepared in group:
                    yield from self.finish(self.begin([prepared]), collect)
                return
            yield self._commit_failure(group[0], "failed", error.info)
            return
        self._coming -= new
        keys = {key for prepared in group for key in prepared.keys}
        with self._catalog.write(self._lock) as db:
            results = [self._commit(db, prepared, new, keys) for prepared in group]
            if collect:
                self._collect(db, results)
        yield from results

    def close(self) -> None:
        """Let go of what is being embedded; what was stored stays."""
        self._ahead.close()

    def note_unchanged(self, known: Sequence[Document]) -> list[FileResult]:
        """Report files that need no look inside."""
        results = [unchanged(document) for document in known]
        if self._collection is not None:
            with self._catalog.write(self._lock) as db:
                self._collect(db, results)
        return results

    def fail(self, prepared: Prepared, error: ErrorInfo) -> FileResult:
        """Write down a file that could not even be looked at."""
        return self._commit_failure(prepared, "unreadable", error)

    def _missing(self, group: Sequence[Prepared]) -> dict[bytes, str]:
        """The texts of the group that have no vector yet, by key, each once."""
        texts = {k: t for p in group for k, t in zip(p.keys, p.texts, strict=True)}
        with self._catalog.read() as db:
            known = vectors.known(db, self._identity.key, list(texts))
        return {key: text for key, text in texts.items() if key not in known}

    def _store(self, slices: Iterator[Slice]) -> Iterator[Embedded]:
        for part in slices:
            with self._catalog.write(self._lock) as db:
                vectors.put(db, self._identity.key, part.keys, part.rows)
            self.embedded += len(part.keys)
            self.embed_seconds += part.seconds
            yield Embedded(self.embedded, self.embed_seconds)

    def _commit(
        self,
        db: sqlite3.Connection,
        prepared: Prepared,
        new: Set[bytes],
        keep: Set[bytes],
    ) -> FileResult:
        """Commit one file of a group; `keep`: the vectors that any file of the group needs."""
        known, loaded, error = _known(db, prepared), prepared.loaded, prepared.error
        if loaded is None and error is not None:
            return self._fail(db, prepared, error.outcome, error.info, keep)
        if loaded is None:
            assert known is not None, "only a known file can be unchanged"
            documents.touch(db, known.id, prepared.version)
            return self._moved(db, prepared, known) if prepared.moved else unchanged(known)
        if indexing.identity(db) is None:
            indexing.set_identity(db, self._identity)
        sequence = chunks.next_sequence(db)
        if known is not None:
            chunks.remove(db, known.id, sequence, keep)
        outcome: Outcome = "updated" if known is not None and known.searchable else "added"
        info = error.info if error is not None else None
        if error is not None:  # it has pages, and OCR may read them yet
            outcome = error.outcome
        document_id = documents.replace(db, prepared.version, loaded, outcome, sequence, info)
        chunks.add(db, document_id, prepared.chunks, prepared.keys, sequence)
        return FileResult(
            path=prepared.version.path,
            outcome=outcome,
            document_id=document_id,
            pages=len(loaded.units),
            pages_without_text=loaded.pages_without_text,
            pages_unread=loaded.pages_unread,
            chunks=len(prepared.chunks),
            chunks_embedded=len(new & set(prepared.keys)),
            seconds=time.perf_counter() - prepared.started,
            error=info,
            container=prepared.version.container,
        )

    def _moved(self, db: sqlite3.Connection, prepared: Prepared, known: Document) -> FileResult:
        ids = documents.move(db, known, prepared.version)
        chunks.renamed(db, ids, chunks.next_sequence(db))
        result = unchanged(known)
        return replace(result, path=prepared.version.path, moved_from=known.path)

    def _commit_failure(self, prepared: Prepared, outcome: Outcome, error: ErrorInfo) -> FileResult:
        with self._catalog.write(self._lock) as db:
            result = self._fail(db, prepared, outcome, error, frozenset())
            self._collect(db, [result])
        return result

    def _collect(self, db: sqlite3.Connection, results: Sequence[FileResult]) -> None:
        if self._collection is not None:
            ids = [result.document_id for result in results if result.document_id]
            if documents.add_to_collection(db, ids, self._collection):
                chunks.next_sequence(db)

    def _fail(
        self,
        db: sqlite3.Connection,
        prepared: Prepared,
        outcome: Outcome,
        error: ErrorInfo,
        keep: Set[bytes],
    ) -> FileResult:
        """Write a failure down; an older version goes only if the outcome says the file changed."""
        known = _known(db, prepared)
        retire = outcome in RETIRING
        sequence = chunks.next_sequence(db)
        if known is not None and retire:
            chunks.remove(db, known.id, sequence, keep)
        document_id = documents.record_failure(
            db, prepared.version, outcome, error, self._readers_key, sequence, not retire
        )
        kept = known is not None and known.searchable and not retire
        return FileResult(
            path=prepared.version.path,
            outcome=outcome,
            document_id=document_id,
            pages=known.pages if known and kept else None,
            pages_without_text=known.pages_without_text if known and kept else None,
            pages_unread=known.pages_unread if known and kept else None,
            chunks=known.chunks if known and kept else 0,
            seconds=time.perf_counter() - prepared.started,
            error=error,
            container=prepared.version.container,
        )


def _known(db: sqlite3.Connection, prepared: Prepared) -> Document | None:
    """The document that a file takes the place of: known before, or of the same path in this run."""
    return prepared.known or documents.by_path(db, prepared.version.path)


def unchanged(known: Document) -> FileResult:
    """The result of a file that is as it was: what could not be read then is said again."""
    return FileResult(
        path=known.path,
        outcome="unchanged" if known.searchable else known.outcome,
        document_id=known.id,
        pages=known.pages,
        pages_without_text=known.pages_without_text,
        pages_unread=known.pages_unread,
        chunks=known.chunks,
        error=known.error,
        container=known.container,
    )
