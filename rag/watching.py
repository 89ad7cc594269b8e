"""Files and folders that a library follows: each change is ingested as soon as it is over.

The writer's lock is taken for each ingestion and given back after it, so that others get their
turn. What can pass (an engine that is away, a full disk) is tried again; what cannot ends the watch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import Literal

from rag.assistant import Assistant
from rag.catalog.backups import BackedUp
from rag.errors import (
    DiskFull,
    EngineError,
    IdentityMismatch,
    LibraryBusy,
    NothingToIngest,
    PathNotFound,
    VouchError,
)
from rag.ingest.pipeline import IngestEvent, Summary
from rag.ingest.plan import Plan
from rag.ingest.watch import Back, Due, Lost, Watch
from rag.locks import Holder
from rag.process import end_with_parent
from rag.types import TRANSIENT

__all__ = ["Notice", "WatchEvent", "Watching", "end_with_parent"]

GRACE = 1.0  # seconds a file may be gone while it is saved by way of another name
FIRST_RETRY, LAST_RETRY = 10.0, 300.0  # seconds; each is twice the one before
_PASSES = (EngineError, DiskFull, LibraryBusy)


@dataclass(frozen=True, slots=True)
class Notice:
    """Event: what the watch has seen or does. `kind` is for programs, `text` for people."""

    kind: Literal["watching", "lost", "back", "kept", "retry"]
    path: str
    text: str


WatchEvent = Notice | IngestEvent | BackedUp


class Watching:
    """The watch of an open library. Iterate over `run`; it ends when `stop` is set."""

    def __init__(
        self,
        assistant: Assistant,
        paths: Sequence[Path],
        stop: Event,
        *,
        collection: str | None = None,
        keep_missing: bool = False,
        on_wait: Callable[[Holder | None], None] | None = None,
    ) -> None:
        self._assistant = assistant
        self._paths = paths
        self._stop = stop
        self._watch = Watch(paths, assistant.settings.home, stop)
        self._collection = collection
        self._keep_missing = keep_missing
        self._on_wait = on_wait
        self._replaced: set[Path] = set()
        self._retry: dict[Path, float] = {}

    def run(self) -> Iterator[WatchEvent]:
        """Notices, and the events of each ingestion. Raises what trying again would not mend."""
        for path in self._paths:
            yield Notice("watching", str(path), f"Watching {path}.")
        for event in self._watch:
            match event:
                case Lost(path):
                    yield Notice("lost", str(path), f"{path} is gone; its documents stay.")
                case Back(path):
                    self._replaced.add(path)
                    yield Notice("back", str(path), f"{path} is there again.")
                case Due(path):
                    yield from self._look(path)

    def _look(self, path: Path) -> Iterator[WatchEvent]:
        try:
            plan = self._assistant.plan([path])
            plan, notice = self._checked(path, plan)
            if notice:
                yield notice
            if plan.load or plan.remove:
                yield from self._ingest(path, plan)
            self._retry.pop(path, None)
        except (NothingToIngest, PathNotFound):
            return  # empty, as a mount point without its drive: what was read from there stays
        except _PASSES as error:
            if isinstance(error, IdentityMismatch):
                raise
            yield self._retry_later(path, error)

    def _ingest(self, path: Path, plan: Plan) -> Iterator[WatchEvent]:
        for event in self._assistant.ingest(
            plan, collection=self._collection, on_wait=self._on_wait
        ):
            yield event
            if isinstance(event, Summary) and any(event.counts.get(o) for o in TRANSIENT):
                self._watch.again(path, LAST_RETRY)

    def _checked(self, path: Path, plan: Plan) -> tuple[Plan, Notice | None]:
        """A plan that removes only what has been gone for a while, and nothing at all where another
        folder has come in this one's place that has few of its files: a drive that is not mounted.
        """
        if not plan.remove or self._keep_missing:
            return replace(plan, remove=()), None
        if path in self._replaced and len(plan.remove) > len(plan.unchanged) + len(plan.load):
            text = (
                f"{path} is another folder than before and lacks {len(plan.remove)} files. Their "
                f"documents stay; to remove them: rag ingest {path}"
            )
            return replace(plan, remove=()), Notice("kept", str(path), text)
        self._replaced.discard(path)
        self._stop.wait(GRACE)  # `ingest` looks again: what is back by then is not removed
        return plan, None

    def _retry_later(self, path: Path, error: VouchError) -> Notice:
        seconds = min(self._retry.get(path, FIRST_RETRY / 2) * 2, LAST_RETRY)
        self._retry[path] = seconds
        self._watch.again(path, seconds)
        text = f"{error.message} {error.hint} Trying again in {seconds:.0f} s."
        return Notice("retry", str(path), text)
