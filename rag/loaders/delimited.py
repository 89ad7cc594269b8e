"""Delimited text (csv, tsv): units of whole rows under their header.

The delimiter is the one that cuts the first lines into the same number of cells most often. What is
no table after all (an open quote, lines without a delimiter) is read as plain text.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from itertools import islice
from pathlib import Path

from rag.loaders import plain, rows
from rag.loaders.encoding import read_text
from rag.loaders.formats import Reading

_DELIMITERS = (",", ";", "\t", "|")
_LOOKED_AT = 50  # rows


def read(path: Path) -> Reading:
    """Units of kind `rows`, or those of plain text. Raises as `encoding.read_text` does."""
    text = read_text(path)
    try:
        delimiter = _delimiter(text)
        if delimiter is None:
            return Reading(None, plain.units(text))
        return Reading(
            None, tuple(rows.units("", csv.reader(io.StringIO(text), delimiter=delimiter)))
        )
    except csv.Error:
        return Reading(None, plain.units(text))


def _delimiter(text: str) -> str | None:
    """The delimiter, None if no line has any. Raises csv.Error."""
    scores = {delimiter: _score(text, delimiter) for delimiter in _DELIMITERS}
    best = max(_DELIMITERS, key=lambda delimiter: scores[delimiter])
    return best if scores[best] > (0.0, 0) else None


def _score(text: str, delimiter: str) -> tuple[float, int]:
    """The share of rows that have the commonest number of cells, if that is over one; the number."""
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    widths = Counter(len(row) for row in islice(reader, _LOOKED_AT) if row)
    width, count = max(widths.items(), key=lambda item: (item[0] > 1, item[1]), default=(0, 0))
    return (count / widths.total(), width) if width > 1 else (0.0, 0)
