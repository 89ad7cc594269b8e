"""Zip containers, as Office, OpenDocument and EPUB files are: one part at a time, never to disk.

Sizes are those of the archive's directory and are checked before anything is unpacked; zipfile
never gives more than the directory says. Parts are found by name only, so no path can lead outside.

Knows nothing of what the parts mean.
"""

from __future__ import annotations

import errno
import posixpath
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Self
from xml.etree.ElementTree import Element

from rag.errors import Damaged, NeedsPassword
from rag.loaders import markup
from rag.loaders.limits import MAX_PART, MAX_PARTS, MAX_UNPACKED, too_much_unpacked

ENCRYPTED = 0x1
_TROUBLE = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, ValueError,
)  # fmt: skip


class Archive:
    """An open zip container. Its methods raise `Damaged`, `TooLarge` or `NeedsPassword`.

    A part that is not there is a `KeyError`, like a name that is not in a dictionary.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._left = MAX_UNPACKED
        with self._errors():
            self._zip = zipfile.ZipFile(path)
            self._parts = {info.filename: info for info in self._zip.infolist()}
        if len(self._parts) > MAX_PARTS:
            raise too_much_unpacked(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._parts)

    def __contains__(self, name: str) -> bool:
        return name in self._parts

    def check_sizes(self) -> None:
        """Refuse a bomb, for a library that unpacks by itself."""
        sizes = [part.file_size for part in self._parts.values()]
        if max(sizes, default=0) > MAX_PART or sum(sizes) > MAX_UNPACKED:
            raise too_much_unpacked(self.path)

    def read(self, name: str) -> bytes:
        with self._open(name) as file:
            return file.read()

    def tree(self, name: str) -> Element:
        """The root element of an XML part."""
        with self._open(name) as file:
            return markup.tree(file)

    def children(self, name: str, parent: str) -> Iterator[Element]:
        """`markup.children` of an XML part."""
        with self._open(name) as file:
            yield from markup.children(file, parent)

    @contextmanager
    def _open(self, name: str) -> Iterator[IO[bytes]]:
        part = self._parts[name]
        if part.flag_bits & ENCRYPTED:
            raise needs_password(self.path)
        self._left -= part.file_size
        if part.file_size > MAX_PART or self._left < 0:
            raise too_much_unpacked(self.path)
        with self._errors(), self._zip.open(part) as file:
            yield file

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except markup.MarkupError as error:
            raise damaged(self.path, str(error)) from error
        except _TROUBLE as error:
            raise damaged(self.path, "it is cut off or changed") from error
        except OSError as error:
            if error.errno != errno.EINVAL:  # which is a part said to begin before the file does
                raise
            raise damaged(self.path, "it is cut off or changed") from error


def relative(base: str, target: str) -> str:
    """The name of the part that `target` means when it stands in the part `base`.

    As in a browser, nothing leads above the root.
    """
    return posixpath.normpath(posixpath.join("/", posixpath.dirname(base), target)).lstrip("/")


def needs_password(path: Path) -> NeedsPassword:
    return NeedsPassword(
        str(path), f"{path.name} needs a password.", "Save a copy without a password and add that."
    )


def damaged(path: Path, why: str) -> Damaged:
    return Damaged(
        str(path),
        f"{path.name} is damaged: {why}.",
        "Open and save it again with the program that made it, and add that.",
    )
