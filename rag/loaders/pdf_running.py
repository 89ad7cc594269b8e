"""Running headers and footers of a PDF: lines that come again, page after page, at the same place.

A line runs if it has the same words, up to the number of the page, at the same distance from the edge
on many pages in a row, and if only running lines and a wide gap part it from the edge and the text. So
the header row of a table stays, which stands close to its table on every page. What is set larger than
the text, as titles of slides are, has to stand on most pages of the document. A running line with
words stays where it stands first: a name or a mark may be said nowhere else.

Knows nothing of pdfium.
"""

from __future__ import annotations

import re
import statistics
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from rag.loaders.pdf_lines import Box, Line
from rag.loaders.pdf_text import RawPage

FEWEST_PAGES = 3
"""A line that comes again on fewer does not run; from a document as short nothing is removed."""
DENSITY = 0.4
"""Share of the pages, from the first with such a line to the last: left and right pages may differ."""
ROWS = 4
"""How deep running lines may be stacked at an edge."""
SAME_PLACE = 6.0
"""Points."""
WIDE_GAP = 1.25
"""Times the usual distance between lines."""
LARGER = 1.1
MUCH_LARGER = 1.5
"""Times the size of the text."""
MOST_PAGES = 0.6
LONG = 30
LONGEST = 200
"""Characters of a line of text, and of one that may run."""
MOST_NUMBERS = 8

_NUMBER = re.compile(r"\d{1,6}")
_PAGE_NUMBER = re.compile(r"#-?\d+")
_ROMAN = re.compile(r"[ivxlc]{1,7}")
_ROMAN_DIGITS = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}
Row = list[Line]


class _Edge(NamedTuple):
    """The rows next to one edge of a page, from the edge on; `gaps` are those that follow them."""

    page: int
    name: str
    rows: Sequence[Row]
    gaps: Sequence[bool]


class _Candidate(NamedTuple):
    page: int
    line: Line
    distance: float


def running_lines(pages: Sequence[RawPage]) -> list[set[Line]]:
    """The lines of each page that are to be left out."""
    found: list[set[Line]] = [set() for _ in pages]
    if len(pages) <= FEWEST_PAGES:
        return found
    size = _text_size(pages)
    edges = [edge for number, page in enumerate(pages) for edge in _edges(number, page, size)]
    groups = _groups(pages, edges, size)
    outside = _outside(edges, {(c.page, c.line) for _, group in groups for c in group})
    for key, group in groups:
        if 2 * sum((c.page, c.line) in outside for c in group) > len(group):
            first = any(map(str.isalpha, key))
            for candidate in group[first:]:
                found[candidate.page].add(candidate.line)
    return found


def _text_size(pages: Sequence[RawPage]) -> float:
    """The size of most of a document's text."""
    every = [(line.size, line.end - line.start) for page in pages for line in page.lines]
    long = [size for size, length in every if length > LONG]
    return statistics.median(long or [size for size, _ in every] or [0.0])


def _edges(number: int, page: RawPage, size: float) -> Iterator[_Edge]:
    """The top and the bottom of a page, and what is written upwards along its sides."""
    rows = _rows([line for line in page.lines if not _is_vertical(line)])
    steps = [one[0].box.bottom - other[0].box.bottom for one, other in pairwise(rows)]
    usual = min(statistics.median(steps), 2 * size) if steps else 0.0
    gaps = [step > WIDE_GAP * usual for step in steps]
    yield _Edge(number, "top", rows[:ROWS], [*gaps[:ROWS], True][: min(ROWS, len(rows))])
    yield _Edge(
        number, "bottom", rows[::-1][:ROWS], [*gaps[::-1][:ROWS], True][: min(ROWS, len(rows))]
    )
    for line in page.lines:
        if _is_vertical(line):
            yield _Edge(number, "side", [[line]], [True])


def _is_vertical(line: Line) -> bool:
    box = line.box
    return box.top - box.bottom > 4 * max(line.size, box.right - box.left)


