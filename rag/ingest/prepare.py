"""The first half of the pipeline: one file hashed, loaded and chunked, ahead of the model.

Runs in a thread of its own. Nothing here writes to the catalog.
"""

from __future__ import annotations

import hashlib
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from rag.catalog import vectors
from rag.catalog.documents import FileVersion
from rag.chunking import CHUNKER, Chunker
from rag.errors import LoadError, Unreadable
from rag.ingest import members
from rag.ingest.discover import Found
from rag.ingest.plan import is_settled
from rag.ingest.recognised import unread, with_recognised
from rag.types import RETIRING, TRANSIENT, Chunk, Document, LoadedDocument, Recognition

AHEAD = 256  # documents loaded and waiting, at most
AHEAD_TEXTS = 1024  # their texts, beyond which no further document is loaded
_POLL_SECONDS = 0.2


class Reader(Protocol):
    """What reads a file; raises `LoadError`."""

    def load(self, path: Path) -> LoadedDocument: ...
    def member(self, path: Path, name: str) -> bytes: ...
    def scan(self, path: Path, number: int) -> bytes: ...


@dataclass(slots=True)
class Prepared:
    """A file ready to be embedded and committed; `loaded` is None if it is unchanged or failed.

    With both `loaded` and an `error` it has pages, but none with text yet. `gone`: documents that
    were in it and are no longer; `moved`: `known` is of another path.
    """

    version: FileVersion
    known: Document | None
    started: float
    loaded: LoadedDocument | None = None
    error: LoadError | None = None
    chunks: list[Chunk] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    keys: list[bytes] = field(default_factory=list)
    gone: list[Document] = field(default_factory=list)
    moved: bool = False

    def take(self, loaded: LoadedDocument, chunker: Chunker) -> None:
        """Chunk what was read. Without any text there are its pages and an error."""
        text_of = {unit.number: unit.text for unit in loaded.units}
        self.loaded = loaded
        for chunk in chunker.split(loaded):
            text = text_of[chunk.unit][chunk.start : chunk.end]
            embedded = chunker.embedded_text(loaded.title, chunk.headings, text)
            self.chunks.append(chunk)
            self.texts.append(embedded)
            self.keys.append(vectors.key_of(embedded))
        if not self.chunks:
            self.error = unread(self.version.path, self.version.name, loaded)


@dataclass(frozen=True, slots=True)
class Preparer:
    """Turns a found file into a `Prepared`, and one for each file in it.

    Never raises for what the file may be. `folder`: where members lie while they are read; `held`:
    the members that are known, by the path of the file that holds them; `recognised`: what OCR has
    made of pages already, by the SHA-256 of their file; `missing`: known documents whose files are
    gone, by the SHA-256 of these. One that is found again is taken from it.
    """

    reader: Reader
    chunker: Chunker
    known: Mapping[str, Document]
    is_current: Callable[[Document], bool]
    folder: Path
    held: Mapping[str, Sequence[Document]]
    recognised: Callable[[str], Mapping[int, Recognition]]
    missing: Mapping[str, list[Document]] = field(default_factory=dict)

    def prepare(self, found: Found) -> Iterator[Prepared]:
        """The members of a file, then the file: once it is committed, all in it has been."""
        prepared = self._new(found)
        inside = self._known_inside(found)
        try:
            prepared.version = _hashed(prepared.version, found.location)
            if prepared.known is None:
                inside = self._find_again(prepared)
            if self._is_unchanged(prepared, inside):
                yield from map(again, inside)
            else:
                loaded = self.reader.load(found.location)
                if loaded.pages_unread:
                    loaded = with_recognised(loaded, self.recognised(prepared.version.sha256))
                prepared.take(loaded, self.chunker)
                yield from self._members(found, loaded.members)
                prepared.gone = _gone(found, inside, loaded.members)
                _refuse_if_changed(prepared.version, found.location)
        except LoadError as error:
            prepared.loaded, prepared.error = None, error
            if error.outcome in RETIRING:
                prepared.gone = inside
            else:
                yield from (again(member, error) for member in inside)
        yield prepared

    def _new(self, found: Found) -> Prepared:
        version = FileVersion(
            found.path, found.name, found.root, "", found.size, found.mtime_ns, CHUNKER,
            found.container,
        )  # fmt: skip
        return Prepared(version, self.known.get(found.path), time.perf_counter())

    def _find_again(self, prepared: Prepared) -> list[Document]:
        """Know a file that seems new as one that is missing from where it was.

        Returns its members, by their new paths.
        """
        new = prepared.version
        for former in self.missing.get(new.sha256, ()):
            held = self.held.get(former.path, ())
            prepared.known = former
            if self._is_unchanged(prepared, held):
                self.missing[new.sha256].remove(former)
                prepared.moved = True
                start = len(former.path)
                return [
                    replace(d, path=new.path + d.path[start:], container=new.path) for d in held
                ]
        prepared.known = None
        return []

    def _members(self, found: Found, names: Sequence[str]) -> Iterator[Prepared]:
        """Each file in a file, with what is in it in turn."""
        for name in names:
            try:
                with members.taken_out(self.reader, found, name, self.folder) as member:
                    yield from self.prepare(member)
            except LoadError as error:
                failed = self._new(members.named(found, name))
                failed.error = error
                yield failed

    def _known_inside(self, found: Found) -> list[Document]:
        """What the library has of the files in a file."""
        start = found.path + members.MARK
        held = self.held.get(found.container or found.path, ())
        return [document for document in held if document.path.startswith(start)]

    def _is_unchanged(self, prepared: Prepared, inside: Iterable[Document]) -> bool:
        known = prepared.known
        return (
            known is not None
            and known.sha256 == prepared.version.sha256
            and (known.searchable or known.outcome not in TRANSIENT)
            and self.is_current(known)
            and all(is_settled(member, self.is_current) for member in inside)
        )


