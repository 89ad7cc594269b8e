"""Lines of text under headings, made into one unit per heading section.

Shared by the formats that have headings. Knows nothing of their syntax.
"""

from __future__ import annotations

import re

from rag.types import Unit

LONGEST_HEADING = 160
"""Code points of a heading kept in the heading path; its line in the text is never cut."""
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
        text = " ".join(text.split())
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
        self._lines.append(text)

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
        self._units.append(Unit(len(self._units) + 1, "section", label, text, headings))


def shortened(text: str, longest: int) -> str:
    """`text`, or its beginning and an ellipsis if it has more than `longest` code points."""
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"
