r"""Text as it is stored: one kind of line end, and nothing in it that a reader cannot see.

`clean` is applied by every reader. It makes \r\n, \r, vertical tab, NEL and the Unicode line
separators into \n, and removes control characters, BOMs, zero-width and bidirectional marks and tag
characters: invisible text hides instructions and breaks quotes. U+200C and U+200D stay, since
Persian, Indic scripts and emoji need them. pdfium's U+FFFE (a hyphen at a line end) goes together
with the line end that follows it.

Knows nothing of encodings and formats.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_LINE_END = re.compile("\r(?!\n)|[\x0b\x85\u2028\u2029]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_REMOVED = re.compile(
    "\ufffe(?:\r?\n)?|\r(?=\n)"
    "|[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064"
    "\u2066-\u2069\ufeff\uffff\U000e0000-\U000e007f]+"
)


class Piece(NamedTuple):
    """`length` code points from `text_start` in the cleaned text stood at `source_start`."""

    text_start: int
    source_start: int
    length: int


def clean(text: str) -> str:
    """The text as it is stored."""
    return _REMOVED.sub("", _same_length(text))


def clean_with_pieces(text: str) -> tuple[str, list[Piece]]:
    """`clean(text)`, with the pieces of `text` it consists of, in order."""
    text = _same_length(text)
    kept: list[str] = []
    pieces: list[Piece] = []
    position = written = 0
    for gap in [*(m.span() for m in _REMOVED.finditer(text)), (len(text), len(text))]:
        if length := gap[0] - position:
            kept.append(text[position : gap[0]])
            pieces.append(Piece(written, position, length))
            written += length
        position = gap[1]
    return "".join(kept), pieces


def letters(text: str, enough: int = 1) -> int:
    """How many letters and digits `text` has; counting stops at `enough`."""
    count = 0
    for character in text:
        count += character.isalnum()
        if count >= enough:
            break
    return count


def _same_length(text: str) -> str:
    """The replacements that keep every code point where it is."""
    return _SURROGATE.sub("\ufffd", _LINE_END.sub("\n", text))
