"""JSON and JSON lines: every value with the names that lead to it, one on a line.

Numbers stand as they are written. What is not quite JSON is read as plain text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rag.loaders import plain, stated
from rag.loaders.cleaning import clean
from rag.loaders.encoding import read_text
from rag.loaders.formats import Reading
from rag.loaders.sections import LONGEST_HEADING, shortened
from rag.types import Unit

LINES = 60
"""Lines of one unit."""
_RECORDS_WITHIN = 2
"""Names that may lead to a list whose items are parted by empty lines."""
_DECODER = json.JSONDecoder(parse_float=str, parse_int=str, strict=False)


class _Line(NamedTuple):
    """A line of the text, and the names that lead to where it stands."""

    text: str
    path: tuple[str, ...]


def read(path: Path) -> Reading:
    """Units of kind `values`, or those of plain text. Raises as `encoding.read_text` does."""
    text = read_text(path)
    try:
        value = parsed(text)
        lines = list(_lines(value, ()))
    except (ValueError, RecursionError):
        return Reading(None, plain.units(text))
    title = value.get("title") if isinstance(value, dict) else None
    return Reading(stated.title(title if isinstance(title, str) else None), tuple(_units(lines)))


def parsed(text: str) -> Any:
    """The value of JSON, or the list of those of JSON lines; numbers are texts.

    Raises ValueError, and RecursionError for a value nested too deeply.
    """
    try:
        return _DECODER.decode(text)
    except ValueError:
        lines = [line for line in text.split("\n") if line.strip()]
        if len(lines) < 2:
            raise
        return [_DECODER.decode(line) for line in lines]


def _lines(value: Any, path: tuple[str, ...], indent: int = 0) -> Iterator[_Line]:
    """The lines of what is in an object or a list; a value alone is a line by itself."""
    pad = "  " * indent
    if not _has_items(value):
        yield _Line(pad + _written(value), path)
    elif isinstance(value, dict):
        for name, item in value.items():
            if _has_items(item):
                yield _Line(f"{pad}{name}:", path)
                yield from _lines(item, (*path, name), indent + 1)
            else:
                yield _Line(f"{pad}{name}: {_written(item)}", path)
    else:
        for item in value:
            first, *others = _lines(item, path, indent + 1)
            yield _Line(f"{pad}- {first.text.lstrip()}", path)
            yield from others
            if others and len(path) <= _RECORDS_WITHIN:
                yield _Line("", path)


def _has_items(value: Any) -> bool:
    return isinstance(value, dict | list) and bool(value)


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _units(lines: Sequence[_Line]) -> Iterator[Unit]:
    number = start = 0
    while start < len(lines):
        end = _end(lines, start)
        text = clean("\n".join(line.text for line in lines[start:end])).strip("\n")
        if text.strip():
            number += 1
            headings = lines[start].path
            place = " › ".join(headings) or f"lines {start + 1}–{end}"
            label = shortened(place, LONGEST_HEADING)
            yield Unit(number, "values", label, text, headings)
        start = end


def _end(lines: Sequence[_Line], start: int) -> int:
    """Where the unit from `start` ends: before the outermost of the lines in the later half."""
    end = start + LINES
    if end >= len(lines):
        return len(lines)
    return min(range(end, start + LINES // 2, -1), key=lambda i: len(lines[i].path))
