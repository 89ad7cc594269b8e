"""The text of one PDF page by pdfium, with the map from stored code points to its characters.

pdfium has two views of a page: its characters, each with a place on the page, and its text, in
UTF-16 units. They are equal on almost every page; where control characters stand in the one and not
in the other, or a code point takes two units, the map is made unit by unit.

Three steps, as what belongs to a page's text is known only when all pages are: `raw_page` asks pdfium,
`arranged` leaves lines out, `page_text` makes what is stored. Knows nothing of files and pictures.
"""

from __future__ import annotations

import ctypes
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import accumulate, groupby, pairwise
from typing import NamedTuple

import pypdfium2.raw as pdfium  # type: ignore[import-untyped]
from pypdfium2 import PdfPage, PdfTextPage

from rag.loaders.charmap import encode_map
from rag.loaders.cleaning import Piece, clean_with_pieces
from rag.loaders.hyphens import HYPHEN, mended
from rag.loaders.pdf_columns import in_reading_order
from rag.loaders.pdf_hidden import hidden_characters
from rag.loaders.pdf_lines import Box, Line, Places, lines

Span = tuple[int, int]


class RawPage(NamedTuple):
    """A page as pdfium has it.

    `indices`: pdfium's character for each code point of `text`; None: the same numbers; empty: it is
    not to be told. `lines` are those that are seen, in reading order; `hidden` are the spans of what
    nobody sees.
    """

    text: str
    indices: Sequence[int] | None
    lines: Sequence[Line]
    hidden: Sequence[Span]
    edges: Box

    @property
    def hidden_characters(self) -> int:
        """How many characters nobody sees, white space not counted."""
        return sum(len("".join(self.text[start:end].split())) for start, end in self.hidden)


BLANK = RawPage("", None, (), (), Box(0.0, 0.0, 0.0, 0.0))
"""A page without text."""


class Arranged(NamedTuple):
    """The text of a page in reading order, and the pieces of its raw text that it consists of."""

    text: str
    pieces: Sequence[Piece]


class PageText(NamedTuple):
    """Text as it is stored, and its character map."""

    text: str
    char_map: bytes


def raw_page(page: PdfPage) -> RawPage:
    """Ask pdfium for a page. Raises `pypdfium2.PdfiumError` if that cannot load it."""
    textpage = page.get_textpage()
    try:
        count = textpage.count_chars()
        text = _raw_text(textpage, count)
        indices = None if len(text) == count else _character_indices(textpage, text)
        hidden = _hidden_spans(text, indices, hidden_characters(page, textpage))
        places = Places(page, textpage, indices)
        if indices and any(one >= other for one, other in pairwise(indices)):
            return RawPage(text, (), (), hidden, places.page)
        found = _seen(lines(text, places), hidden)
        return RawPage(text, indices, in_reading_order(text, found, places), hidden, places.page)
    finally:
        textpage.close()


def arranged(page: RawPage, dropped: Collection[Line] = ()) -> Arranged:
    """The text of a page without some of its lines, and without what nobody sees."""
    cuts = sorted([*((line.start, line.end) for line in dropped), *page.hidden])
    starts = {line.start for line in page.lines}
    parts: list[str] = []
    pieces: list[Piece] = []
    written = 0
    for start, end in _spans(page):
        for low, high in _without(start, end, cuts):
            if parts and low in starts and not parts[-1].endswith(("\n", HYPHEN)):
                parts.append("\n")
                written += 1
            parts.append(page.text[low:high])
            pieces.append(Piece(written, low, high - low))
            written += high - low
    return Arranged("".join(parts), pieces)


def page_text(page: RawPage, arranged: Arranged, words: Collection[str]) -> PageText:
    """What is stored of a page; `words`: those of the document, for the ends of lines."""
    text, pieces = clean_with_pieces(mended(arranged.text, words))
    if page.indices == ():  # better no highlight than a wrong one
        return PageText(text, b"")
    return PageText(text, encode_map(_as_characters(_through(pieces, arranged), page.indices)))


