"""The order in which a PDF page is read: column by column where pdfium reads across columns.

pdfium keeps the order in which a page was drawn, but what is drawn on one height it takes for one
line. So a page that was drawn row by row, or whose columns share lines, has lines that run from one
column into the next. Those are cut at the gap, and what stands in one column is brought together.

Careful on purpose: tables are drawn in just that way, and have to stay as they are. A page is
touched only if several lines are cut at the same place and what stands on both sides is prose: long
lines, many of which go on in lower case.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise

from rag.loaders.pdf_lines import GAP, Line, Places, parts_of

PROBED = 8
FEWEST = 3
"""Lines that are cut at the same place; fewer are a coincidence."""
LONG = 18
"""Characters that lines of prose have on average, at least."""
RUNS_ON = 0.35
"""Share of the lines of prose that begin in lower case."""
COLUMNS = 3

_WORDS = re.compile(r"[^\W\d_]{2,}")
Gap = tuple[float, float]


def in_reading_order(text: str, lines: Sequence[Line], places: Places) -> Sequence[Line]:
    """The same lines, or their parts, column by column; `lines` itself where they need no change."""
    if not _may_interleave(text, lines, places):
        return lines
    cut = [parts_of(text, line, places) for line in lines]
    gutters = _gutters(text, cut)
    if not gutters:
        return lines
    ordered: list[Line] = []
    parts = [part for line in cut for part in line]
    for crosses, group in groupby(parts, key=lambda part: _column(part, gutters) is None):
        together = list(group)
        ordered += together if crosses else _by_column(text, together, gutters)
    return lines if ordered == parts else ordered


def _may_interleave(text: str, lines: Sequence[Line], places: Places) -> bool:
    """Whether a closer look is worth its time: long lines have gaps, or columns take turns."""
    if len(lines) < 2 * FEWEST:
        return False
    longest = sorted(lines, key=lambda line: line.start - line.end)[: len(lines) // 2]
    probed = {*longest[:PROBED], *longest[:: max(1, len(longest) // PROBED)]}
    if sum(bool(_gaps(text, parts_of(text, line, places))) for line in probed) > 1:
        return True
    turns = sum(_gap(one, other) is not None for one, other in pairwise(lines))
    return turns >= FEWEST


def _gap(one: Line, other: Line) -> Gap | None:
    """What lies between two lines that stand side by side."""
    a, b = sorted((one.box, other.box))
    side_by_side = abs(a.bottom - b.bottom) < one.size
    return (a.right, b.left) if side_by_side and b.left - a.right > GAP * one.size else None


def _gutters(text: str, cut: Sequence[Sequence[Line]]) -> list[float]:
    """Where the most gaps between prose lie above one another, from left to right."""
    parts = [part for line in cut for part in line]
    gaps = _gaps(text, parts)
    gutters: list[float] = []
    while len(gutters) < COLUMNS - 1 and gaps:
        best = max((right - 1 for _, right in gaps), key=lambda x: _count(x, gaps))
        crossing = _count(best, ((part.box.left, part.box.right) for part in parts))
        if _count(best, gaps) < (max(FEWEST, crossing) if gutters else FEWEST):
            break
        gutters.append(best)
        gaps = [gap for gap in gaps if not gap[0] <= best <= gap[1]]
    return sorted(gutters)


def _gaps(text: str, parts: Sequence[Line]) -> list[Gap]:
    """The gaps between parts of which both are prose."""
    return [
        gap
        for one, other in pairwise(parts)
        if (gap := _gap(one, other)) and _is_prose(text, one) and _is_prose(text, other)
    ]


def _count(x: float, gaps: Iterable[Gap]) -> int:
    return sum(left <= x <= right for left, right in gaps)


def _is_prose(text: str, line: Line) -> bool:
    shown = text[line.start : line.end].strip()
    words = _WORDS.findall(shown)
    return len(words) > 1 and sum(map(len, words)) > 0.6 * len(shown.replace(" ", ""))


def _column(line: Line, gutters: Sequence[float]) -> int | None:
    """The column in which a line stands; None if it crosses a gutter."""
    left = sum(line.box.left + 1 > gutter for gutter in gutters)
    right = sum(line.box.right - 1 > gutter for gutter in gutters)
    return left if left == right else None


def _by_column(text: str, parts: Sequence[Line], gutters: Sequence[float]) -> Sequence[Line]:
    """Lines between two that cross, brought together by column if they are prose taking turns."""
    columns = [[p for p in parts if _column(p, gutters) == c] for c in range(len(gutters) + 1)]
    filled = [column for column in columns if column]
    turns = sum(_column(one, gutters) != _column(other, gutters) for one, other in pairwise(parts))
    if turns < 2 * FEWEST - 1 or not all(_runs_on(text, column) for column in filled):
        return parts
    return [part for column in columns for part in column]


def _runs_on(text: str, column: Sequence[Line]) -> bool:
    """Whether a column reads like prose."""
    shown = [text[line.start : line.end].strip() for line in column]
    long = sum(map(len, shown)) >= LONG * len(shown)
    return long and sum(line[:1].islower() for line in shown) >= RUNS_ON * len(shown)
