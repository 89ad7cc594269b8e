"""Which characters of a PDF page (pdfium's index) the code points of its stored text are.

A map is a run of `Piece`s in order. Stored as pairs of varints (characters left out before the
piece, length of the piece), deflated: some 60 bytes for a page. `b""` means there is no map.

Knows nothing of pdfium itself.
"""

from __future__ import annotations

import zlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

from rag.loaders.cleaning import Piece

MAX_BYTES = 1 << 24
"""No page's map comes near this when inflated; more is a damaged or hostile map."""


def encode_map(pieces: Iterable[Piece]) -> bytes:
    """The stored form. Pieces must follow one another without gaps in the text, forwards."""
    out = bytearray()
    end = 0
    for piece in pieces:
        _put(out, piece.source_start - end)
        _put(out, piece.length)
        end = piece.source_start + piece.length
    return zlib.compress(bytes(out)) if out else b""


def decode_map(stored: bytes) -> tuple[Piece, ...]:
    """The pieces of a stored map. Raises ValueError if it is damaged."""
    numbers = list(_numbers(_inflate(stored)))
    if len(numbers) % 2:
        raise ValueError("a character map ends within a piece")
    pieces = []
    text = source = 0
    for gap, length in zip(numbers[::2], numbers[1::2], strict=True):
        pieces.append(Piece(text, source + gap, length))
        text += length
        source += gap + length
    return tuple(pieces)


def char_ranges(pieces: Sequence[Piece], start: int, end: int) -> list[tuple[int, int]]:
    """The (character index, count) runs that code points [start, end) of the stored text came from.

    Parts of the span outside the map are left out.
    """
    ranges: list[tuple[int, int]] = []
    first = max(0, bisect_right(pieces, start, key=lambda piece: piece.text_start) - 1)
    for piece in pieces[first:]:
        low = max(start, piece.text_start)
        high = min(end, piece.text_start + piece.length)
        if piece.text_start >= end:
            break
        if low < high:
            ranges.append((piece.source_start + low - piece.text_start, high - low))
    return ranges


def _put(out: bytearray, number: int) -> None:
    if number < 0:
        raise ValueError("the pieces of a character map must run forwards")
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)


def _numbers(data: bytes) -> Iterator[int]:
    number = shift = 0
    for byte in data:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield number
            number = shift = 0
    if shift:
        raise ValueError("a character map ends within a number")


def _inflate(stored: bytes) -> bytes:
    if not stored:
        return b""
    inflater = zlib.decompressobj()
    try:
        data = inflater.decompress(stored, MAX_BYTES)
    except zlib.error as error:
        raise ValueError("a character map cannot be inflated") from error
    if not inflater.eof:
        raise ValueError("a character map is cut off or too long")
    return data
