"""Where the words of a page that OCR read stand on its picture.

Stored in the place of a character map, deflated: for each word six numbers of 16 bits, little-endian:
code points since the end of the word before, code points of the word, then left, top, right and
bottom in 65535ths of the picture's width and height. So it fits a picture of any size.

Knows nothing of OCR and of pictures.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

WHOLE = 0xFFFF
"""The width, and the height, of a picture."""
MAX_BYTES = 1 << 24
"""No page's words come near this when inflated; more is damaged or hostile."""
_WORD = struct.Struct("<6H")

Box = tuple[int, int, int, int]
"""Left, top, right, bottom."""


class Word(NamedTuple):
    """The word at code points [start, end) of a text, and its box in 65535ths of the picture."""

    start: int
    end: int
    box: Box


def encode(words: Iterable[Word]) -> bytes:
    """The stored form. Words must follow one another forwards; `b""` if there are none."""
    out = bytearray()
    position = 0
    for word in words:
        out += _WORD.pack(word.start - position, word.end - word.start, *word.box)
        position = word.end
    return zlib.compress(bytes(out)) if out else b""


def decode(stored: bytes) -> Iterator[Word]:
    """The words of a stored form. Raises ValueError if it is damaged."""
    data = _inflate(stored)
    if len(data) % _WORD.size:
        raise ValueError("the boxes of words end within one")
    position = 0
    for gap, length, *box in _WORD.iter_unpack(data):
        position += gap
        yield Word(position, position + length, (box[0], box[1], box[2], box[3]))
        position += length


def boxes_of(stored: bytes, spans: Sequence[tuple[int, int]]) -> list[Box]:
    """The boxes of the words that the spans of the text touch, those of a line as one."""
    boxes: list[Box] = []
    for word in decode(stored):
        if any(start < word.end and word.start < end for start, end in spans):
            if boxes and _goes_on(boxes[-1], word.box):
                boxes[-1] = _union(boxes[-1], word.box)
            else:
                boxes.append(word.box)
    return boxes


def _goes_on(line: Box, box: Box) -> bool:
    """Whether a box stands in the line that another ends: beside it, at the same height."""
    overlap = min(line[3], box[3]) - max(line[1], box[1])
    height = min(line[3] - line[1], box[3] - box[1])
    return overlap > 0.5 * height and box[0] >= line[0]


def _union(a: Box, b: Box) -> Box:
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])


def _inflate(stored: bytes) -> bytes:
    if not stored:
        return b""
    inflater = zlib.decompressobj()
    try:
        data = inflater.decompress(stored, MAX_BYTES)
    except zlib.error as error:
        raise ValueError("the boxes of words cannot be inflated") from error
    if not inflater.eof:
        raise ValueError("the boxes of words are cut off or too many")
    return data