def again(known: Document, error: LoadError | None = None) -> Prepared:
    """A member of a file that is as it was, or that cannot be looked into this time."""
    version = FileVersion(
        known.path, known.name, None, known.sha256, known.size, known.mtime_ns, known.chunker,
        known.container,
    )  # fmt: skip
    return Prepared(version, known, time.perf_counter(), error=error)


def _gone(found: Found, inside: Sequence[Document], names: Sequence[str]) -> list[Document]:
    """The known members of a file that are not among the names of those it has now."""
    start = found.path + members.MARK
    there = set(names)
    return [d for d in inside if d.path.removeprefix(start).split(members.MARK)[0] not in there]


class Arrivals:
    """Files prepared in a thread, handed out in groups of about as many texts as asked for."""

    def __init__(self, preparer: Preparer, files: Sequence[Found]) -> None:
        self._queue: queue.Queue[Prepared | BaseException | None] = queue.Queue(AHEAD)
        self._stopping = threading.Event()
        self.texts = 0  # of all that was handed out
        self._waiting_texts = 0
        self._count = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(
            target=self._work, args=(preparer, files), name="prepare", daemon=True
        )
        self._thread.start()

    @property
    def ended(self) -> bool:
        """Whether every file has been handed out."""
        return self._ended

    def take(self, texts: int, wait: bool = True) -> list[Prepared]:
        """Wait for a file, if asked to, then take what else is ready, up to `texts` texts."""
        group: list[Prepared] = []
        while not self._ended and texts > 0:
            try:
                item = self._queue.get(block=wait and not group)
            except queue.Empty:
                break
            if isinstance(item, BaseException):
                raise item
            if item is None:
                self._ended = True
            else:
                group.append(item)
                texts -= len(item.texts)
                self.texts += len(item.texts)
                self._counted(-len(item.texts))
        return group

    def stop(self) -> None:
        """End the thread and wait until it has let go of the reader."""
        self._stopping.set()
        self._thread.join()

    def _work(self, preparer: Preparer, files: Sequence[Found]) -> None:
        last: BaseException | None = None
        try:
            for found in files:
                if self._stopping.is_set():
                    return
                for prepared in preparer.prepare(found):
                    self._put(prepared)
                    self._counted(len(prepared.texts))
                    self._wait_for_room()
                    if self._stopping.is_set():
                        return
        except BaseException as error:  # a bug: it is raised again where the group is taken
            last = error
        self._put(last)

    def _counted(self, texts: int) -> None:
        with self._count:
            self._waiting_texts += texts
            self._count.notify()

    def _wait_for_room(self) -> None:
        with self._count:
            while self._waiting_texts > AHEAD_TEXTS and not self._stopping.is_set():
                self._count.wait(_POLL_SECONDS)

    def _put(self, item: Prepared | BaseException | None) -> None:
        while not self._stopping.is_set():
            try:
                self._queue.put(item, timeout=_POLL_SECONDS)
                return
            except queue.Full:
                continue


def _hashed(version: FileVersion, location: Path) -> FileVersion:
    try:
        with location.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise Unreadable(
            version.path,
            f"{version.path} cannot be read: {error.strerror or error}.",
            "Check that it is there and its permissions; it is tried again on the next run.",
        ) from error
    return replace(version, sha256=sha256)


def _refuse_if_changed(version: FileVersion, location: Path) -> None:
    """The text must be of the bytes that were hashed: a file being written waits its turn."""
    try:
        stat = location.stat()
        same = (stat.st_size, stat.st_mtime_ns) == (version.size, version.mtime_ns)
    except OSError:
        same = False
    if not same:
        raise Unreadable(
            version.path,
            f"{version.path} changed or vanished while it was being read.",
            "It is read again on the next run.",
        )
