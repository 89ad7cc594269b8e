"""Reading files in a limited process, so that no file can hang, crash or fill this one.

The process (`child.py`) starts with the first file, serves one job at a time and is replaced only
when a file killed it. A file is blamed for the end of the process only if that process was fresh:
otherwise what earlier files left in its memory may be the reason, and it is tried once more.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

from rag.errors import Damaged, LoadError, TimedOut, TooLarge
from rag.frames import Frame
from rag.loaders import libreoffice
from rag.loaders.formats import OLE, reader_version
from rag.loaders.protocol import unpack_document, unpack_error
from rag.process import ChildProcess, Ended, environment, module_command
from rag.types import LoadedDocument, Unit

CPU_SECONDS = 18
CPU_SECONDS_OF_SMALL = 7
"""Of a file below SMALL bytes: with what rounding adds, no more than eight."""
SMALL = 5_000_000
WALL_SECONDS = 60.0
DPI = 110
"""Of a picture for people."""
Span = tuple[int, int]
"""Code points of a unit's text."""

_OUTSIDE = {"SIGKILL", "SIGTERM", "SIGINT", "SIGHUP"}
"""Signals that a crash does not send: the out-of-memory killer, or somebody, ended the process."""


_COMMAND = module_command("rag.loaders.child")
# One thread: should numpy get in after all, its memory per thread must not eat the limit.
_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1"}


