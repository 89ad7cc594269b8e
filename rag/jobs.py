"""An ingestion in a process of its own, watched from this one.

The web app ingests this way: loading and embedding would otherwise hold up every page (one Python
process runs one thread of Python at a time). The child is `rag ingest --events`; each line of its
output is one event as JSON.
"""

from __future__ import annotations

import json
import signal
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from rag.catalog.backups import BackedUp
from rag.config import Settings
from rag.ingest.commit import Embedded
from rag.ingest.pipeline import Planned, Summary
from rag.ingest.recognise import Recognised
from rag.process import environment, module_command
from rag.types import ErrorInfo, FileResult
from rag.watching import Notice, WatchEvent

_KINDS: dict[str, type[Any]] = {
    kind.__name__: kind
    for kind in (Planned, Embedded, Recognised, FileResult, BackedUp, Summary, Notice)
}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an ingestion has come. `error`: why it ended early; `waiting`: for another writer.

    Of a watch: its last ingestion.
    """

    running: bool = True
    files: int = 0
    results: tuple[FileResult, ...] = ()
    chunks_embedded: int = 0
    embed_seconds: float = 0.0
    waiting: str | None = None
    recognised: Recognised | None = None
    """How far OCR is; None before it begins, which is when all other text is searchable."""
    summary: Summary | None = None
    error: ErrorInfo | None = None
    notes: tuple[str, ...] = ()
    """What else is to be told, such as why no backup was made."""
    notices: Mapping[str, Notice] = field(default_factory=dict)
    """The last one of a watch, by path."""


class IngestJob:
    """A running ingestion. `progress` may be read from any thread, at any time."""

    def __init__(self, settings: Settings, arguments: Sequence[str]) -> None:
        rag = module_command("rag")
        command = [*rag, "ingest", "--events", *_flags(settings), *arguments]
        # a file, not a pipe: nobody reads it before the end, and a full pipe would hold the child
        self._complaints = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115
        self._process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            text=True,
            env=environment(),
        )
        self._progress = Progress()
        self._thread = threading.Thread(target=self._follow, name="ingest", daemon=True)
        self._thread.start()

    @property
    def progress(self) -> Progress:
        return self._progress

    def cancel(self) -> None:
        """Ask it to stop; what is committed stays."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)

    def wait(self, seconds: float | None = None) -> Progress:
        """Wait for its end, or for so long. Returns how far it is."""
        self._thread.join(seconds)
        return self._progress

    def _follow(self) -> None:
        with self._process, self._complaints:
            assert self._process.stdout is not None
            for line in self._process.stdout:
                self._progress = _advance(self._progress, json.loads(line))
            code = self._process.wait()
            self._complaints.seek(0)
            detail = self._complaints.read()
        error = self._progress.error
        if error is None and self._progress.summary is None:
            said = (detail.strip().splitlines() or [f"exit code {code}"])[-1]
            error = ErrorInfo("stopped", f"The ingestion stopped: {said}", "Start it again.")
        self._progress = replace(self._progress, running=False, waiting=None, error=error)


def to_line(event: WatchEvent) -> str:
    """An event as one line of JSON."""
    return json.dumps({"event": type(event).__name__, **asdict(event)})


def _advance(progress: Progress, line: dict[str, Any]) -> Progress:
    if "error" in line and "event" not in line:
        return replace(progress, error=ErrorInfo(**line["error"]))
    if line["event"] == "waiting":
        return replace(progress, waiting=line["holder"])
    event = _event(line)
    match event:
        case Planned():
            return Progress(files=event.files, notices=progress.notices)
        case Embedded():
            return replace(progress, chunks_embedded=event.chunks, embed_seconds=event.seconds)
        case Recognised():
            return replace(progress, recognised=event)
        case FileResult():
            return replace(progress, results=(*progress.results, event))
        case BackedUp():
            return replace(progress, notes=(event.note,) if event.note else ())
        case Summary():
            return replace(progress, summary=event)
        case Notice():
            return replace(progress, notices={**progress.notices, event.path: event})


def _event(line: dict[str, Any]) -> WatchEvent:
    kind = _KINDS[line.pop("event")]
    if isinstance(line.get("error"), dict):
        line["error"] = ErrorInfo(**line["error"])
    if kind is Planned:
        line["remove"] = tuple(line["remove"])
    event: WatchEvent = kind(**line)
    return event


def _flags(settings: Settings) -> list[str]:
    """The settings of this process as flags, so that the child has the very same."""
    flags = []
    for name, origin in settings.origins.items():
        if origin == "flag" or name == "home":
            value = getattr(settings, name)
            if isinstance(value, bool):
                flags.append(f"--{'' if value else 'no-'}{name.replace('_', '-')}")
                continue
            text = ",".join(value) if isinstance(value, tuple) else str(value)
            flags += [f"--{name.replace('_', '-')}", text]
    return flags
