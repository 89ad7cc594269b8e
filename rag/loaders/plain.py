"""Plain text: pages where the file has form feeds, otherwise blocks of lines.

Knows nothing of what the lines mean (CSV, logs and source code are read as they stand).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rag.loaders.encoding import read_text
from rag.loaders.formats import Reading
from rag.types import Unit

BLOCK_LINES = 60


def read(path: Path) -> Reading:
    """Units of kind `page` or `lines`; a blank page or block gives none, but keeps its number.

    Raises as `encoding.read_text` does.
    """
    text = read_text(path)
    units = _pages(text) if "\f" in text else _blocks(text.split("\n"))
    return Reading(None, tuple(units))


def _pages(text: str) -> Iterator[Unit]:
    for number, page in enumerate(text.split("\f"), 1):
        if page.strip():
            yield Unit(number, "page", f"page {number}", page.strip("\n"))


def _blocks(lines: list[str]) -> Iterator[Unit]:
    number = start = 0
    while start < len(lines):
        end = _block_end(lines, start)
        block = "\n".join(lines[start:end]).rstrip()
        if block:
            number += 1
            last = start + block.count("\n") + 1
            label = f"lines {start + 1}–{last}" if last > start + 1 else f"line {last}"
            yield Unit(number, "lines", label, block)
        start = end


def _block_end(lines: list[str], start: int) -> int:
    """Where the block from `start` ends: after the last blank line in reach, if there is one."""
    end = start + BLOCK_LINES
    if end >= len(lines):
        return len(lines)
    for line in range(end, start, -1):
        if not lines[line - 1].strip():
            return line
    return end