class ReaderProcess:
    """The process that reads. Safe to share between threads; they take turns.

    `cpu_seconds` and `wall_seconds` are the most that one file may take; `folder`: where converted
    copies of files lie while they are read (None: the system's folder for such).
    """

    def __init__(
        self,
        *,
        folder: Path | None = None,
        cpu_seconds: int = CPU_SECONDS,
        wall_seconds: float = WALL_SECONDS,
    ) -> None:
        self._folder = folder
        self._cpu_seconds = cpu_seconds
        self._wall_seconds = wall_seconds
        self._child: ChildProcess | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The process number of the reading process, None while there is none."""
        return self._child.pid if self._child else None

    def load(self, path: Path) -> LoadedDocument:
        """The document in a file. Raises one of the `LoadError`s; every one is about this file."""
        old = self._to_convert(path)
        if old is None:
            return self._load(path)
        seconds = _cpu_seconds(path, self._cpu_seconds), self._wall_seconds
        with libreoffice.converted(path, old, self._folder, *seconds) as copy:
            return replace(self._load(copy), format=old, reader=reader_version(old))

    def _to_convert(self, path: Path) -> str | None:
        """The format of a file that LibreOffice is needed for, and there for."""
        if libreoffice.program() is None or not _is_ole(path):
            return None
        found = self._ask(path, {"job": "format"}).message.get("format")
        return found if found in libreoffice.TARGETS else None

    def _load(self, path: Path) -> LoadedDocument:
        answer = self._ask(path, {"job": "load"})
        try:
            return unpack_document(answer)
        except ValueError as error:
            raise _crashed(path) from error

    def member(self, path: Path, name: str) -> bytes:
        """The content of one of the `members` of the document in a file. Raises a `LoadError`."""
        return self._ask(path, {"job": "member", "name": name}).block

    def render(self, path: Path, unit: Unit, spans: Sequence[Span] = (), dpi: int = DPI) -> bytes:
        """A PNG of a unit that is a page of a PDF or of an image, the `spans` of its text marked.

        The file must be the one that was read: compare its SHA-256 first. Raises a `LoadError`.
        """
        job = {"job": "render", "number": unit.number, "by_words": unit.state == "ocr"}
        return self._ask(path, {**job, "spans": list(spans), "dpi": dpi}, unit.char_map).block

    def scan(self, path: Path, number: int) -> bytes:
        """A PNG of page `number` (from 1) of a PDF or an image, as OCR wants it. Raises likewise."""
        return self._ask(path, {"job": "scan", "number": number}).block

    def draw(self, path: Path, unit: Unit, spans: Sequence[Span] = (), dpi: int = DPI) -> bytes:
        """A PNG of the stored text of a unit of `path`, which is not opened. Raises `LoadError`."""
        job = {"job": "draw", "number": unit.number, "kind": unit.kind, "label": unit.label}
        text = {"text": unit.text, "headings": unit.headings}
        return self._ask(path, {**job, **text, "spans": list(spans), "dpi": dpi}).block

    def close(self) -> None:
        """End the process. It starts again if another file is to be read."""
        with self._lock:
            self._stop()

    def _ask(self, path: Path, job: dict[str, object], block: bytes = b"") -> Frame:
        seconds = _cpu_seconds(path, self._cpu_seconds)
        limits = {"path": os.path.abspath(path), "cpu_seconds": seconds}
        question = Frame({**job, **limits}, block)
        with self._lock:
            answer = self._try(path, question) or self._try(path, question)
        if answer is None:
            raise LoadError(
                str(path),
                f"{path.name} was not read: something ended the reading process twice.",
                "The machine may be out of memory; it is tried again in the next run.",
            )
        try:
            error = unpack_error(answer, path)
        except ValueError as wrong:
            raise _crashed(path) from wrong
        if error:
            raise error
        return answer

    def _try(self, path: Path, question: Frame) -> Frame | None:
        """The answer, or None if the process ended for what may not be the file's fault."""
        child = self._child = self._child or ChildProcess(_COMMAND, environment(**_ENVIRONMENT))
        fresh = child.answered == 0
        answer = None
        try:
            answer = child.ask(question, self._wall_seconds)
            if "out_of_memory" not in answer.message:
                return answer
            answer, error = None, _too_large(path)
        except Ended as end:
            name = _signal_name(end.code)
            if name == "SIGXCPU":
                raise _timed_out(path) from end
            fresh = fresh and name not in _OUTSIDE
            error = _crashed(path)
        except TimeoutError as late:
            raise _timed_out(path) from late
        except ValueError as wrong:
            raise _crashed(path) from wrong
        except OSError as refused:
            raise _not_started(path, refused) from refused
        finally:
            # Also when interrupted: a late answer must not be taken for that of the next question.
            if answer is None:
                self._stop()
        if fresh:
            raise error
        return None

    def _stop(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child = None


def _is_ole(path: Path) -> bool:
    """Whether a file may be one of Office 97-2003."""
    try:
        if not path.is_file():  # opening a named pipe would wait for a writer
            return False
        with path.open("rb") as file:
            return file.read(len(OLE)) == OLE
    except OSError:
        return False  # the reading process says why


def _cpu_seconds(path: Path, most: int) -> int:
    """Processor seconds that a file may take: a small one has no reason to take long."""
    try:
        is_small = path.stat().st_size < SMALL
    except OSError:
        is_small = True
    return min(most, CPU_SECONDS_OF_SMALL) if is_small else most


def _signal_name(code: int | None) -> str:
    try:
        return signal.Signals(-(code or 0)).name
    except ValueError:
        return ""


def _crashed(path: Path) -> LoadError:
    return Damaged(
        str(path),
        f"{path.name} is damaged: it crashed its reader.",
        "Open and save it again with the program that made it, and add that.",
    )


def _too_large(path: Path) -> LoadError:
    return TooLarge(str(path), f"{path.name} needs more memory than a file may take.", "Split it.")


def _timed_out(path: Path) -> LoadError:
    return TimedOut(
        str(path),
        f"{path.name} took too long to read and was stopped.",
        "Split it, or print it to PDF again; it is tried again in the next run.",
    )


def _not_started(path: Path, error: OSError) -> LoadError:
    return LoadError(
        str(path),
        f"{path.name} was not read: the reading process could not start: {error.strerror}.",
        "The machine may be out of memory or processes.",
    )
