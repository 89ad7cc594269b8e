"""The assistant: everything the front doors need, and where the parts are put together.

`open_assistant(settings)` opens a library; the command line, the web app and tests go through the
object it returns. Which engine does what is chosen in engine_choice.py.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import time
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path, PurePosixPath

from rag import drawing, status
from rag.answering.followup import standalone
from rag.answering.stream import answer_events
from rag.answering.writing import Question, Writer
from rag.catalog import chunks, documents, indexing, runs
from rag.catalog.backups import BackedUp, back_up
from rag.catalog.connection import Catalog, open_catalog
from rag.chunking import CHUNKER, Chunker
from rag.config import Settings
from rag.drawing import PagePicture
from rag.engine_choice import Engines, WriterChoice
from rag.engines import wordpiece
from rag.errors import (
    EmptyLibrary,
    QuestionTooLong,
    UnknownDocument,
    UsageError,
)
from rag.indexes.builder import Builder
from rag.indexes.follow import build_anew, follow_all
from rag.ingest import members, source
from rag.ingest.discover import UPLOAD, Discovery, Found, discover
from rag.ingest.pipeline import IngestEvent, Pipeline, Summary
from rag.ingest.plan import Plan, make_plan
from rag.ingest.recognise import Recogniser
from rag.ingest.remove import remove
from rag.loaders import tesseract
from rag.loaders.formats import current_readers, reader_version
from rag.loaders.worker import DPI, ReaderProcess
from rag.locks import Holder, WriterLock
from rag.paths import write_whole
from rag.proof import Certificate, certify, remember
from rag.reindexing import Reindexing
from rag.retrieval.recipe import BEST, Recipe
from rag.retrieval.retriever import Retriever
from rag.status import Status
from rag.types import (
    EVERYTHING,
    AnswerEvent,
    Coverage,
    Document,
    EmbeddingIdentity,
    FileResult,
    PageState,
    Scope,
    SearchResult,
    Similar,
    StoredChunk,
    Turn,
    Unit,
)

LONGEST_QUESTION = 4000  # characters


class Assistant:
    """An open library. Safe to use from many threads; writing takes the library's lock."""

    def __init__(self, settings: Settings, catalog: Catalog) -> None:
        self.settings = settings
        self._catalog = catalog
        self._home = settings.library
        self._engines = Engines(settings)
        self._reader = ReaderProcess(folder=self._home.taken_out)
        self._retriever = Retriever(catalog, self._home, self._engines.embedder)
        self.reindexing = Reindexing(catalog, self._home, self._engines)

    # ----------------------------------------------------------------- asking

    def ask(
        self, question: str, history: Sequence[Turn] = (), scope: Scope = EVERYTHING
    ) -> Iterator[AnswerEvent]:
        """Answer a question, as a stream of events that ends with `Done`.

        Raises `QuestionTooLong`, `EmptyLibrary`, and with engine=ollama what that engine raises.
        """
        text = _checked_question(question)
        self.require_documents()
        self._require_collections(scope.collections)
        writer, choice = self._engines.writer()
        return self._answer(text, tuple(history), scope, writer, choice.notice)

    def search(
        self,
        query: str,
        k: int = 10,
        scope: Scope = EVERYTHING,
        by: Recipe = BEST,
        explain: bool = False,
    ) -> SearchResult:
        """The `k` best chunks for a query. Raises `QuestionTooLong` and `EmptyLibrary`.

        `by` is for measuring: a search with fewer stages. `explain` names the words found.
        """
        text = _checked_question(query)
        self.require_documents()
        self._require_collections(scope.collections)
        return self._retriever.search(text, k, scope, by, explain)

    def chat_engine(self) -> WriterChoice:
        """Who would write an answer now. Does not raise."""
        return self._engines.writer_choice()

    def require_documents(self) -> None:
        """Raises `EmptyLibrary` where there is nothing to ask."""
        with self._catalog.read() as db:
            if not chunks.any_live(db):
                raise EmptyLibrary(
                    str(self.settings.home),
                    "The library has no readable documents yet.",
                    "Add some: rag ingest FOLDER",
                )

    def _require_collections(self, names: Sequence[str]) -> None:
        there = self.collections() if names else []
        if unknown := [name for name in names if name not in there]:
            raise UsageError(
                "collection",
                f"There is no collection {unknown[0]}.",
                f"There are: {', '.join(there)}." if there else "Nothing is in a collection yet.",
            )

    def writer(self) -> Writer:
        """What writes an answer now, to be asked directly. Raises what `ask` raises."""
        return self._engines.writer()[0]

    def use_chat_model(self, model: str) -> None:
        """Have answers written by another model from now on; no setting on disk is changed."""
        self.settings = replace(self.settings, chat_model=model)
        self._engines.use_chat_model(model)

    # ----------------------------------------------------------------- ingesting

    def plan(self, paths: Sequence[Path]) -> Plan:
        """What an ingestion of these paths would do. Raises `PathNotFound`, `NothingToIngest`."""
        return self._plan(discover(paths, leave_out=self.settings.home))

    def plan_uploads(self, names: Sequence[str]) -> Plan:
        """What an ingestion of stored uploads would do, by the names `store_upload` returned."""
        files: dict[str, Found] = {}
        known = {d.path: d.sha256 for d in self.documents()}
        for name in dict.fromkeys(names):
            upload, _, sha256 = name.removeprefix(UPLOAD).rpartition("#")
            location = self._home.uploads / sha256
            look = location.stat()
            label = _free_label(UPLOAD + upload, sha256, files, known)
            files[label] = Found(label, None, look.st_size, look.st_mtime_ns, elsewhere=location)
        return self._plan(Discovery(tuple(files.values()), ()))

    def ingest(
        self,
        plan: Plan,
        *,
        collection: str | None = None,
        ocr: bool = True,
        wait: bool = True,
        on_wait: Callable[[Holder | None], None] | None = None,
    ) -> Iterator[IngestEvent | BackedUp]:
        """Carry out a plan; one `FileResult` for each file, then a `Summary`.

        `ocr`: pages that are pictures are read too, in the end, if the settings do not forbid it.
        Closing the iterator stops it; what is committed stays. Raises `LibraryBusy` with
        `wait=False` while another process writes.
        """
        with WriterLock(self._home.writer_lock, "rag ingest").acquire(wait, on_wait) as lock:
            plan = self._plan_again(plan)
            pipeline = Pipeline(
                self._catalog,
                self._home,
                self._engines.embedder(self.identity()),
                Chunker(wordpiece.count),
                self._reader,
                _readers_key(),
                _is_current,
                Builder(self._catalog),
                self._recogniser() if ocr and self.settings.ocr_pages else None,
            )
            for event in pipeline.run(plan, lock, collection):
                if isinstance(event, Summary):
                    yield from self._after(event, lock)
                yield event

    def store_upload(self, name: str, content: bytes) -> str:
        """Keep a copy of an uploaded file under its hash. Returns the name for `plan_uploads`.

        `name` comes from a browser and is a label only: it never becomes part of a path.
        """
        label = name.replace("\\", "/").rsplit("/", 1)[-1].strip() or "unnamed"
        sha256 = hashlib.sha256(content).hexdigest()
        target = self._home.uploads / sha256
        target.parent.mkdir(exist_ok=True, mode=0o700)
        write_whole(target, content)
        return f"{UPLOAD}{label}#{sha256}"

    def remove(self, document_ids: Sequence[str], wait: bool = True) -> list[FileResult]:
        """Forget documents. The files they came from are not touched. Raises `UnknownDocument`."""
        with WriterLock(self._home.writer_lock, "rag documents remove").acquire(wait) as lock:
            gone = self._with_members(document_ids)  # here: an ingestion may have added some
            results = remove(self._catalog, self._home, lock, gone)
            follow_all(self._catalog, self._home, lock, at_end=True)
            self._catalog.give_back(lock)
            self._catalog.checkpoint()
        return results

    def remove_with_proof(
        self, document_ids: Sequence[str], wait: bool = True
    ) -> tuple[list[FileResult], Certificate]:
        """Forget documents, build all indexes without them, and look whether anything is left."""
        with WriterLock(self._home.writer_lock, "rag documents remove").acquire(wait) as lock:
            gone = self._with_members(document_ids)
            with self._catalog.read() as db:
                traces = remember(db, gone)
            results = remove(self._catalog, self._home, lock, gone)
            self._retriever.close()  # it may have the index open that is to go
            build_anew(self._catalog, self._home, lock)
            self._catalog.give_back(lock, all_of_it=True)
            self._catalog.checkpoint()
            return results, certify(self._catalog, self._home, traces, self.search)

    # ----------------------------------------------------------------- looking

    def documents(self, collection: str | None = None) -> list[Document]:
        """Every document, or those of a collection. Raises `UsageError` where there is none of that
        name.
        """
        self._require_collections((collection,) if collection is not None else ())
        with self._catalog.read() as db:
            return documents.all_documents(db, collection)

    def document(self, reference: str) -> Document:
        """A document by its id, by a start of it, by its path, or by its name if no other has it."""
        with self._catalog.read() as db:
            exact = documents.by_id(db, reference) or documents.by_path(db, reference)
            exact = exact or documents.by_path(db, os.path.abspath(reference))
            if exact:
                return exact
            known = documents.all_documents(db)
        close = [d for d in known if len(reference) >= 4 and d.id.startswith(reference)]
        named = [d for d in known if d.name == reference and not Path(reference).exists()]
        for found in (close, named):
            if len(found) == 1:
                return found[0]
        raise UnknownDocument(
            reference,
            f"The library has no document {reference}.",
            "rag documents list shows the ids and paths of all of them.",
        )

    def members(self, document: Document) -> list[Document]:
        """The documents found in one, like the files attached to a message."""
        held = members.by_container(self.documents())
        start = document.path + members.MARK
        inside = held.get(document.container or document.path, ())
        return [member for member in inside if member.path.startswith(start)]

    def similar(self, document_id: str) -> list[Similar]:
        """The documents that have half of its text or more, word for word. Nothing is hidden."""
        with self._catalog.read() as db:
            return chunks.similar(db, document_id)

    def units(self, document_id: str) -> list[Unit]:
        with self._catalog.read() as db:
            return documents.units(db, document_id)

    def not_read(self, document_id: str) -> list[PageState]:
        """The pages of a document that are not simply read: by OCR, blank, or unread."""
        with self._catalog.read() as db:
            return documents.not_read(db, document_id)

    def chunks_of(self, document_id: str) -> list[StoredChunk]:
        """The chunks of a document, in their order."""
        with self._catalog.read() as db:
            ids = sorted(chunks.ids_in(db, (), (document_id,)))
            return list(chunks.by_ids(db, ids).values())

    def unit(self, document: Document, number: int) -> Unit:
        """A page of a document. Raises `UsageError` where it has none of that number."""
        with self._catalog.read() as db:
            found = documents.unit(db, document.id, number)
        if found is None:
            count = f"has {document.pages}" if document.pages else "was not read and has no"
            raise UsageError(
                str(number),
                f"{document.name} {count} pages or sections: there is no number {number}.",
                f"rag documents show {document.id[:8]} lists them.",
            )
        return found

    def picture(
        self,
        document_id: str,
        sha256: str,
        number: int,
        span: tuple[int, int] | None = None,
        dpi: int = DPI,
    ) -> PagePicture | None:
        """A page with a span of its text marked; None where that version is no longer there.

        PDF pages and images are drawn from their file, if it still is what was read; of everything
        else, and of files that have changed, the stored text is.
        """
        with self._catalog.read() as db:
            document = documents.by_id(db, document_id)
            unit = documents.unit(db, document_id, number)
        if document is None or unit is None or document.sha256 != sha256:
            return None
        return drawing.drawn(self._catalog, self._home, self._reader, document, unit, span, dpi)

    def holds(self, document_id: str, sha256: str) -> bool:
        """Whether this very version of a document is still in the library."""
        with self._catalog.read() as db:
            document = documents.by_id(db, document_id)
        return document is not None and document.sha256 == sha256

    def collections(self) -> list[str]:
        with self._catalog.read() as db:
            return documents.collections(db)

    def coverage(self) -> Coverage:
        with self._catalog.read() as db:
            return documents.coverage(db)

    def identity(self) -> EmbeddingIdentity | None:
        """What the library's vectors were made by; None before its first commit."""
        with self._catalog.read() as db:
            return indexing.identity(db)

    def status(self) -> Status:
        return status.status(self._catalog, self.settings, self.chat_engine())

    def unread_pages_advice(self) -> str | None:
        """What to do about pages that OCR could read; None where nothing more can be done."""
        return status.unread_pages_advice(self._catalog, self.settings)

    def close(self) -> None:
        self._reader.close()
        self._retriever.close()
        self._engines.close()
        self._catalog.close()

    # ----------------------------------------------------------------- parts

    def _with_members(self, document_ids: Sequence[str]) -> list[Document]:
        """Documents, and those found in them, each once."""
        named = [self.document(document_id) for document_id in document_ids]
        inside = [member for document in named for member in self.members(document)]
        return list({document.id: document for document in (*named, *inside)}.values())

    def _answer(
        self,
        text: str,
        history: tuple[Turn, ...],
        scope: Scope,
        writer: Writer,
        notice: str | None,
    ) -> Iterator[AnswerEvent]:
        started = time.perf_counter()
        asked = yield from writer.standalone(text, history)
        question = Question(text, asked, history, time.perf_counter() - started)
        # the rule may be wrong about what a question leans on, and that it does
        also = text if asked == standalone(text, history) else None
        evidence = self._retriever.evidence(asked, self.settings.passages, scope, also)
        notices = [n for n in (notice, evidence.search.notice) if n]
        assert evidence.identity is not None, "a library with chunks has an identity"
        yield from answer_events(question, evidence, writer, evidence.identity, notices)

    def _plan(self, discovery: Discovery) -> Plan:
        with self._catalog.read() as db:
            known = {d.path: d for d in documents.all_documents(db)}
            under = [p for folder in discovery.folders for p in documents.found_below(db, folder)]
            moment = runs.moment(db)
        plan = make_plan(discovery, known, under, _is_current, source.sha256)
        gone = tuple(d for d in plan.remove if _is_gone(d))  # below a link it is there, unlooked at
        return replace(plan, remove=gone, moment=moment)

    def _plan_again(self, plan: Plan) -> Plan:
        """The plan as of now, under the lock: another writer may have been at work meanwhile.

        Only what was to be removed before, and is still gone, is removed.
        """
        with self._catalog.read() as db:
            as_it_was = runs.moment(db) == plan.moment
        fresh = plan if as_it_was else self._plan(plan.discovery)
        agreed = {document.id for document in plan.remove}
        gone = [d for d in fresh.remove if d.id in agreed and _is_gone(d)]
        moved = [d for d in fresh.moved if _is_gone(d)]
        return replace(fresh, remove=tuple(gone), moved=tuple(moved))

    def _after(self, run: Summary, lock: WriterLock) -> Iterator[BackedUp]:
        """What follows a run that changed something: room is given back, a backup made if due."""
        if any(count for outcome, count in run.counts.items() if outcome != "unchanged"):
            self._catalog.give_back(lock)
            made = back_up(self._catalog, self._home.backups, self.settings.backups)
            if made is not None:
                yield made

    def _recogniser(self) -> Recogniser:
        return Recogniser(
            self._catalog,
            self._home,
            self._reader,
            tesseract.installed(),
            self.settings.ocr_languages,
            self.settings.ocr_pages,
        )


