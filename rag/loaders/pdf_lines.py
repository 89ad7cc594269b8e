"""The lines of a PDF page's text as pdfium gives it, each with its place on the page as shown.

A line's place is known from the boxes of its first and last letter: a box for every character would
cost more than the text. Knows nothing of documents and of what lines mean.
"""

from __future__ import annotations

import ctypes
import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from pypdfium2 import PdfPage, PdfTextPage  # type: ignore[import-untyped]

from rag.loaders import pdfium_calls as calls
from rag.loaders.hyphens import HYPHEN

GAP = 0.9
"""Of the height of the font: words of one line stand nearer to one another."""
OUTERMOST = 5

_UNSEEN = HYPHEN + " \t\r\n\xa0\x00\x02\x03"
_SPACE = re.compile(r"(?<=\S)[ \xa0]+(?=\S)")
_LINE = re.compile(f"[^\r\n{HYPHEN}]*(?:{HYPHEN}(?:\r?\n)?|\r?\n|\r)|[^\r\n{HYPHEN}]+")
_TURNS = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}


class Box(NamedTuple):
    """In points, upwards, as the page is shown; only differences mean anything."""

    left: float
    bottom: float
    right: float
    top: float


class Line(NamedTuple):
    """A line, or a part of one: its span with its line end, what its letters cover, their height.

    `size` is the height of the font, whatever the letters are. `cells`: how many parts wide gaps cut
    it into, where that was looked at: in the lines next to the edges of a page.
    """

    start: int
    end: int
    box: Box
    size: float
    cells: int = 1


class Places:
    """Where the characters of a page's text stand; `indices`: pdfium's, where they differ."""

    def __init__(self, page: PdfPage, textpage: PdfTextPage, indices: Sequence[int] | None) -> None:
        self._textpage = calls.handle(textpage.raw)
        self._indices = indices
        self._turn = _TURNS.get(page.get_rotation())
        self._box = (ctypes.c_double * 4)()
        self._box_out = [ctypes.addressof(self._box) + 8 * i for i in range(4)]
        self._loose = (ctypes.c_float * 4)()
        self._loose_out = ctypes.addressof(self._loose)
        self.page = self._turned(*page.get_bbox())

    def box(self, position: int) -> Box:
        """The box of a letter. Without extent: it is not drawn."""
        calls.get_char_box(self._textpage, self._index(position), *self._box_out)
        left, right, bottom, top = self._box
        if self._turn is None:
            return Box(left, bottom, right, top)
        return self._turned(left, bottom, right, top)

    def distance(self, position: int, following: int) -> float:
        """How far to the right of one letter another begins."""
        if self._turn:
            return self.box(following).left - self.box(position).right
        calls.get_char_box(self._textpage, self._index(position), *self._box_out)
        right = self._box[1]
        calls.get_char_box(self._textpage, self._index(following), *self._box_out)
        return self._box[0] - right

    def size(self, position: int) -> float:
        calls.get_loose_char_box(self._textpage, self._index(position), self._loose_out)
        left, top, right, bottom = self._loose
        if self._turn is None:
            return top - bottom
        box = self._turned(left, bottom, right, top)
        return box.top - box.bottom

    def _index(self, position: int) -> int:
        return position if self._indices is None else self._indices[position]

    def _turned(self, left: float, bottom: float, right: float, top: float) -> Box:
        if self._turn is None:
            return Box(left, bottom, right, top)
        a, b, c, d = self._turn
        xs = sorted((a * left + b * bottom, a * right + b * top))
        ys = sorted((c * left + d * bottom, c * right + d * top))
        return Box(xs[0], ys[0], xs[1], ys[1])


def lines(text: str, places: Places) -> tuple[Line, ...]:
    """The lines in which anything is to be seen, in the order of the text."""
    found = []
    for match in _LINE.finditer(text):
        start, end = match.span()
        if line := part(text, start, end, places):
            found.append(line)
    heights = sorted(line.box.bottom for line in found)
    inner = {*heights[OUTERMOST:-OUTERMOST]}
    return tuple(
        line if line.box.bottom in inner else line._replace(cells=len(parts_of(text, line, places)))
        for line in found
    )


def part(text: str, start: int, end: int, places: Places) -> Line | None:
    """The part of a line that a span is; None where nothing is to be seen in it."""
    shown = text[start:end].rstrip(_UNSEEN)
    last = start + len(shown) - 1
    first = last + 1 - len(shown.lstrip(_UNSEEN))
    if first > last:
        return None
    left, bottom, right, top = places.box(first)
    a, b, c, d = places.box(last)
    box = Box(min(left, a), min(bottom, b), max(right, c), max(top, d))
    return Line(start, end, box, places.size(first))


def parts_of(text: str, line: Line, places: Places) -> list[Line]:
    """A line cut where its words stand far apart, or jump back; itself where it is not cut."""
    parts = []
    start = line.start
    gap, back = GAP * line.size, -2 * line.size
    for match in _SPACE.finditer(text, line.start, line.end):
        after = match.end()
        distance = places.distance(match.start() - 1, after)
        if distance > gap or (distance < back and not _is_from_the_right(text[after])):
            parts.append(part(text, start, after, places))
            start = after
    if start == line.start:
        return [line]
    parts.append(part(text, start, line.end, places))
    return [piece for piece in parts if piece]


def _is_from_the_right(character: str) -> bool:
    return unicodedata.bidirectional(character) in ("R", "AL", "AN")