def _raw_text(textpage: PdfTextPage, count: int) -> str:
    """The page's text as pdfium gives it, lone surrogates included.

    Done here and not by `get_text_range`, which recurses once for each leading character that is
    not in the text.
    """
    has_text = (i for i in range(count) if _text_index(textpage, i) >= 0)
    first = next(has_text, None)
    if first is None:
        return ""
    last = next(i for i in range(count - 1, -1, -1) if _text_index(textpage, i) >= 0)
    units = _text_index(textpage, last) + 1 - _text_index(textpage, first)
    buffer = (ctypes.c_ushort * (max(units, last - first + 1) + 1))()
    written = pdfium.FPDFText_GetText(textpage, first, last - first + 1, buffer)
    return bytes(buffer)[: 2 * (written - 1)].decode("utf-16-le", "surrogatepass")


def _text_index(textpage: PdfTextPage, character: int) -> int:
    return int(pdfium.FPDFText_GetTextIndexFromCharIndex(textpage, character))


def _character_indices(textpage: PdfTextPage, raw: str) -> list[int]:
    """pdfium's character index of every code point of `raw`."""
    widths = (1 + (ord(character) > 0xFFFF) for character in raw)
    units = list(accumulate(widths, initial=0))[:-1]
    return [pdfium.FPDFText_GetCharIndexFromTextIndex(textpage, unit) for unit in units]


def _hidden_spans(
    text: str, indices: Sequence[int] | None, characters: Collection[int]
) -> list[Span]:
    """The spans of hidden characters, with the white space between and before them."""
    if not characters:
        return []
    numbers = range(len(text)) if indices is None else indices
    hidden = [place for place, number in enumerate(numbers) if number in characters]
    spans: list[Span] = []
    for place in hidden:
        if spans and not text[spans[-1][1] : place].strip():
            spans[-1] = spans[-1][0], place + 1
        else:
            spans.append((place, place + 1))
    return [_with_white_space(text, *span) for span in spans]


def _with_white_space(text: str, start: int, end: int) -> Span:
    """The span of a line of its own takes its line end along."""
    if start == 0 or text[start - 1] == "\n":
        end += len(text) - end - len(text[end:].lstrip("\r\n "))
    return start, end


def _seen(lines: Sequence[Line], hidden: Sequence[Span]) -> Sequence[Line]:
    """The lines that are not hidden as a whole."""
    if not hidden:
        return lines
    return [
        line
        for line in lines
        if not any(start <= line.start and line.end <= end for start, end in hidden)
    ]


def _spans(page: RawPage) -> list[Span]:
    """The spans of the raw text in reading order: one where that is pdfium's own."""
    if all(one.start < other.start for one, other in pairwise(page.lines)):
        return [(0, len(page.text))]
    spans: list[Span] = []
    for line in page.lines:
        if spans and spans[-1][1] == line.start:
            spans[-1] = spans[-1][0], line.end
        else:
            spans.append((line.start, line.end))
    return spans


def _without(start: int, end: int, cuts: Iterable[Span]) -> Iterator[Span]:
    """What is left of a span."""
    for low, high in cuts:
        if low < end and high > start:
            if start < low:
                yield start, low
            start = max(start, high)
    if start < end:
        yield start, end


def _through(pieces: Iterable[Piece], arranged: Arranged) -> Iterator[Piece]:
    """Pieces of an arranged text as pieces of the raw one."""
    outer = iter(arranged.pieces)
    current = next(outer, None)
    for text_start, source_start, length in pieces:
        end = source_start + length
        while current:
            low = max(source_start, current.text_start)
            high = min(end, current.text_start + current.length)
            if low < high:
                shift = current.source_start - current.text_start
                yield Piece(text_start + low - source_start, low + shift, high - low)
            if current.text_start + current.length > end:
                break
            current = next(outer, None)


def _as_characters(pieces: Iterable[Piece], indices: Sequence[int] | None) -> Iterator[Piece]:
    """The pieces with their places in the raw text replaced by pdfium's, split where those jump."""
    for piece in pieces:
        if indices is None:
            yield piece
            continue
        places = range(piece.length)
        start = piece.source_start
        for _, run in groupby(places, key=lambda place: indices[start + place] - place):
            steps = list(run)
            yield Piece(piece.text_start + steps[0], indices[start + steps[0]], len(steps))
