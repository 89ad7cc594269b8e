"""Forgetting documents: one transaction, after which nothing of them is found."""

from __future__ import annotations

from collections.abc import Sequence

from rag.catalog import chunks, documents
from rag.catalog.connection import Catalog
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
        still_used = {d.sha256 for d in documents.all_documents(db) if _is_upload(d)}
    for document in gone:
        if _is_upload(document) and document.sha256 not in still_used:
            (home.uploads / document.sha256).unlink(missing_ok=True)
    return [FileResult(d.path, "removed", d.id) for d in gone]


def _is_upload(document: Document) -> bool:
    return document.path.startswith("upload:")