def open_assistant(settings: Settings) -> Assistant:
    """Open the library that the settings name, making it where it is not there yet."""
    return Assistant(settings, open_catalog(settings.library))


def _checked_question(question: str) -> str:
    # standard input may hold bytes that are no UTF-8, which arrive as lone surrogates
    text = question.encode("utf-8", "replace").decode().strip()
    if not text:
        raise UsageError("question", "The question is empty.", "Write one.")
    if len(text) > LONGEST_QUESTION:
        raise QuestionTooLong(
            text[:60],
            f"The question has {len(text):,} characters; the most is {LONGEST_QUESTION:,}.",
            "Ask briefly; put long texts into a file and ingest it.",
        )
    return text


def _free_label(label: str, sha256: str, taken: Container[str], known: Mapping[str, str]) -> str:
    """The label of an upload, numbered where another file of the same upload has it, so that it takes
    the place of no other document. `known`: what documents hold, by path.
    """
    if label not in taken:
        return label
    name = PurePosixPath(label)
    numbered = (f"{name.stem} ({n}){name.suffix}" for n in count(2))
    return next(
        each for each in numbered if each not in taken and known.get(each, sha256) == sha256
    )


def _is_gone(document: Document) -> bool:
    """Whether there is no such file any more; one that cannot be looked at may be there."""
    try:
        found = Path(document.container or document.path).stat()
    except OSError as error:
        return error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)
    return not stat.S_ISREG(found.st_mode)


def _is_current(document: Document) -> bool:
    """Whether today's reader and chunker would make the same of the file."""
    if document.format is None:
        return document.reader == _readers_key()
    return document.chunker == CHUNKER and document.reader == reader_version(document.format)


def _readers_key() -> str:
    """One name for all readers of today: what could not be read is tried again with better ones."""
    return (
        "all " + hashlib.sha256(repr(sorted(current_readers().items())).encode()).hexdigest()[:16]
    )
