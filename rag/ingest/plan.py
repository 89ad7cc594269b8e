"""What to do about each file: pure, from what is there and what the library knows."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from rag.ingest import members
from rag.ingest.discover import Discovery, Found
from rag.types import TRANSIENT, Document


@dataclass(frozen=True, slots=True)
class Plan:
    """One entry for each file of a run. Nothing has been done yet."""

    load: tuple[Found, ...]
    """New, changed, failed the last time, or read by an older reader: to be looked into."""
    unchanged: tuple[Document, ...]
    remove: tuple[Document, ...]
    """Found by an earlier run of a folder of this run and no longer there."""
    discovery: Discovery
    known: Mapping[str, Document]
    """What the library had by path when the plan was made."""
    moved: tuple[Document, ...] = ()
    """Gone as well, but a new file has their very content: it is the same document."""
    moment: tuple[object, ...] = ()
    """Of the library, when the plan was made (catalog/runs.py)."""

    @property
    def files(self) -> int:
        """How many files that is; what is in them is not counted."""
        documents = (*self.unchanged, *self.remove)
        return len(self.load) + sum(document.container is None for document in documents)

    @property
    def emptied(self) -> tuple[str, ...]:
        """Folders in which there is nothing any more of the files that the library has from there:
        another drive may be mounted in their place.
        """
        gone = {document.path for document in self.remove}
        before = {
            folder: [path for path in self.known if _below_any(path, [folder])]
            for folder in (self.discovery.folders if self.remove else ())
        }
        return tuple(
            folder for folder, paths in before.items() if len(paths) > 1 and gone.issuperset(paths)
        )

    def keeping(self, folders: Iterable[str]) -> Plan:
        """The same, but nothing below these folders is removed."""
        left = (d for d in self.remove if not _below_any(d.path, folders))
        return replace(self, remove=tuple(left))


def make_plan(
    discovery: Discovery,
    known: Mapping[str, Document],
    under: Iterable[str],
    is_current: Callable[[Document], bool],
    digest: Callable[[Path], str | None],
) -> Plan:
    """Decide for each file. `known`: documents by path; `under`: paths of those found before in
    the folders of this run; `is_current`: whether today's reader and chunker made a document;
    `digest`: the SHA-256 of a file, None where it cannot be read; asked where a file may have moved.
    """
    load = []
    unchanged: list[Document] = []
    held = members.by_container(known.values())
    for file in discovery.files:
        document = known.get(file.path)
        inside = held.get(file.path, ())
        if (
            document is not None
            and _same(file, document)
            and all(is_settled(d, is_current) for d in (document, *inside))
        ):
            unchanged += [document, *inside]
        else:
            load.append(file)
    there = {file.path for file in discovery.files}
    blind = [path for path, _ in discovery.unreadable]
    before = (known[path] for path in under)
    gone = [d for d in before if not (_file(d) in there or _below_any(_file(d), blind))]
    files_gone = [d for d in gone if d.container is None]
    marks = {(d.size, d.mtime_ns) for d in files_gone}
    new = {
        digest(f.location) for f in load if f.path not in known and (f.size, f.mtime_ns) in marks
    }
    moved = {d.path for d in files_gone if d.sha256 in new}
    return Plan(
        tuple(load),
        tuple(unchanged),
        tuple(d for d in gone if _file(d) not in moved),
        discovery,
        known,
        tuple(d for d in gone if _file(d) in moved),
    )


def is_settled(document: Document, is_current: Callable[[Document], bool]) -> bool:
    """Whether reading an unchanged file again would make no difference."""
    return not document.stale and document.outcome not in TRANSIENT and is_current(document)


def _same(file: Found, document: Document) -> bool:
    return (file.size, file.mtime_ns) == (document.size, document.mtime_ns)


def _file(document: Document) -> str:
    """The path of the file that a document is, or is in."""
    return document.container or document.path


def _below_any(path: str, folders: Iterable[str]) -> bool:
    return any(
        path == folder or path.startswith(folder.rstrip(os.sep) + os.sep) for folder in folders
    )
