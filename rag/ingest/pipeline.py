"""Load, chunk, embed, commit, then OCR: one result for each file of a plan.

A thread loads and chunks ahead of the embedding model through a bounded queue (prepare.py);
another one embeds a group of documents while the group before is committed (commit.py) and the
indexes follow. Pages that are pictures come last, when all else is searchable (ocr_stage.py). A kill
at any moment loses nothing committed, and the next run continues.
"""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from rag.catalog import documents, indexing, recognitions, runs, vectors
from rag.catalog.connection import Catalog
from rag.catalog.documents import FileVersion
from rag.chunking import CHUNKER, Chunker
from rag.errors import IdentityMismatch
from rag.indexes.builder import Builder
from rag.indexes.follow import follow_all
from rag.indexes.publish import will_be_due
from rag.ingest import members
from rag.ingest.commit import Begun, Committer, Embedded
from rag.ingest.ocr_stage import OcrStage
from rag.ingest.plan import Plan
from rag.ingest.prepare import Arrivals, Prepared, Preparer, Reader, again
from rag.ingest.recognise import Recognised, Recogniser
from rag.ingest.remove import discard_uploads, remove, sweep_uploads
from rag.locks import WriterLock
from rag.paths import Home
from rag.types import Document, Embedder, EmbeddingIdentity, FileResult, Recognition

FOLLOW_SECONDS = 2.0  # between two commits of the keyword index, at least
FOLLOW_SHARE = 0.02  # of the time of a run, at most; readers scan what the index lacks


@dataclass(frozen=True, slots=True)
class Planned:
    """Event: what a run is about to do."""

    files: int
    load: int
    remove: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """Event: the end of a run. `counts`: files by outcome; `moved`: of the unchanged ones;
    `pages_unread`: of the whole library.
    """

    counts: dict[str, int]
    chunks: int
    chunks_embedded: int
    seconds: float
    embed_seconds: float
    moved: int = 0
    pages_recognised: int = 0
    pages_unread: int = 0


