"""One file to one LoadedDocument, in this process. The worker's child calls it, and tests do.

Opens whatever file it is given: for files that are not known to be harmless use
`worker.ReaderProcess`, which keeps crashes, hangs and memory bombs in another process.
"""

from __future__ import annotations

import importlib
import stat
from pathlib import Path
from types import ModuleType
from typing import Protocol, cast

from rag.errors import LoadError, NoText, Unreadable
from rag.loaders.formats import FORMATS, Reading, reader_version
from rag.loaders.limits import (
    MAX_BYTES,
    MAX_CHARACTERS,
    MAX_MEMBER,
    too_large_member,
    too_many_bytes,
    too_much_text,
)
from rag.loaders.sniff import HEAD, sniff
from rag.types import LoadedDocument


class Reader(Protocol):
    """A module of this folder that reads one format."""

    def read(self, path: Path) -> Reading: ...


class Container(Protocol):
    """A module of this folder that reads a format which holds files."""

    def member(self, path: Path, name: str) -> bytes: ...


def load(path: Path) -> LoadedDocument:
    """Read a file; at least one unit of it is read, or is for OCR to read. Raises a `LoadError`."""
    try:
        name = format_of(path)
        reading = cast(Reader, _module(name)).read(path)
    except OSError as error:
        raise unreadable(path, error) from error
    _check(path, reading)
    return LoadedDocument(
        name,
        reading.title,
        reading.units,
        reader_version(name),
        reading.date,
        reading.language,
        reading.members,
        reading.hidden_characters,
    )


def format_of(path: Path) -> str:
    """The name of a file's format. Raises OSError, and as `sniff.sniff` does."""
    return sniff(path, _head(path))


def member(path: Path, name: str) -> bytes:
    """The content of one of the `members` of a document. Raises one of the `LoadError`s."""
    try:
        module = _module(format_of(path))
        content = cast(Container, module).member(path, name)
    except OSError as error:
        raise unreadable(path, error) from error
    except KeyError as error:
        raise Unreadable(
            str(path), f"{name} is no longer in {path.name}.", "It is looked for on the next run."
        ) from error
    if len(content) > MAX_MEMBER:
        raise too_large_member(path, name)
    return content


def _module(format: str) -> ModuleType:
    return importlib.import_module(f"rag.loaders.{FORMATS[format].module}")


def unreadable(path: Path, error: OSError) -> LoadError:
    """What an error of the operating system means for a file."""
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return Unreadable(str(path), f"{path.name} is gone.", "It will be looked for again.")
    reason = error.strerror or type(error).__name__
    return Unreadable(
        str(path), f"{path.name} cannot be read: {reason}.", "Check its permissions and the disk."
    )


def _head(path: Path) -> bytes:
    """The first bytes of a file whose kind and size are fit for reading."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):  # opening a named pipe would wait for a writer
        raise Unreadable(str(path), f"{path.name} is not a file.", "Only regular files are read.")
    if status.st_size == 0:
        raise NoText(str(path), f"{path.name} is empty.", "There is nothing to search in it.")
    if status.st_size > MAX_BYTES:
        raise too_many_bytes(path, status.st_size)
    with path.open("rb") as file:
        return file.read(HEAD)


def _check(path: Path, reading: Reading) -> None:
    if sum(len(unit.text) for unit in reading.units) > MAX_CHARACTERS:
        raise too_much_text(path)
    if all(unit.state == "empty" for unit in reading.units):
        raise NoText(
            str(path), f"{path.name} has no text in it.", "There is nothing to search in it."
        )
