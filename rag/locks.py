"""The writer's lock of a library, and the shared locks that keep a generation from being removed.

Both are locks of the operating system on an open file: they go with the process that holds them,
however it ends, and are never broken by age. Uses portalocker, which speaks to every platform.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import portalocker
from portalocker.exceptions import LockException

from rag.errors import DiskFull, HomeNotWritable, LibraryBusy

_EXCLUSIVE = portalocker.LockFlags.EXCLUSIVE | portalocker.LockFlags.NON_BLOCKING
_SHARED = portalocker.LockFlags.SHARED | portalocker.LockFlags.NON_BLOCKING
_POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock."""

    pid: int
    host: str
    command: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} ({self.command})"


class FileLock:
    """A lock on a file: exclusive or shared, released by `release` or the process's end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    @property
    def held(self) -> bool:
        return self._file is not None

    def try_exclusive(self) -> bool:
        """Take the lock for this process alone; False where another process has it."""
        return self._try(_EXCLUSIVE)

    def try_shared(self) -> bool:
        """Take the lock beside other readers; False where a process has it for itself."""
        return self._try(_SHARED)

    def write(self, text: str) -> None:
        """Replace what the held file says."""
        assert self._file is not None, "only the holder writes"
        try:
            self._file.seek(0)
            self._file.truncate()
            self._file.write(text)
            self._file.flush()
        except OSError as error:
            self.release()
            raise DiskFull(
                str(self._path),
                f"{self._path} cannot be written: {error.strerror}.",
                "Make room on its disk and try again.",
            ) from error

    @property
    def is_at_its_place(self) -> bool:
        """Whether the locked file is still the one that others would open."""
        assert self._file is not None, "only the holder looks"
        try:
            return os.path.samestat(os.fstat(self._file.fileno()), self._path.stat())
        except OSError:
            return False

    def release(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):  # what could not be written cannot be flushed
                self._file.close()
            self._file = None

    def _try(self, flags: portalocker.LockFlags) -> bool:
        assert self._file is None, "the lock is already held"
        try:
            file = self._path.open("a+")
        except OSError as error:
            raise HomeNotWritable(
                str(self._path),
                f"{self._path} cannot be opened: {error.strerror}.",
                "Give yourself write permission there.",
            ) from error
        try:
            portalocker.lock(file, flags)
        except LockException:
            file.close()
            return False
        self._file = file
        if not self.is_at_its_place:  # removed between opening and locking: nobody else sees it
            self.release()
            return False
        return True


class WriterLock:
    """The right to write to a library: one process at a time. A context manager, not re-entrant."""

    def __init__(self, path: Path, command: str) -> None:
        self._lock = FileLock(path)
        self._path = path
        self._command = command

    @property
    def held(self) -> bool:
        return self._lock.held

    def acquire(
        self, wait: bool = True, on_wait: Callable[[Holder | None], None] | None = None
    ) -> WriterLock:
        """Take the lock, waiting for its holder if asked to (`on_wait` is called once, first).

        Raises `LibraryBusy` where it is taken and `wait` is false.
        """
        told = False
        while not self._lock.try_exclusive():
            holder = _read_holder(self._path)
            if not wait:
                raise LibraryBusy(
                    str(self._path),
                    f"The library is being written by {holder or 'another process'}.",
                    "Wait until it has ended, or run this again without --no-wait.",
                )
            if not told and on_wait is not None:
                on_wait(holder)
            told = True
            time.sleep(_POLL_SECONDS)
        me = {"pid": os.getpid(), "host": socket.gethostname(), "command": self._command}
        self._lock.write(json.dumps(me))
        return self

    def require(self) -> None:
        """Raises `LibraryBusy` where the lock's file was removed: another writer may be at work."""
        assert self.held, "only the holder of the writer's lock writes"
        if not self._lock.is_at_its_place:
            raise LibraryBusy(
                str(self._path),
                f"The lock of the library was lost: {self._path} was removed or replaced.",
                "Nothing was written since. Run the same command again.",
            )

    def release(self) -> None:
        self._lock.release()

    def __enter__(self) -> WriterLock:
        return self if self.held else self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


def writer(path: Path) -> Holder | None:
    """Who writes to the library now; None: nobody, or it has not said yet who it is.

    Makes no file. A lock that is free is held for a moment, shared. Raises `HomeNotWritable`.
    """
    lock = FileLock(path)
    if not path.is_file() or lock.try_shared():
        lock.release()
        return None
    return _read_holder(path)


def _read_holder(path: Path) -> Holder | None:
    try:
        return Holder(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None  # its holder has just taken it and not yet written who it is
