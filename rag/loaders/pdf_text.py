"""The text of one PDF page by pdfium, with the map from stored code points to its characters.

pdfium has two views of a page: its characters, each with a place on the page, and its text, in
UTF-16 units. They are equal on almost every page; where control characters stand in the one and not
in the other, or a code point takes two units, the map is made unit by unit.

Knows nothing of documents, files and pictures.
"""

from __future__ import annotations

import ctypes
import re
from itertools import accumulate
from typing import NamedTuple

import pypdfium2.raw as pdfium  # type: ignore[import-untyped]
from pypdfium2 import PdfPage, PdfTextPage

from rag.loaders.charmap import encode_map
from rag.loaders.cleaning import Piece, clean_with_pieces

_UNREADABLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\uf8ff\ufffd\ufffe\uffff]")


class PageText(NamedTuple):
    """Text as stored, its character map, and the share of it that is no character of a script."""

    text: str
    char_map: bytes
    unreadable: float


def page_text(page: PdfPage) -> PageText:
    """Extract the text of a page. Raises `pypdfium2.PdfiumError` if pdfium cannot load it."""
    textpage = page.get_textpage()
    try:
        count = textpage.count_chars()
        raw = _raw_text(textpage, count)
        text, pieces = clean_with_pieces(raw)
        if len(raw) != count:
            pieces = _as_characters(pieces, _character_indices(textpage, raw))
    finally:
        textpage.close()
    return PageText(text, encode_map(pieces), unreadable_share(raw))


def unreadable_share(text: str) -> float:
    """The share of control, private-use and replacement characters, from 0 to 1."""
    return len(_UNREADABLE.findall(text)) / max(1, len(text))


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


def _as_characters(pieces: list[Piece], indices: list[int]) -> list[Piece]:
    """The pieces with their places in `raw` replaced by character indices, split where those jump.

    Returns none where pdfium's indices do not run forwards: better no highlight than a wrong one.
    """
    split: list[Piece] = []
    end = 0
    for piece in pieces:
        for step in range(piece.length):
            index = indices[piece.source_start + step]
            if index < end:
                return []
            if split and index == end:
                split[-1] = split[-1]._replace(length=split[-1].length + 1)
            else:
                split.append(Piece(piece.text_start + step, index, 1))
            end = index + 1
    return split
