"""Source code: as it stands, in blocks of lines that begin where something new begins.

That is a line at the left edge after an empty one: a function, a class, a section of settings.
Knows nothing of programming languages.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rag.loaders import plain
from rag.loaders.encoding import read_text
from rag.loaders.formats import Reading


def read(path: Path) -> Reading:
    """Units of kind `lines`. Raises as `encoding.read_text` does."""
    lines = read_text(path).replace("\f", "\n").split("\n")
    return Reading(None, tuple(plain.blocks(lines, _begins)))


def _begins(lines: Sequence[str], at: int) -> bool:
    line = lines[at]
    return (
        bool(line) and not line[0].isspace() and line[0] not in ")]}" and not lines[at - 1].strip()
    )
