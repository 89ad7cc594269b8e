"""Files within files: the attachments of messages, which are documents of their own.

A member is named `container!member` and taken out into a file of the library's folder for as long
as it is read. It belongs to the file that holds it, however deep within: it is read when that file
is, and goes when that file goes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from rag.errors import LoadError, TooLarge
from rag.ingest.discover import Found
from rag.types import Document

MARK = "!"
DEEPEST = 4
"""Files within one another."""


class Source(Protocol):
    """What gives the content of a member; raises `LoadError`."""

    def member(self, path: Path, name: str) -> bytes: ...


def by_container(documents: Iterable[Document]) -> Mapping[str, Sequence[Document]]:
    """The members among documents, by the path of the file that holds them."""
    found: dict[str, list[Document]] = {}
    for document in documents:
        if document.container is not None:
            found.setdefault(document.container, []).append(document)
    return found


def named(holder: Found, name: str) -> Found:
    """A member of a file, not yet taken out."""
    container = holder.container or holder.path
    return Found(f"{holder.path}{MARK}{name}", holder.root, 0, 0, container)


@contextmanager
def taken_out(source: Source, holder: Found, name: str, folder: Path) -> Iterator[Found]:
    """A member as a file below `folder`, which is removed afterwards.

    Raises `LoadError`: `TooLarge` where it lies too deep, whatever `source` raises, and where the
    file cannot be written.
    """
    member = named(holder, name)
    if len(within(member.path, member.container)) > DEEPEST:
        raise TooLarge(
            member.path,
            f"{name} lies in more than {DEEPEST} files within one another.",
            "Save it as a file of its own and add that.",
        )
    content = source.member(holder.location, name)
    with tempfile.TemporaryDirectory(dir=_made(folder)) as own:
        location = Path(own) / Path(name).name
        try:
            location.write_bytes(content)
            stat = location.stat()
        except OSError as error:
            why = error.strerror or str(error)
            raise LoadError(
                member.path, f"{name} could not be taken out: {why}.", "Make room on the disk."
            ) from error
        yield member._replace(elsewhere=location, size=stat.st_size, mtime_ns=stat.st_mtime_ns)


def within(path: str, container: str | None) -> list[str]:
    """The names that lead from the file that holds a member to it."""
    return path.removeprefix(f"{container}{MARK}").split(MARK) if container else []


def _made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True, mode=0o700)
    return folder
