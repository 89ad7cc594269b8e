"""What to do about each file: pure, from what is there and what the library knows."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

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

    @property
    def files(self) -> int:
        return len(self.load) + len(self.unchanged) + len(self.remove)


def make_plan(
    discovery: Discovery,
    known: Mapping[str, Document],
    under: Iterable[Document],
    is_current: Callable[[Document], bool],
) -> Plan:
    """Decide for each file. `known`: documents by path; `under`: those of the folders of this run;
    `is_current`: whether today's reader and chunker made a document.
    """
    load = []
    unchanged = []
    for file in discovery.files:
        document = known.get(file.path)
        if document is not None and _same(file, document) and is_current(document):
            unchanged.append(document)
        else:
            load.append(file)
    there = {file.path for file in discovery.files}
    blind = [path for path, _ in discovery.unreadable]
    remove = [d for d in under if d.path not in there and not _below_any(d.path, blind)]
    return Plan(tuple(load), tuple(unchanged), tuple(remove), discovery)


def _same(file: Found, document: Document) -> bool:
    return (
        (file.size, file.mtime_ns) == (document.size, document.mtime_ns)
        and not document.stale
        and document.outcome not in TRANSIENT
    )


def _below_any(path: str, folders: Iterable[str]) -> bool:
    return any(
        path == folder or path.startswith(folder.rstrip(os.sep) + os.sep) for folder in folders
    )
