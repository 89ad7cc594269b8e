"""Small libraries for tests: real files, readers, catalog and indexes, and a scripted engine."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from fakes import MODEL, ScriptedEngine, vector

from rag.catalog import chunks, documents, indexing, vectors
from rag.catalog.connection import Catalog, open_catalog
from rag.catalog.documents import FileVersion
from rag.chunking import CHUNKER, Chunker
from rag.engine_choice import BoundEmbedder
from rag.engines import wordpiece
from rag.indexes.builder import Builder
from rag.ingest import source
from rag.ingest.discover import discover
from rag.ingest.pipeline import IngestEvent, Pipeline
from rag.ingest.plan import Plan, make_plan
from rag.ingest.prepare import Reader
from rag.ingest.recognise import Recogniser
from rag.ingest.reindex import Reindex, ReindexEvent
from rag.loaders import tesseract
from rag.loaders.formats import reader_version
from rag.locks import WriterLock
from rag.paths import Home
from rag.retrieval.retriever import Retriever
from rag.types import (
    Chunk,
    Document,
    EmbeddingIdentity,
    FileResult,
    LoadedDocument,
    Passage,
    Unit,
)

IDENTITY = ScriptedEngine().identity(MODEL)
READERS = "the readers of today"


class Library:
    """A library in `root/home` that ingests `root/files`, embedding with a scripted engine."""

    def __init__(self, root: Path, reader: Reader, engine: ScriptedEngine) -> None:
        self.root = root
        self.home = Home(root / "home")
        self.folder = root / "files"
        self.folder.mkdir(exist_ok=True)
        self.reader = reader
        self.engine = engine
        self.catalog = open_catalog(self.home)
        self.embedder = BoundEmbedder(self.engine, MODEL, None)
        self.ocr_pages = 0  # without OCR, unless a test wants it
        self.engines: dict[str, ScriptedEngine] = {}  # those of a re-embedding, by digest
        self.retriever = Retriever(self.catalog, self.home, self.embedder_of)

    def embedder_of(self, identity: EmbeddingIdentity) -> BoundEmbedder:
        engine = self.engines.get(identity.digest, self.engine)
        return BoundEmbedder(engine, identity.model, identity)

    def identity(self) -> EmbeddingIdentity:
        with self.catalog.read() as db:
            found = indexing.identity(db)
        assert found is not None
        return found

    def write(self, files: dict[str, str | bytes]) -> None:
        """Put files into the folder."""
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    def plan(self, *paths: Path) -> Plan:
        found = discover(paths or [self.folder], leave_out=self.home.root)
        with self.catalog.read() as db:
            known = {d.path: d for d in documents.all_documents(db)}
            under = [p for folder in found.folders for p in documents.found_below(db, folder)]
        return make_plan(found, known, under, is_current, source.sha256)

    def events(self, plan: Plan, collection: str | None = None) -> Iterator[IngestEvent]:
        pipeline = Pipeline(
            self.catalog,
            self.home,
            self.embedder,
            Chunker(wordpiece.count),
            self.reader,
            READERS,
            is_current,
            Builder(self.catalog),
            self.recogniser() if self.ocr_pages else None,
        )
        with self.lock() as lock:
            yield from pipeline.run(plan, lock, collection)

    def recogniser(self) -> Recogniser:
        engine, most = tesseract.installed(), self.ocr_pages
        return Recogniser(self.catalog, self.home, self.reader, engine, (), most)

    def ingest(self, *paths: Path, collection: str | None = None) -> dict[str, FileResult]:
        """Bring the library up to date with its folder, or these paths: results by file name."""
        events = self.events(self.plan(*paths), collection)
        return {Path(e.path).name: e for e in events if isinstance(e, FileResult)}

    def fill(self, files: dict[str, str | bytes]) -> dict[str, FileResult]:
        self.write(files)
        return self.ingest()

    def reindex(self, engine: ScriptedEngine, model: str = "other words") -> Reindex:
        """A re-embedding with a model of another engine, to be run."""
        self.engines[engine.digest] = engine
        target = engine.identity(model)
        embedder = BoundEmbedder(engine, model, target)
        return Reindex(self.catalog, self.home, embedder, target, Chunker(wordpiece.count))

    def reindexed(self, engine: ScriptedEngine, model: str = "other words") -> list[ReindexEvent]:
        """Embed the library anew; ingestions after it embed with the new model."""
        with self.lock() as lock:
            events = list(self.reindex(engine, model).run(lock))
        self.embedder = BoundEmbedder(engine, model, None)
        return events

    def document(self, name: str) -> Document | None:
        with self.catalog.read() as db:
            return documents.by_path(db, str(self.folder / name))

    def found(self, query: str, k: int = 10) -> set[str]:
        """The names of the files that a search finds."""
        return {hit.chunk.name for hit in self.retriever.search(query, k).hits}

    @contextmanager
    def lock(self) -> Iterator[WriterLock]:
        with WriterLock(self.home.writer_lock, "a test").acquire(wait=False) as lock:
            yield lock

    def close(self) -> None:
        self.retriever.close()
        self.catalog.close()


def is_current(document: Document) -> bool:
    if document.format is None:
        return document.reader == READERS
    return document.chunker == CHUNKER and document.reader == reader_version(document.format)


def version(path: str, sha256: str = "0" * 64, root: str | None = None) -> FileVersion:
    """A version of a file that need not be there."""
    return FileVersion(path, path.rsplit("/", 1)[-1], root, sha256, 1, 1, CHUNKER)


def loaded(*texts: str, title: str | None = None) -> LoadedDocument:
    """A document of one unit a text."""
    units = [Unit(i, "section", f"section {i}", text) for i, text in enumerate(texts, start=1)]
    return LoadedDocument("text", title, tuple(units), reader_version("text"))


def put(db: sqlite3.Connection, path: str, *texts: str, keep: bool = False) -> str:
    """Commit a document of one chunk a text, as the pipeline does. Returns its id.

    With `keep` the vectors of the texts are not put in: they must be there.
    """
    keys = [vectors.key_of(text) for text in texts]
    if indexing.identity(db) is None:
        indexing.set_identity(db, IDENTITY)
    if not keep:
        vectors.put(db, IDENTITY.key, keys, stack(texts))
    sequence = chunks.next_sequence(db)
    known = documents.by_path(db, path)
    if known is not None:
        chunks.remove(db, known.id, sequence, keep=set(keys))
    document_id = documents.replace(db, version(path), loaded(*texts), "added", sequence)
    spans = [Chunk(i, 0, len(text)) for i, text in enumerate(texts, start=1)]
    chunks.add(db, document_id, spans, keys, sequence)
    return document_id


def forget(db: sqlite3.Connection, document_id: str) -> None:
    """Remove a document as the pipeline does."""
    chunks.remove(db, document_id, chunks.next_sequence(db))
    documents.delete(db, document_id)


def stack(texts: Sequence[str]):
    import numpy as np

    return np.stack([vector(text) for text in texts])


def writing(catalog: Catalog, lock: WriterLock, path: str, *texts: str) -> str:
    """`put` in a transaction of its own."""
    with catalog.write(lock) as db:
        return put(db, path, *texts)


def passage(text: str, number: int = 1, name: str = "manual.pdf", start: int = 0) -> Passage:
    """A passage of page 3 of a file."""
    return Passage(
        number=number, document_id="d", path=f"/{name}", name=name, sha256="0", stale=False,
        page=3, unit="page", label="page 3", start=start, end=start + len(text),
        headings=("Safety",), text=text, score=1.0,
    )  # fmt: skip