def _rows(lines: Sequence[Line]) -> list[Row]:
    """Lines by the height at which they stand, from the top."""
    rows: list[Row] = []
    for line in sorted(lines, key=lambda line: -line.box.bottom):
        if rows and rows[-1][0].box.bottom - line.box.bottom < 0.4 * line.size:
            rows[-1].append(line)
        else:
            rows.append([line])
    return rows


def _groups(
    pages: Sequence[RawPage], edges: Sequence[_Edge], size: float
) -> list[tuple[str, list[_Candidate]]]:
    """Lines that come again, by what is the same in them."""
    by_key: dict[tuple[str, str], list[_Candidate]] = defaultdict(list)
    for edge in edges:
        page = pages[edge.page]
        for line in (line for row in edge.rows for line in row):
            candidate = _Candidate(edge.page, line, _distance(edge.name, line.box, page.edges))
            for key in _keys(page.text[line.start : line.end], edge.page):
                by_key[edge.name, key].append(candidate)
    groups = ((key, _repeated(key, group, len(pages), size)) for (_, key), group in by_key.items())
    return [(key, group) for key, group in groups if group]


def _distance(edge: str, box: Box, page: Box) -> float:
    if edge == "side":
        return box.left - page.left
    return page.top - box.bottom if edge == "top" else box.bottom - page.bottom


def _repeated(key: str, group: Sequence[_Candidate], pages: int, size: float) -> list[_Candidate]:
    """Those of a group that stand at the same place, if they are many enough; by page."""
    if len(group) < FEWEST_PAGES:
        return []
    middle = statistics.median(candidate.distance for candidate in group)
    same = [c for c in group if abs(c.distance - middle) <= SAME_PLACE]
    if _PAGE_NUMBER.fullmatch(key):  # it follows the text of its page up
        same = list(group)
    on = len({candidate.page for candidate in same})
    if on < FEWEST_PAGES or on < DENSITY * (same[-1].page - same[0].page + 1):
        return []
    large = statistics.median(candidate.line.size for candidate in same)
    most = on > MOST_PAGES * pages
    if large > (MUCH_LARGER if most else LARGER) * size:
        return []
    cells = statistics.median(candidate.line.cells for candidate in same)
    is_table = "#" not in key and cells > (2 if most else 1)
    return [] if is_table else same


def _outside(edges: Sequence[_Edge], repeated: set[tuple[int, Line]]) -> set[tuple[int, Line]]:
    """The repeated lines that a wide gap parts from the text, with but such lines outside it."""
    found: set[tuple[int, Line]] = set()
    for page, _, rows, gaps in edges:
        run: list[Line] = []
        for row, gap in zip(rows, gaps, strict=True):
            again = [line for line in row if (page, line) in repeated]
            run += again
            if gap:
                found.update((page, line) for line in run)
            if len(again) < len(row):
                break
    return found


def _keys(text: str, page: int) -> set[str]:
    """What may be the same in a line on every page: its words, its numbers less that of the page."""
    line = " ".join(text.split()).casefold()
    if len(line) > LONGEST:
        return set()
    keys = {line} if len(line) > 1 else set()
    numbers = list(_NUMBER.finditer(line))
    if 0 < len(numbers) <= MOST_NUMBERS:
        keys.update(_less(line, [number], page) for number in numbers)
        keys.update(_less(line, numbers, step * page) for step in (1, 2))  # 2: of a spread
    elif _ROMAN.fullmatch(line):
        keys.add(f"#{_roman(line) - page}")
    return keys


def _less(line: str, numbers: Sequence[re.Match[str]], page: int) -> str:
    """A line with some of its numbers less that of the page."""
    for number in reversed(numbers):
        line = f"{line[: number.start()]}#{int(number.group()) - page}{line[number.end() :]}"
    return line


def _roman(text: str) -> int:
    digits = [_ROMAN_DIGITS[letter] for letter in text]
    return sum(-a if a < b else a for a, b in pairwise([*digits, 0]))
