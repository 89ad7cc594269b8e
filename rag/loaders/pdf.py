"""PDF: one unit per page, read by pdfium; by pypdf where pdfium refuses the file or finds no text.

Not read: what stands in pictures (a scanned page `needs_ocr`), in form fields and in annotations. A
text layer whose fonts name the wrong letters looks like text and is read as it stands; only one
full of private-use, control and replacement characters is known to be `garbled`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import pypdfium2.raw as pdfium  # type: ignore[import-untyped]
from pypdfium2 import PdfDocument, PdfiumError, PdfPage

from rag.errors import Damaged, LoadError, NeedsPassword, NoText
from rag.loaders import pdf_second_try
from rag.loaders.cleaning import clean, letters
from rag.loaders.formats import Reading
from rag.loaders.garbled import unreadable_share
from rag.loaders.hyphens import is_divided, words_of
from rag.loaders.limits import MAX_CHARACTERS, MAX_PAGES, too_many_pages, too_much_text
from rag.loaders.pdf_running import running_lines
from rag.loaders.pdf_text import BLANK, RawPage, arranged, page_text, raw_page
from rag.loaders.sections import LONGEST_HEADING, shortened
from rag.types import Unit, UnitState

FEW_LETTERS = 20
"""A page with fewer letters and digits, and something beside text on it, `needs_ocr`."""
GARBLED = 0.2
"""A page is `garbled` if a larger share of its characters belongs to no script."""
SHORTEST_TITLE = 4
LONGEST_LABEL = 20


def read(path: Path) -> Reading:
    """Units of kind `page`, one for each page, each with its state.

    Raises `NeedsPassword`, `Damaged`, `TooLarge`, or `NoText` if all pages are blank.
    """
    try:
        document = open_pdf(path)
    except PdfiumError as error:
        if error.err_code == pdfium.FPDF_ERR_PASSWORD:
            raise needs_password(path) from error
        return _second_reading(path)
    with document:
        if len(document) > MAX_PAGES:
            raise too_many_pages(path, len(document))
        pages, states = _pages(path, document)
        units = _units(document, pages, states)
        title = _title(document, units)
    hidden = sum(page.hidden_characters for page in pages)
    # where pdfium's text is no language, pypdf's is neither; and what nobody sees pypdf reads
    if hidden or any(unit.state == "read" or unit.text for unit in units):
        return Reading(title, units, hidden_characters=hidden)
    try:
        return _second_reading(path, units)
    except LoadError as error:
        if not units:
            raise error from None
        return Reading(title, units)


def open_pdf(path: Path) -> PdfDocument:
    """The document, if the empty password opens it. Raises `pypdfium2.PdfiumError`."""
    return PdfDocument(path)


def needs_password(path: Path) -> NeedsPassword:
    return NeedsPassword(
        str(path), f"{path.name} needs a password.", "Save a copy without a password and add that."
    )


def _pages(path: Path, document: PdfDocument) -> tuple[list[RawPage], list[UnitState]]:
    pages, states = [], []
    characters = 0
    for index in range(len(document)):
        page, state = _page(document, index)
        characters += len(page.text)
        if characters > MAX_CHARACTERS:
            raise too_much_text(path)
        pages.append(page)
        states.append(state)
    return pages, states


def _units(
    document: PdfDocument, pages: Sequence[RawPage], states: Sequence[UnitState]
) -> tuple[Unit, ...]:
    """The pages as they are stored: what runs through the document is known only now."""
    running = running_lines(pages)
    texts = [arranged(page, lines) for page, lines in zip(pages, running, strict=True)]
    divided = any(is_divided(text.text) for text in texts)
    words = words_of(text.text for text in texts) if divided else set()
    units = []
    for index, (page, state) in enumerate(zip(pages, states, strict=True)):
        text, char_map = page_text(page, texts[index], words)
        if state == "read" and running[index] and letters(text, FEW_LETTERS) < FEW_LETTERS:
            state = _without_running_lines(document, index, text)
        label = _label(document, index)
        units.append(Unit(index + 1, "page", label, text, state=state, char_map=char_map))
    return tuple(units)


def _page(document: PdfDocument, index: int) -> tuple[RawPage, UnitState]:
    """One page. One that pdfium cannot load is unread: the others are still worth reading."""
    try:
        page = document[index]
        try:
            raw = raw_page(page)
            text = arranged(raw).text
            return raw, _state(page, text, unreadable_share(text))
        finally:
            page.close()
    except PdfiumError:
        return BLANK, "needs_ocr"


def _without_running_lines(document: PdfDocument, index: int, text: str) -> UnitState:
    """The state of a page that has hardly more text than those."""
    page = document[index]
    try:
        return _state(page, text, 0.0)
    finally:
        page.close()


def _label(document: PdfDocument, index: int) -> str:
    """The page's number, and what is printed on it where the document says that differs."""
    number = str(index + 1)
    printed = clean(document.get_page_label(index)).strip()
    if printed in ("", number) or len(printed) > LONGEST_LABEL:
        return f"page {number}"
    return f"page {number} (labelled {printed})"


def _state(page: PdfPage, text: str, unreadable: float) -> UnitState:
    if unreadable > GARBLED:
        return "garbled"
    found = letters(text, FEW_LETTERS)
    if found == FEW_LETTERS:
        return "read"
    return "needs_ocr" if _has_graphics(page) else "read" if found else "empty"


def _has_graphics(page: PdfPage) -> bool:
    """Whether anything but text is drawn on a page: a title page has few letters and is no scan."""
    return any(thing.type != pdfium.FPDF_PAGEOBJ_TEXT for thing in page.get_objects(max_depth=1))


def _title(document: PdfDocument, units: tuple[Unit, ...]) -> str | None:
    """The title in the metadata, if the first two pages bear it out: many are file names."""
    try:
        title = " ".join(clean(document.get_metadata_value("Title")).split())
    except UnicodeDecodeError:
        return None
    seen = _squeezed("".join(unit.text for unit in islice(units, 2)))
    if letters(title, SHORTEST_TITLE) < SHORTEST_TITLE or _squeezed(title) not in seen:
        return None
    return shortened(title, LONGEST_HEADING)


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text).casefold()


def _second_reading(path: Path, first: tuple[Unit, ...] = ()) -> Reading:
    """What pypdf finds: text without a character map, so these pages have no highlights.

    `first`: what pdfium made of the pages, which stays where pypdf finds no more.
    """
    units = [
        Unit(number, "page", f"page {number}", text, state=_state_of(text))
        for number, text in enumerate(pdf_second_try.page_texts(path), 1)
    ]
    if not any(unit.state == "read" for unit in units):
        raise _no_text(path, units)
    for i, unit in enumerate(first[: len(units)]):
        if units[i].state != "read":
            units[i] = unit
    return Reading(None, tuple(units))


def _state_of(text: str) -> UnitState:
    """Of a page whose drawings are not known: with few letters it may be a scan."""
    if unreadable_share(text) > GARBLED:
        return "garbled"
    return "read" if letters(text, FEW_LETTERS) == FEW_LETTERS else "needs_ocr"


def _no_text(path: Path, units: Sequence[Unit]) -> LoadError:
    if not units:
        return Damaged(str(path), f"{path.name} has no pages.", "Get a whole copy of the file.")
    return NoText(
        str(path), f"No text was found in {path.name}.", "Open it to see whether it is blank."
    )
