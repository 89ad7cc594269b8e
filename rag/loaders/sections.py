"""Lines of text under headings, made into one unit per heading section; and other shared forms.

Shared by the formats that have headings, tables or slides. Knows nothing of their syntax.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator, Sequence

from rag.loaders.cleaning import clean
from rag.types import Unit, UnitState

LONGEST_HEADING = 160
"""Code points of a heading kept in the heading path; its line in the text is never cut."""
LONGEST = 20_000
"""Code points of a section, about ten pages; a longer one is cut into parts."""
_FIRST_WORDS = 60  # code points
BEGINNING = "beginning"
"""Label of the text before the first heading."""


class Sections:
    """Collects headings and lines in reading order; `units()` gives the sections."""

    def __init__(self) -> None:
        self._path: list[tuple[int, str]] = []
        self._lines: list[str] = []
        self._units: list[Unit] = []
        self.first_h1: str | None = None

    def heading(self, level: int, text: str) -> None:
        """Start a section under a heading of `level` 1 to 6."""
        text = " ".join(clean(text).split())
        if not text:
            return
        self._close()
        if level == 1 and self.first_h1 is None:
            self.first_h1 = text
        self._path = [entry for entry in self._path if entry[0] < level]
        self._path.append((level, shortened(text, LONGEST_HEADING)))
        self._lines = [text, ""]

    def line(self, text: str) -> None:
        """Add one line, or several separated by line ends; an empty one ends a paragraph."""
        self._lines.append(clean(text))

    def take(self, line: str | tuple[int, str]) -> None:
        """Add a line, or a heading given as its level and text."""
        if isinstance(line, str):
            self.line(line)
        else:
            self.heading(*line)

    def units(self) -> tuple[Unit, ...]:
        """The sections so far, numbered from 1, without those with neither heading nor text."""
        self._close()
        return tuple(self._units)

    def _close(self) -> None:
        text = re.sub(r"\n{3,}", "\n\n", "\n".join(self._lines)).strip("\n")
        self._lines = []
        if not text.strip():
            return
        headings = tuple(heading for _, heading in self._path)
        label = " › ".join(headings) or BEGINNING
        for part, piece in enumerate(_pieces(text), 1):
            place = f"{label} (part {part})" if part > 1 else label
            self._units.append(Unit(len(self._units) + 1, "section", place, piece, headings))


def _pieces(text: str) -> Iterator[str]:
    """A text in parts of at most LONGEST characters, cut between paragraphs, else between lines.

    Which of them begins the next part is told by its own first words: a paragraph that is put in
    somewhere moves no cut further down, or all that follows would be embedded anew.
    """
    while len(text) > LONGEST:
        starts = _starts("\n\n", text) or _starts("\n", text)
        if not starts:
            break
        start = min(starts, key=lambda at: zlib.crc32(text[at : at + _FIRST_WORDS].encode()))
        yield text[:start].rstrip("\n")
        text = text[start:].strip("\n")
    yield text


def _starts(separator: str, text: str) -> list[int]:
    """Where a part may end: the places after a separator, in the latter half of what it may hold."""
    found = re.compile(re.escape(separator)).finditer(text, LONGEST // 2, LONGEST)
    return [match.end() for match in found]


def shortened(text: str, longest: int) -> str:
    """`text`, or its beginning and an ellipsis if it has more than `longest` code points."""
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def slide(number: int, title: str, blocks: Sequence[str]) -> Unit:
    """The unit of a slide: its title, then its other texts."""
    heading = " ".join(clean(title).split())
    text = clean("\n\n".join([title, *blocks] if heading else blocks)).strip()
    headings = (shortened(heading, LONGEST_HEADING),) if heading else ()
    state: UnitState = "read" if text else "empty"
    return Unit(number, "slide", f"slide {number}", text, headings, state)


def table_lines(rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """One line for each row that has text: its cells on one line each, between ` | `."""
    for row in rows:
        line = " | ".join(" ".join(cell.split()) for cell in row)
        if line.strip(" |"):
            yield line
