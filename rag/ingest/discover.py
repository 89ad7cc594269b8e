"""Which files are there. Reads folders and stats, never contents."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from rag.errors import NothingToIngest, PathNotFound
from rag.types import ErrorInfo

UPLOAD = "upload:"
"""How the paths of uploads begin."""
IGNORED_NAMES = frozenset({"Thumbs.db", "desktop.ini", "__pycache__"})
IGNORED_STARTS = (".", "~$")  # hidden files, and the locks that office programs leave


class Found(NamedTuple):  # which is made three times as fast as a dataclass
    """A file as it lies there, named `path` by the library.

    `container`: the path of the file that it was found in, if it is a member of one. `elsewhere`:
    where the bytes are of an upload, and of a member that was taken out.
    """

    path: str
    root: str | None
    size: int
    mtime_ns: int
    container: str | None = None
    elsewhere: Path | None = None

    @property
    def location(self) -> Path:
        return self.elsewhere or Path(self.path)

    @property
    def name(self) -> str:
        if self.container is not None:
            return self.path.replace("/", "!").rpartition("!")[2]
        return self.path.removeprefix(UPLOAD).rsplit(os.sep, 1)[-1]


@dataclass(frozen=True, slots=True)
class Discovery:
    """What a look at the given paths found."""

    files: tuple[Found, ...]
    folders: tuple[str, ...]
    """The folders that were given and have files: those they lack are candidates for removal. An
    empty one may be the place of a drive that is not there."""
    unreadable: tuple[tuple[str, ErrorInfo], ...] = ()
    """Files and folders that could not be looked at; nothing below them counts as missing."""


def discover(paths: Iterable[Path], leave_out: Path) -> Discovery:
    """Find every regular file in or among `paths`, hidden ones and `leave_out` left aside.

    Raises `PathNotFound` for a path that is not there and `NothingToIngest` where no file is.
    """
    files: dict[str, Found] = {}
    folders: list[str] = []
    empty: list[str] = []
    unreadable: list[tuple[str, ErrorInfo]] = []
    for given in paths:
        path = Path(os.path.abspath(given.expanduser()))
        if path == leave_out:
            raise NothingToIngest(
                str(given),
                f"{given} is the library's own folder.",
                "Name the folder that your documents are in.",
            )
        _require(path, given)
        found = {file.path: file for file in _files(path, leave_out, unreadable)}
        files = found | files
        if path.is_dir():
            (folders if found else empty).append(str(path))
    if not files and not unreadable:
        named = ", ".join(empty) or "the paths given"
        raise NothingToIngest(
            named,
            f"There are no files in {named}. Documents that the library has from there stay.",
            "Name another folder; to forget documents use rag documents remove.",
        )
    return Discovery(
        tuple(sorted(files.values(), key=lambda f: f.path)), tuple(folders), tuple(unreadable)
    )


def _require(path: Path, given: Path) -> None:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise PathNotFound(
            str(given),
            f"There is no file or folder {given}.",
            "Check the spelling, or whether its drive is mounted.",
        ) from error
    except OSError as error:
        raise PathNotFound(
            str(given), f"{given} cannot be looked at: {error.strerror}.", "Check its permissions."
        ) from error


def _files(path: Path, leave_out: Path, unreadable: list[tuple[str, ErrorInfo]]) -> Iterator[Found]:
    if not path.is_dir():
        if file := _found(str(path), path.stat, None, unreadable):
            yield file
        return
    root, folders = str(path), [str(path)]
    while folders:  # one stat a file: os.walk and Path would ask three times
        folder = folders.pop()
        try:
            entries = [e for e in os.scandir(folder) if not _ignored(e.name)]
        except OSError as error:
            unreadable.append(_noted(folder, error))
            continue
        for entry in entries:
            if not _is_folder(entry):
                if file := _found(entry.path, entry.stat, root, unreadable):
                    yield file
            elif not entry.is_symlink() and entry.path != str(leave_out):
                folders.append(entry.path)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link in a circle
        return False


def _found(
    path: str,
    look: Callable[[], os.stat_result],
    root: str | None,
    unreadable: list[tuple[str, ErrorInfo]],
) -> Found | None:
    """What lies there; None, and a note in `unreadable`, where it cannot be looked at."""
    try:
        path.encode()
        found = look()
    except (UnicodeEncodeError, OSError) as error:
        unreadable.append(_noted(path, error))
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    return Found(path, root, found.st_size, found.st_mtime_ns)


def _ignored(name: str) -> bool:
    return name in IGNORED_NAMES or name.startswith(IGNORED_STARTS)


def _noted(path: str, error: OSError | UnicodeEncodeError) -> tuple[str, ErrorInfo]:
    """What cannot be looked at, under a name that can be written down, and why."""
    name = os.fsencode(path).decode("utf-8", "replace")
    if name != path or isinstance(error, UnicodeEncodeError):
        message, hint = f"The name of {name} is not valid UTF-8.", "Rename it."
    else:
        message = f"{name} cannot be read: {error.strerror or error}."
        hint = "Check its permissions; it is tried again on the next run."
    return name, ErrorInfo("unreadable", message, hint)
