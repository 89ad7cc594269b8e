"""A page of a document as it can be shown: drawn from its file, or its stored text set plainly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rag.catalog.connection import Catalog
from rag.errors import LoadError
from rag.ingest import source
from rag.loaders.worker import ReaderProcess
from rag.paths import Home
from rag.text import CELL, table_above
from rag.types import Document, Unit

_CHANGED = "The file has changed or is gone since it was read; this is its stored text."
_DRAWN_FROM_FILE = {"pdf", "image"}


@dataclass(frozen=True, slots=True)
class PagePicture:
    """A unit as it can be shown: a PNG with the quote marked, or why there is only its text.

    `of_file`: it is the page as it looks, not a plain rendering of its text. `reason`: why it is not,
    or why there is no picture. `columns`: the header row of the table that the quote is in, if any.
    """

    unit: Unit
    png: bytes | None
    of_file: bool = False
    reason: str | None = None
    columns: str | None = None


def drawn(
    catalog: Catalog,
    home: Home,
    reader: ReaderProcess,
    document: Document,
    unit: Unit,
    span: tuple[int, int] | None,
    dpi: int,
) -> PagePicture:
    """A page with a span of its text marked.

    PDF pages and images are drawn from their file, if it still is what was read; of everything else,
    and of files that have changed, the stored text is.
    """
    reason, spans = None, [span] if span else []
    if document.format in _DRAWN_FROM_FILE:
        try:
            with source.opened(catalog, home, reader, document) as path:
                if path is not None:
                    return PagePicture(unit, reader.render(path, unit, spans, dpi), of_file=True)
            reason = _CHANGED
        except LoadError as error:
            reason = error.message
    return _of_text(reader, document, unit, spans, dpi, reason)


def _of_text(
    reader: ReaderProcess,
    document: Document,
    unit: Unit,
    spans: Sequence[tuple[int, int]],
    dpi: int,
    reason: str | None,
) -> PagePicture:
    """The stored text of a unit as a picture, where there are fonts for it."""
    above = (*unit.headings, *table_above(unit.text, spans[0][0] if spans else 0))
    columns = next((heading for heading in reversed(above) if CELL in heading), None)
    try:
        png = reader.draw(Path(document.name), unit, spans, dpi)
    except LoadError as error:
        return PagePicture(unit, None, reason=reason or error.message, columns=columns)
    return PagePicture(unit, png, reason=reason, columns=columns)
