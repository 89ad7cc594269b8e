"""Forgetting documents: one transaction, after which nothing of them is found."""

from __future__ import annotations

from collections.abc import Sequence

from rag.catalog import chunks, documents, recognitions
from rag.catalog.connection import Catalog
from rag.ingest.discover import UPLOAD
from rag.locks import WriterLock
from rag.paths import Home
from rag.types import Document, FileResult


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
    copies = {d.sha256 for d in former if d.path.startswith(UPLOAD) and not d.container}
    if copies:
        with catalog.read() as db:
            copies -= {d.sha256 for d in documents.all_documents(db)}
        for sha256 in copies:
            (home.uploads / sha256).unlink(missing_ok=True)
