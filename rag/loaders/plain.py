"""Plain text: pages where the file has form feeds, otherwise blocks of lines.

Knows nothing of what the lines mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from rag.loaders.encoding import read_text
from rag.loaders.formats import Reading
from rag.types import Unit

BLOCK_LINES = 60
Begins = Callable[[Sequence[str], int], bool]
"""Whether a block of lines may begin with the line of a number."""


def read(path: Path) -> Reading:
    """Units of kind `page` or `lines`; a blank page or block gives none, but keeps its number.

    Raises as `encoding.read_text` does.
    """
    return Reading(None, units(read_text(path)))


def units(text: str) -> tuple[Unit, ...]:
    """The units of a text."""
    return tuple(_pages(text) if "\f" in text else blocks(text.split("\n")))


def _pages(text: str) -> Iterator[Unit]:
    for number, page in enumerate(text.split("\f"), 1):
        if page.strip():
            yield Unit(number, "page", f"page {number}", page.strip("\n"))


def blocks(lines: Sequence[str], begins: Begins | None = None) -> Iterator[Unit]:
    """Units of at most BLOCK_LINES lines; the next one begins where `begins` says that one may."""
    number = start = 0
    while start < len(lines):
        end = _block_end(lines, start, [begins, _after_blank] if begins else [_after_blank])
        block = "\n".join(lines[start:end]).rstrip()
        if block:
            number += 1
            last = start + block.count("\n") + 1
            label = f"lines {start + 1}–{last}" if last > start + 1 else f"line {last}"
            yield Unit(number, "lines", label, block)
        start = end


def _block_end(lines: Sequence[str], start: int, rules: Sequence[Begins]) -> int:
    """Where the block from `start` ends: at the last place in reach that the first rule allows."""
    end = start + BLOCK_LINES
    if end >= len(lines):
        return len(lines)
    for begins in rules:
        for line in range(end, start, -1):
            if begins(lines, line):
                return line
    return end


def _after_blank(lines: Sequence[str], at: int) -> bool:
    return not lines[at - 1].strip()
