"""How a library stands: what is in it, how far its indexes are, what is left to do."""

from __future__ import annotations

from dataclasses import dataclass

from rag.catalog import chunks, documents, indexing, recognitions, runs
from rag.catalog.connection import Catalog
from rag.config import Settings
from rag.engine_choice import WriterChoice
from rag.indexes import generations
from rag.indexes.follow import KEYWORD
from rag.ingest.reindex import Outlook, outlook
from rag.loaders import tesseract
from rag.types import Coverage, EmbeddingIdentity


@dataclass(frozen=True, slots=True)
class Status:
    """The library and its engines at a glance."""

    home: str
    coverage: Coverage
    chunks: int
    collections: tuple[str, ...]
    identity: EmbeddingIdentity | None
    unfinished: Outlook | None
    """A re-embedding that was interrupted."""
    former: EmbeddingIdentity | None
    """What a re-embedding can be rolled back to."""
    sequence: int
    keyword_sequence: int
    generation_sequence: int | None
    generation_vectors: int | None
    chat: WriterChoice
    last_run: dict[str, object] | None
    ocr: str | None
    """What reads pictures of text; None: nothing does."""


def status(catalog: Catalog, settings: Settings, chat: WriterChoice) -> Status:
    with catalog.read() as db:
        published = generations.current(db)
        unfinished = indexing.next_identity(db)
        return Status(
            home=str(settings.home),
            coverage=documents.coverage(db),
            chunks=chunks.count(db),
            collections=tuple(documents.collections(db)),
            identity=indexing.identity(db),
            unfinished=outlook(catalog, unfinished) if unfinished else None,
            former=indexing.former_identity(db),
            sequence=chunks.sequence(db),
            keyword_sequence=indexing.watermark(db, KEYWORD),
            generation_sequence=published[-1].commits[1] if published else None,
            generation_vectors=sum(g.vectors for g in published) if published else None,
            chat=chat,
            last_run=runs.last(db),
            ocr=_ocr_engine(),
        )


def unread_pages_advice(catalog: Catalog, settings: Settings) -> str | None:
    """What to do about pages that OCR could read; None where nothing more can be done."""
    with catalog.read() as db:
        unread, untried = documents.coverage(db).pages_unread, recognitions.untried(db)
    if not unread:
        return None
    start = f"{unread:,} page{'s are' if unread > 1 else ' is'} unread for lack of a text layer"
    if tesseract.installed() is None:
        return (
            f"{start}. Tesseract would read them; install it, then run rag ingest again: "
            f"{tesseract.advice()}"
        )
    if settings.ocr_pages == 0:
        return f"{start}: OCR is switched off (ocr_pages = 0)."
    return f"{start}; rag ingest goes on with {untried:,} of them." if untried else None


def _ocr_engine() -> str | None:
    engine = tesseract.installed()
    return f"tesseract {engine.version} ({', '.join(engine.languages)})" if engine else None
