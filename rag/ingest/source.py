"""The file that a document is, to be looked at once more: a page drawn, or read by OCR."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rag.catalog import documents
from rag.catalog.connection import Catalog
from rag.ingest import members
from rag.ingest.discover import UPLOAD, Found
from rag.paths import Home
from rag.types import Document


@contextmanager
def opened(
    catalog: Catalog, home: Home, reader: members.Source, document: Document
) -> Iterator[Path | None]:
    """The file of a document; a member is taken out of its container. None if it is no longer what
    was read. Raises `LoadError`.
    """
    path = document.container or document.path
    with catalog.read() as db:
        file = documents.by_path(db, path) or document
    upload = home.uploads / file.sha256 if path.startswith(UPLOAD) else None
    found = Found(path, None, 0, 0, elsewhere=upload)
    with ExitStack() as stack:
        for name in members.within(document.path, document.container):
            member = members.taken_out(reader, found, name, home.taken_out)
            found = stack.enter_context(member)
        yield found.location if sha256(found.location) == document.sha256 else None


def sha256(path: Path) -> str | None:
    """The hash of a file, None where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
