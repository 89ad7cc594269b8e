"""What OCR made of pages, put in their place; and what to say of a document without text. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rag.errors import NoText
from rag.types import LoadedDocument, Recognition, Unit

LEAST_CONFIDENCE = 45
"""What is less sure than that is noise: the page stays unread, and is not tried again that way."""


def with_recognised(
    loaded: LoadedDocument, recognised: Mapping[int, Recognition]
) -> LoadedDocument:
    """The document with the pages that OCR read; `recognised` by their numbers."""
    units = tuple(_unit(unit, recognised.get(unit.number)) for unit in loaded.units)
    return replace(loaded, units=units)


def _unit(unit: Unit, found: Recognition | None) -> Unit:
    if found is None or found.confidence is None or unit.state not in ("needs_ocr", "garbled"):
        return unit
    if found.text and found.confidence >= LEAST_CONFIDENCE:
        return replace(
            unit,
            text=found.text,
            state="ocr",
            char_map=found.boxes,
            ocr_confidence=found.confidence,
        )
    if found.text or unit.state == "garbled":
        return unit
    return replace(
        unit, state="read" if unit.text.strip() else "empty"
    )  # a picture, no words on it


def unread(path: str, name: str, loaded: LoadedDocument) -> NoText:
    """The error of a document none of whose pages has text."""
    if not loaded.pages_unread:
        return NoText(path, f"{name} has no text.", "There is nothing to search in it.")
    garbled = any(unit.state == "garbled" for unit in loaded.units)
    what = "its text layer is garbled" if garbled else "it is a picture without text (a scan?)"
    return NoText(
        path,
        f"No text was found in {name}: {what}.",
        "Where tesseract is installed, rag ingest reads what it can make out; rag doctor says how.",
    )
