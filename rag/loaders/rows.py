"""Rows of cells, made into units of whole rows that know their header.

Shared by spreadsheets and delimited text. A table starts with a row of names, the first of the file
or one after a blank row; a unit that begins further down has that row among its headings.

Knows nothing of where the rows come from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rag.loaders.cleaning import clean
from rag.loaders.sections import LONGEST_HEADING, shortened
from rag.text import is_header_row
from rag.types import Unit

ROWS = 50
"""Rows of one unit."""
_LONGEST_HEADER = 4 * LONGEST_HEADING


def units(name: str, rows: Iterable[Sequence[str]], first_unit: int = 1) -> Iterator[Unit]:
    """Units of kind `rows`, labelled with the numbers of their rows and the `name` of their sheet.

    Rows are counted from 1, and so are blank ones, which are left out.
    """
    block = _Block(name)
    unit = first_unit
    after_blank = True
    for number, cells in enumerate(rows, 1):
        line = clean(" | ".join(" ".join(cell.split()) for cell in cells)).rstrip(" |")
        if not line.strip(" |"):
            after_blank = True
            continue
        is_header = (after_blank or not block.header) and is_header_row(line)
        if block.full:
            yield block.taken(unit)
            unit += 1
        block.add(number, line, is_header)
        after_blank = False
    if block.lines:
        yield block.taken(unit)


class _Block:
    """The rows of a unit as they come, and the header that goes on from unit to unit."""

    def __init__(self, name: str) -> None:
        self.header = ""
        self.lines: list[str] = []
        self._name = name
        self._header_above = ""
        self._numbers: list[int] = []

    @property
    def full(self) -> bool:
        return len(self._numbers) >= ROWS

    def add(self, number: int, line: str, is_header: bool) -> None:
        if is_header:
            self.header = line
            if self.lines:
                self.lines.append("")
            else:
                self._header_above = ""
        self.lines.append(line)
        self._numbers.append(number)

    def taken(self, unit: int) -> Unit:
        """The unit of the rows so far; the next one begins below the header in force."""
        first, last = self._numbers[0], self._numbers[-1]
        place = f"rows {first}–{last}" if last > first else f"row {first}"
        label = f"{self._name}, {place}" if self._name else place
        above = shortened(self._header_above, _LONGEST_HEADER)
        headings = tuple(heading for heading in (self._name, above) if heading)
        made = Unit(unit, "rows", label, "\n".join(self.lines), headings)
        self.lines, self._numbers, self._header_above = [], [], self.header
        return made