IngestEvent = Planned | Embedded | Recognised | FileResult | Summary


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The parts of an ingestion. `is_current`: whether today's reader and chunker made a document;
    `readers_key` names all readers of today; `builder`: of generations, closed with each run;
    `recogniser` None: no OCR.
    """

    catalog: Catalog
    home: Home
    embedder: Embedder
    chunker: Chunker
    reader: Reader
    readers_key: str
    is_current: Callable[[Document], bool]
    builder: Builder
    recogniser: Recogniser | None = None

    def run(self, plan: Plan, lock: WriterLock, collection: str | None) -> Iterator[IngestEvent]:
        """Carry out a plan. Closing the iterator stops it; what is committed stays.

        Raises `IdentityMismatch` where the library's vectors are of another model, and
        `EngineUnreachable` and its like where no further file could succeed.
        """
        started = time.perf_counter()
        identity = self._check_identity()
        count = self.chunker.count
        committer = Committer(
            self.catalog, self.embedder, identity, lock, self.readers_key, collection, count
        )
        with self.catalog.write(lock) as db:
            run = runs.begin(db, f"ingest {', '.join(plan.discovery.folders) or 'files'}")
        counts: Counter[str] = Counter()
        chunks = moved = recognised = 0
        yield Planned(plan.files, len(plan.load), tuple(d.path for d in plan.remove))
        with closing(committer), closing(self.builder):
            for event in self._events(plan, lock, committer):
                if isinstance(event, FileResult):
                    counts[event.outcome] += 1
                    chunks += event.chunks
                    moved += event.moved_from is not None
                elif isinstance(event, Recognised):
                    recognised = event.done
                yield event
        with self.catalog.read() as db:
            unread = documents.coverage(db).pages_unread
        summary = Summary(
            dict(counts),
            chunks,
            committer.embedded,
            time.perf_counter() - started,
            committer.embed_seconds,
            moved,
            recognised,
            unread,
        )
        with self.catalog.write(lock) as db:
            runs.end(db, run, {"counts": summary.counts, "seconds": summary.seconds})
        yield summary

    def _events(
        self, plan: Plan, lock: WriterLock, committer: Committer
    ) -> Iterator[Embedded | Recognised | FileResult]:
        held: dict[str, FileResult] = {}
        for event in self._texts(plan, lock, committer):
            if self.recogniser is not None and isinstance(event, FileResult) and event.pages_unread:
                held[event.document_id or ""] = event
            else:
                yield event
        self._settle(lock, committer)
        if self.recogniser is not None:
            recognised = False
            stage = OcrStage(self.recogniser, committer, self.chunker, plan.known)
            for late in stage.run(held, lock):
                recognised |= isinstance(late, Recognised)
                yield late
            if recognised:
                self._settle(lock, committer)

    def _texts(
        self, plan: Plan, lock: WriterLock, committer: Committer
    ) -> Iterator[Embedded | FileResult]:
        """Every file of the plan, without OCR."""
        self._adopt(plan, lock)
        yield from committer.note_unchanged(plan.unchanged)
        known = plan.known
        inside = members.by_container(known.values())
        for path, error in plan.discovery.unreadable:
            yield committer.fail(_unseen(path, known.get(path)), error)
            yield from (committer.fail(again(d), error) for d in inside.get(path, ()))
        shutil.rmtree(self.home.taken_out, ignore_errors=True)  # what a killed run left
        preparer = Preparer(
            self.reader,
            self.chunker,
            known,
            self.is_current,
            self.home.taken_out,
            inside,
            self._recognised,
            _by_content(plan),
        )
        arrivals = Arrivals(preparer, plan.load)
        if plan.load:
            self.chunker.warm()  # while the process that reads begins
        due = time.perf_counter() + FOLLOW_SECONDS
        moved: set[str] = set()
        try:
            for begun in _one_ahead(arrivals, committer):
                group = begun.group
                if arrivals.ended and self._will_be_due(arrivals.texts):
                    self.builder.begin()
                gone = [document for prepared in group for document in prepared.gone]
                yield from remove(self.catalog, self.home, lock, gone)
                yield from committer.finish(begun)
                moved.update(p.known.path for p in group if p.known and p.moved)
                discard_uploads(self.catalog, self.home, [p.known for p in group if p.known])
                if (started := time.perf_counter()) > due:
                    follow_all(self.catalog, self.home, lock, at_end=False)
                    ended = time.perf_counter()
                    due = ended + max(FOLLOW_SECONDS, (ended - started) / FOLLOW_SHARE)
        finally:
            arrivals.stop()
        gone = [d for d in plan.remove if (d.container or d.path) not in moved]
        yield from remove(self.catalog, self.home, lock, gone)

    def _adopt(self, plan: Plan, lock: WriterLock) -> None:
        """What was named by itself before belongs to the folder in which this run has found it."""
        with self.catalog.read() as db:
            named = {p: f for f in plan.discovery.folders for p in documents.named_below(db, f)}
        if found := [(named[d.path], d.id) for d in plan.unchanged if d.path in named]:
            with self.catalog.write(lock) as db:
                documents.adopt(db, found)

    def _recognised(self, sha256: str) -> dict[int, Recognition]:
        with self.catalog.read() as db:
            return recognitions.of_file(db, sha256)

    def _will_be_due(self, coming: int) -> bool:
        with self.catalog.read() as db:
            return will_be_due(db, coming)

    def _settle(self, lock: WriterLock, committer: Committer) -> None:
        """Clear away what no document needs any more, and let the indexes follow to the end."""
        with self.catalog.write(lock) as db:
            if committer.embedded:  # the way back ends where the library has moved on
                indexing.forget_former(db)
            vectors.sweep(db, indexing.kept(db))
            recognitions.sweep(db)
        sweep_uploads(self.catalog, self.home)
        follow_all(self.catalog, self.home, lock, at_end=True, builder=self.builder)
        self.catalog.checkpoint()

    def _check_identity(self) -> EmbeddingIdentity:
        identity = self.embedder.identity
        with self.catalog.read() as db:
            stored = indexing.identity(db)
        if stored is not None and stored.key != identity.key:
            raise IdentityMismatch(
                identity.model,
                f"The library was embedded with {stored.model} ({stored.digest[:12]}), not with "
                f"today's {identity.model} ({identity.digest[:12]}): their vectors do not mix.",
                "Embed the library anew with today's model: rag reindex",
            )
        return identity


def _one_ahead(arrivals: Arrivals, committer: Committer) -> Iterator[Begun]:
    """Each group when the next one, if there is any yet, has begun to be embedded."""
    ready: Begun | None = None
    while ready is not None or not arrivals.ended:
        group = arrivals.take(committer.group, wait=ready is None)
        coming = committer.begin(group) if group else None
        if ready is not None:
            yield ready
        ready = coming


def _by_content(plan: Plan) -> Mapping[str, list[Document]]:
    """The documents whose files are gone, by what was in these."""
    found: dict[str, list[Document]] = {}
    for document in (*plan.remove, *plan.moved):
        if document.container is None:
            found.setdefault(document.sha256, []).append(document)
    return found


def _unseen(path: str, known: Document | None) -> Prepared:
    """A file or folder that could not even be looked at."""
    name = Path(path).name or path
    version = FileVersion(path, name, str(Path(path).parent), "", 0, 0, CHUNKER)
    return Prepared(version, known, time.perf_counter())
