"""When to look at files and folders again: as soon as they have been quiet after a change.

What is told is only *where* to look; what has become of each file is found by looking, as in every
ingestion. So nothing depends on which events an editor causes or a system loses, and each folder is
looked at now and then all the same: often where no events come, as from a network drive. Knows
nothing of the library.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from rag.ingest.discover import IGNORED_NAMES, IGNORED_STARTS
from rag.paths import NETWORK_FILE_SYSTEMS, file_system

QUIET = 0.5  # seconds without a change after which a folder is looked at
LONGEST = 10.0  # seconds after which it is, however busy
TICK = 1.0  # seconds between two looks at whether the folders are there
SELDOM = 600.0  # seconds between two looks at all, where events tell of changes
OFTEN = 30.0  # ... and where they do not
Place = tuple[int, ...]
"""What a folder (device and inode) or a file (also size and time) is told from another by."""


@dataclass(frozen=True, slots=True)
class Due:
    """Look here now."""

    path: Path


@dataclass(frozen=True, slots=True)
class Lost:
    """Not there any more, as a whole: a drive was unplugged, or the folder was moved."""

    path: Path


@dataclass(frozen=True, slots=True)
class Back:
    """There again, or another one in its place."""

    path: Path


class Watch:
    """Watches files and folders until `stop` is set. `leave_out`: a folder whose changes are none.

    Iterating gives what happens; each path that is there is due at once.
    """

    def __init__(self, paths: Sequence[Path], leave_out: Path, stop: Event) -> None:
        self._paths = list(dict.fromkeys(Path(os.path.abspath(p.expanduser())) for p in paths))
        self._leave_out = leave_out
        self._stop = stop
        self._places: dict[Path, Place | None] = {path: _place(path) for path in self._paths}
        self._silent = {path for path in self._paths if _is_remote(path)}
        self._due: dict[Path, float] = dict.fromkeys(self._paths, 0.0)

    def again(self, path: Path, seconds: float) -> None:
        """Look at a path after so many seconds, or sooner if it changes."""
        self._due[path] = min(self._due.get(path, SELDOM), time.monotonic() + seconds)

    def __iter__(self) -> Iterator[Due | Lost | Back]:
        while not self._stop.is_set():
            watched = [p for p in self._paths if p.is_dir() and p not in self._silent]
            for changed in self._changes(watched):
                for path in self._concerned(changed):
                    self._due[path] = 0.0
                moved = list(self._moved())
                yield from moved
                yield from self._now_due()
                if moved:  # the system watches a folder, not a name: begin anew
                    break

    def _now_due(self) -> Iterator[Due]:
        for path in self._paths:
            if self._places[path] is not None and self._due[path] <= time.monotonic():
                self._due[path] = time.monotonic() + (OFTEN if path in self._silent else SELDOM)
                yield Due(path)

    def _moved(self) -> Iterator[Lost | Back]:
        """What has gone or come back; a file that was replaced is only due."""
        for path, before in self._places.items():
            now = self._places[path] = _place(path)
            if now == before:
                continue
            if before is not None and now is not None and path.is_file():
                self._due[path] = 0.0
            elif now is None:
                yield Lost(path)
            else:
                self._due[path] = 0.0
                yield Back(path)

    def _concerned(self, changed: set[str]) -> set[Path]:
        """The watched folders that changed paths lie in, hidden ones left aside."""
        found = set()
        for name in changed:
            path = Path(name)
            if path.is_relative_to(self._leave_out):
                continue
            for root in self._paths:
                if path.is_relative_to(root) and not _is_ignored(path.relative_to(root)):
                    found.add(root)
        return found

    def _changes(self, folders: Sequence[Path]) -> Iterator[set[str]]:
        """Changed paths once they are quiet; an empty set at each tick."""
        import watchfiles

        if not folders:
            while not self._stop.wait(TICK):
                yield set()
            return
        try:
            for changes in watchfiles.watch(
                *folders,
                watch_filter=None,
                step=int(QUIET * 1000),
                debounce=int(LONGEST * 1000),
                rust_timeout=int(TICK * 1000),
                yield_on_timeout=True,
                stop_event=self._stop,
                force_polling=False,
                ignore_permission_denied=True,
            ):
                yield {path for _, path in changes}
        except (OSError, RuntimeError):
            # more folders than the system watches, or one that has just gone: look by the clock
            self._silent |= {folder for folder in folders if folder.is_dir()}
            yield set()


def _place(path: Path) -> Place | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    found = (stat.st_dev, stat.st_ino)
    return found if path.is_dir() else (*found, stat.st_size, stat.st_mtime_ns)


def _is_ignored(path: Path) -> bool:
    return any(part in IGNORED_NAMES or part.startswith(IGNORED_STARTS) for part in path.parts)


def _is_remote(path: Path) -> bool:
    """Whether other machines may change it, of which this one's system hears nothing."""
    return file_system(path).lower() in NETWORK_FILE_SYSTEMS
