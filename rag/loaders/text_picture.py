"""A plain rendering of the stored text of a unit: its lines, its tables in columns, the quote marked.

For what has no pages of its own, and for pages whose file has changed. Of a long unit the part around
the quote is drawn, and that is said. Knows nothing of files and of how the text was read.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from PIL import Image, ImageDraw

from rag.errors import Unsupported
from rag.loaders.fonts import Fonts
from rag.loaders.picture import YELLOW, as_png
from rag.text import CELL, is_header_row
from rag.types import Unit

WIDTH, WIDTH_FIXED, WIDEST = 960, 1140, 2800
"""Pixels at 110 dpi: a page, one of a hundred letters a line, and how wide a table may make it."""
MARGIN = 48
SIZE = 17
LINE = 1.5
"""Height of a line, in sizes of its letters."""
GAP = 26
"""Pixels between two columns."""
NARROWEST = 60
"""Pixels of a column."""
BEFORE, AFTER = 3000, 6000
"""Code points drawn before and after the beginning of the quote."""
MOST_LINES = 150
MOST_MISSING = 0.1
"""Of the letters: with more of them without a font there is no picture."""
INK, GREY = "#1a1a1a", "#767676"

_WORD = re.compile(r"\s*\S+|\s+$")


class Piece(NamedTuple):
    """Some text on one line: where it stands in the unit (-1: a note of ours), and on the page.

    `strong`: a heading, or in the header row of a table.
    """

    start: int
    text: str
    x: float
    strong: bool = False


Line = list[Piece]


def render_text(unit: Unit, name: str, spans: Sequence[tuple[int, int]], dpi: int) -> bytes:
    """A PNG of a unit of the document `name`, the `spans` of its text marked in yellow.

    Raises `Unsupported` where this machine has no fonts for the text.
    """
    page = _Page(unit, dpi / 110)
    shown = unit.text[slice(*page.part(spans))]
    lines = page.lines(spans)
    letters = sum(character.isalnum() for character in shown)
    lacking = sum(character in page.fonts.missing for character in shown)
    if lacking > MOST_MISSING * max(letters, 1):
        raise Unsupported(
            name,
            f"No font of this machine has the letters of {name}: {_named(page.fonts.missing)}.",
            "Install fonts for its script, such as Noto (fonts-noto).",
        )
    return as_png(page.drawn([*page.note(f"{name}, {unit.label}"), [], *lines], spans))


class _Page:
    """Lays out one unit. `scale`: pixels for each at 110 dpi."""

    def __init__(self, unit: Unit, scale: float) -> None:
        self._unit = unit
        self._scale = scale
        fixed = unit.kind in ("lines", "values")
        self.fonts = Fonts(round(SIZE * scale), fixed)
        self._width = (WIDTH_FIXED if fixed else WIDTH) * scale

    @property
    def _room(self) -> float:
        return self._width - 2 * MARGIN * self._scale

    def part(self, spans: Sequence[tuple[int, int]]) -> tuple[int, int]:
        """The part of the text that is drawn: whole lines around the first span."""
        text, at = self._unit.text, spans[0][0] if spans else 0
        start, end = max(0, at - BEFORE), min(len(text), at + AFTER)
        start = text.find("\n", start, at) + 1 or start if start else 0
        end = text.find("\n", end) if end < len(text) else end
        return start, min(len(text), at + 2 * AFTER) if end < 0 else end

    def lines(self, spans: Sequence[tuple[int, int]]) -> list[Line]:
        """The lines of the part, with notes of what is left out before and after it."""
        start, end = self.part(spans)
        laid = list(self._laid(start, end))
        first = 0
        if len(laid) > MOST_LINES:
            marked = (i for i, line in enumerate(laid) if any(_overlap(p, spans) for p in line))
            first = max(0, min(next(marked, 0) - MOST_LINES // 3, len(laid) - MOST_LINES))
        shown = laid[first : first + MOST_LINES]
        if start or first:
            shown = [*self.note("… it begins further up"), *self._header(), *shown]
        if end < len(self._unit.text) or first + MOST_LINES < len(laid):
            shown += self.note("… it goes on")
        if self.fonts.missing:
            missing = _named(self.fonts.missing)
            shown += [[], *self.note(f"Left out, since no font here has it: {missing}")]
        return shown

    def note(self, text: str) -> list[Line]:
        """Lines of ours, of which nothing stands in the unit."""
        return [[piece._replace(start=-1) for piece in line]
                for line in self._wrapped(0, text, 0.0, self._room)]  # fmt: skip

    def _header(self) -> list[Line]:
        """The header row of a table that begins further up, where the unit knows it."""
        headers = [heading for heading in self._unit.headings if CELL in heading]
        return [line for heading in headers for line in self.note(heading)]

    def _laid(self, start: int, end: int) -> Iterator[Line]:
        table: list[tuple[int, str]] = []
        for row in re.finditer(r"[^\n]*\n?", self._unit.text[start:end]):
            place, text = start + row.start(), row.group().rstrip("\n")
            if CELL in text:
                table.append((place, text))
                continue
            yield from self._table(table)
            table = []
            if row.group():
                strong = place == 0 and text in self._unit.headings[-1:]
                yield from self._wrapped(place, text, 0.0, self._room, strong)
        yield from self._table(table)

    def _wrapped(
        self, start: int, text: str, x: float, room: float, strong: bool = False
    ) -> Iterator[Line]:
        """A line in as many as it needs: broken between words, a longer word anywhere."""
        indent = len(text) - len(text.lstrip("\t"))
        start, text = start + indent, text[indent:].replace("\t", " ")
        x += indent * self.fonts.width("    ")
        begin, end = 0, 0
        for word in _WORD.finditer(text):
            for stop in self._stops(text, word.start(), word.end(), room):
                if end > begin and self.fonts.width(text[begin:stop]) > room:
                    yield [Piece(start + begin, text[begin:end], x, strong)]
                    begin = end + len(text[end:stop]) - len(text[end:stop].lstrip())
                end = stop
        yield [Piece(start + begin, text[begin:end], x, strong)]

    def _stops(self, text: str, start: int, end: int, room: float) -> Iterator[int]:
        """Where a line may end in a word: at its end; in one that is too wide, anywhere."""
        if self.fonts.width(text[start:end]) > room:
            yield from range(start + 1, end)
        yield end

    def _table(self, rows: Sequence[tuple[int, str]]) -> Iterator[Line]:
        """Rows with their cells below one another, long cells broken within their column."""
        cells = [list(_cells(place, text)) for place, text in rows]
        natural = [
            max(self.fonts.width(row[i][1]) for row in cells if i < len(row))
            for i in range(max(map(len, cells), default=0))
        ]
        if len(natural) * (NARROWEST + GAP) > WIDEST - 2 * MARGIN:  # more columns than fit any page
            for place, text in rows:
                yield from self._wrapped(place, text, 0.0, self._room)
            return
        gap = GAP * self._scale
        self._width = max(
            self._width,
            min(sum(natural) + gap * len(natural) + 2 * MARGIN * self._scale, WIDEST * self._scale),
        )
        widths = _shared(natural, self._room - gap * len(natural))
        for number, row in enumerate(cells):
            strong = number == 0 and is_header_row(rows[0][1])
            columns, x = [], 0.0
            for (place, text), width in zip(row, widths, strict=False):
                columns.append(list(self._wrapped(place, text, x, width, strong)))
                x += width + gap
            for i in range(max(map(len, columns))):
                yield [piece for column in columns if i < len(column) for piece in column[i]]

    def drawn(self, lines: Sequence[Line], spans: Sequence[tuple[int, int]]) -> Image.Image:
        margin, height = MARGIN * self._scale, SIZE * LINE * self._scale
        size = round(self._width), round(2 * margin + height * len(lines))
        picture = Image.new("RGB", size, "white")
        draw = ImageDraw.Draw(picture)
        for i, line in enumerate(lines):
            top = margin + i * height
            for piece in line:
                for left, right in self._marks(piece, spans):
                    box = (margin + piece.x + left, top, margin + piece.x + right, top + height)
                    draw.rectangle(box, fill=YELLOW)
                place = (margin + piece.x, top + 0.74 * height)
                self.fonts.draw(draw, place, piece.text, INK if piece.start >= 0 else GREY)
                if piece.strong:
                    self.fonts.draw(draw, (place[0] + 0.8, place[1]), piece.text, INK)
        return picture

    def _marks(
        self, piece: Piece, spans: Sequence[tuple[int, int]]
    ) -> Iterator[tuple[float, float]]:
        for start, end in _overlap(piece, spans):
            if any(unicodedata.bidirectional(c) in ("R", "AL") for c in piece.text):
                yield 0.0, self.fonts.width(piece.text)  # letters that run leftwards: all of it
            else:
                yield self.fonts.width(piece.text[:start]), self.fonts.width(piece.text[:end])


def _cells(place: int, row: str) -> Iterator[tuple[int, str]]:
    for cell in row.split(CELL):
        yield place + len(cell) - len(cell.lstrip()), cell.strip()
        place += len(cell) + len(CELL)


def _shared(natural: Sequence[float], room: float) -> list[float]:
    """Widths of columns that fit: narrow ones keep theirs, the wide share what is left."""
    for i, width in enumerate(sorted(natural)):
        most = room / (len(natural) - i)
        if width > most:
            return [min(width, most) for width in natural]
        room -= width
    return list(natural)


def _overlap(piece: Piece, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The parts of a piece that are in spans, as places in the piece."""
    if piece.start < 0:
        return []
    places = [
        (max(start - piece.start, 0), min(end - piece.start, len(piece.text)))
        for start, end in spans
    ]
    return [(start, end) for start, end in places if start < end]


def _named(characters: set[str]) -> str:
    """Some characters, as people can look them up."""
    some = sorted(characters)[:5]
    names = ", ".join(f"{unicodedata.name(c, 'unnamed').title()} (U+{ord(c):04X})" for c in some)
    more = len(characters) - len(some)
    return f"{names} and {more} more" if more else names
