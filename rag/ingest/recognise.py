"""Which pages wait for OCR, and what it makes of each.

A page is kept, under the hash of its file, as soon as it is recognised, so that a kill costs one page.
Which pages wait is asked of the catalog, so a run that was stopped, a tesseract installed later or a
language added make the next run go on where this one ended.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Protocol

from rag.catalog import documents, recognitions
from rag.catalog.connection import Catalog
from rag.errors import LoadError, Unreadable
from rag.ingest import source
from rag.ingest.recognised import with_recognised
from rag.language import detect
from rag.loaders.tesseract import Tesseract
from rag.locks import WriterLock
from rag.paths import Home
from rag.types import RETIRING, Document, LoadedDocument, Recognition

_PATIENCE = 3  # pages in a row that something else than the page stopped
_TELLS_LANGUAGE = 2000  # characters
_ASKED = 50  # documents asked for the library's language


@dataclass(frozen=True, slots=True)
class Recognised:
    """Event: `done` of the `pages` that a run recognises; `path` and `page`: the last one."""

    path: str
    page: int
    done: int
    pages: int


class Scanner(Protocol):
    """What draws pages for OCR; raises `LoadError`."""

    def scan(self, path: Path, number: int) -> bytes: ...
    def member(self, path: Path, name: str) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Waiting:
    """A document with pages for OCR. `pages`: those to recognise; none: they are, but for a commit."""

    document: Document
    pages: Sequence[int]
    languages: tuple[str, ...]


@dataclass(frozen=True)
class Recogniser:
    """`engine` None: there is none, and only what was recognised before is put in its place.

    `languages`: those asked for, by tesseract's names; `most`: pages of one document.
    """

    catalog: Catalog
    home: Home
    reader: Scanner
    engine: Tesseract | None
    languages: tuple[str, ...] = ()
    most: int = 200

    def waiting(self, first: Mapping[str, object]) -> list[Waiting]:
        """The documents that wait, those whose ids are among `first` before the others.

        Of copies of a file the first has the pages; the others wait for what becomes of them.
        """
        with self.catalog.read() as db:
            unread = documents.with_unread_pages(db)
        unread.sort(key=lambda document: document.id not in first)
        found: dict[str, set[int]] = {}
        queue = []
        for document in unread:
            waiting, taken = self._waiting(document), found.setdefault(document.sha256, set())
            if waiting is not None:
                queue.append(replace(waiting, pages=[p for p in waiting.pages if p not in taken]))
                taken.update(waiting.pages)
        return queue

    def loaded(self, document: Document) -> LoadedDocument | None:
        """The document as it is stored, with what OCR made of it; None if that changes nothing."""
        with self.catalog.read() as db:
            stored = documents.units(db, document.id)
            known = recognitions.of_file(db, document.sha256)
        assert document.format is not None, "what has units has a format"
        before = LoadedDocument(
            document.format,
            document.title,
            tuple(stored),
            document.reader,
            document.date,
            document.language,
        )
        after = with_recognised(before, known)
        return None if after == before else after

    def pages(self, waiting: Waiting, lock: WriterLock) -> Iterator[int]:
        """Recognise what waits of a document, keeping each page; the number of each that is done.

        Raises `LoadError` where nothing can be recognised now. A file that cannot be looked at, or is
        no longer what was read, is left to the next run.
        """
        document = waiting.document
        with ExitStack() as stack:
            opened = source.opened(self.catalog, self.home, self.reader, document)
            try:
                path = stack.enter_context(opened)
            except LoadError:
                return
            if path is None:
                return
            before, refused = path.stat(), 0
            for page in waiting.pages:
                try:
                    found = self._recognised(path, page, waiting.languages)
                except Unreadable:
                    return
                except LoadError:
                    refused += 1
                    if refused == _PATIENCE:
                        raise
                    continue
                refused = 0
                if (before.st_size, before.st_mtime_ns) != _size_and_time(path):
                    return
                with self.catalog.write(lock) as db:
                    recognitions.put(db, document.sha256, page, found)
                yield page

    def _waiting(self, document: Document) -> Waiting | None:
        with self.catalog.read() as db:
            unread = documents.unread_pages(db, document.id)
            known = recognitions.of_file(db, document.sha256)
        languages = self._languages(document)
        engine = self.engine.engine(languages) if self.engine and self.most else None
        tried = [page for page in known if engine in (None, known[page].engine)]
        new = [page for page in unread if engine is not None and page not in tried]
        room = self.most - len(known.keys() - set(new))
        waiting = Waiting(document, new[: max(room, 0)], languages)
        uncommitted = any(page in known for page in unread) and self.loaded(document) is not None
        return waiting if waiting.pages or uncommitted else None

    def _recognised(self, path: Path, page: int, languages: Sequence[str]) -> Recognition:
        """What a page is recognised as; a page that cannot be drawn has failed."""
        assert self.engine is not None, "without an engine no page waits"
        try:
            picture = self.reader.scan(path, page)
        except LoadError as error:
            if error.outcome in RETIRING or error.outcome == "timed_out":
                return Recognition(self.engine.engine(languages), None)
            raise
        return self.engine.recognise(picture, languages, self.home.taken_out)

    def _languages(self, document: Document) -> tuple[str, ...]:
        if self.engine is None:
            return ()
        with self.catalog.read() as db:
            text = documents.beginning(db, document.id, _TELLS_LANGUAGE)
        language = document.language or detect(text) or self._of_library
        return self.engine.chosen(self.languages, language)

    @cached_property
    def _of_library(self) -> str | None:
        """The language that most of its documents are in."""
        with self.catalog.read() as db:
            some = [d for d in documents.all_documents(db) if d.searchable][:_ASKED]
            texts = [documents.beginning(db, d.id, _TELLS_LANGUAGE) for d in some]
        counts = Counter(filter(None, map(detect, texts)))
        return counts.most_common(1)[0][0] if counts else None


def _size_and_time(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns
