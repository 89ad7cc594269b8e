"""Forgetting documents: one transaction, after which nothing of them is found."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from rag.catalog import chunks, documents, recognitions
from rag.catalog.connection import Catalog
from rag.ingest.discover import UPLOAD
from rag.locks import WriterLock
from rag.paths import Home
from rag.types import Document, FileResult

_WAITING = 24 * 60 * 60  # seconds


def remove(
    catalog: Catalog, home: Home, lock: WriterLock, gone: Sequence[Document]
) -> list[FileResult]:
    """Remove documents, their text and vectors; our copy of an upload goes, a user's file never.

    The caller lets the indexes follow; until then every hit is checked against the catalog.
    """
    if not gone:
        return []
    with catalog.write(lock) as db:
        sequence = chunks.next_sequence(db)
        for document in gone:
            chunks.remove(db, document.id, sequence)
            documents.delete(db, document.id)
        recognitions.sweep(db)
    discard_uploads(catalog, home, gone)
    return [FileResult(d.path, "removed", d.id, container=d.container) for d in gone]


def discard_uploads(catalog: Catalog, home: Home, former: Sequence[Document]) -> None:
    """Remove our copies of the uploads among documents or versions that are no longer live."""
    _discard(catalog, home, {d.sha256 for d in former if d.path.startswith(UPLOAD) and d.sha256})


def sweep_uploads(catalog: Catalog, home: Home) -> None:
    """Remove copies of uploads that no document has: left by a kill, or refused. Those of the last day
    may wait for their turn.
    """
    if home.uploads.is_dir():
        before = time.time() - _WAITING
        _discard(catalog, home, {e.name for e in os.scandir(home.uploads) if _is_older(e, before)})


def _is_older(entry: os.DirEntry[str], moment: float) -> bool:
    try:
        return entry.is_file() and entry.stat().st_mtime < moment
    except OSError:  # gone meanwhile: the half of an upload that is whole now
        return False


def _discard(catalog: Catalog, home: Home, copies: set[str]) -> None:
    if copies:
        with catalog.read() as db:
            copies -= documents.hashes(db)
        for name in copies:
            (home.uploads / name).unlink(missing_ok=True)
