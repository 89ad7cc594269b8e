"""Which characters of a PDF page (pdfium's index) the code points of its stored text are.

A map is a run of `Piece`s in the order of the text. The characters of a page that is read column by
column jump back, and code points that were put in, line ends between columns, are in no piece. Stored
as a byte for the form and, deflated, three varints for a piece: the code points left out before it,
the distance of its first character from the end of the last piece, its length; some 60 bytes for a
page. The first form, without that byte, knew neither jumps back nor code points put in; it is still
read. `b""` means there is no map.

Knows nothing of pdfium itself.
"""

from __future__ import annotations

import zlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

from rag.loaders.cleaning import Piece

FORM = b"\x02"
"""What a map begins with; a map of the first form begins as deflated data does, with 0x78."""
MAX_BYTES = 1 << 24
"""No page's map comes near this when inflated; more is a damaged or hostile map."""


def encode_map(pieces: Iterable[Piece]) -> bytes:
    """The stored form. Raises ValueError for pieces that do not run forwards in the text."""
    out = bytearray()
    text = source = 0
    for piece in pieces:
        distance = piece.source_start - source
        _put(out, piece.text_start - text)
        _put(out, distance << 1 if distance >= 0 else (-distance << 1) - 1)
        _put(out, piece.length)
        text = piece.text_start + piece.length
        source = piece.source_start + piece.length
    return FORM + zlib.compress(bytes(out)) if out else b""


def decode_map(stored: bytes) -> tuple[Piece, ...]:
    """The pieces of a stored map. Raises ValueError if it is damaged or of no known form."""
    if not stored:
        return ()
    if stored.startswith(FORM):
        return tuple(_pieces(list(_numbers(_inflate(stored[len(FORM) :])))))
    numbers = list(_numbers(_inflate(stored)))
    if len(numbers) % 2:
        raise ValueError("a character map ends within a piece")
    triples = (
        (0, gap << 1, length) for gap, length in zip(numbers[::2], numbers[1::2], strict=True)
    )
    return tuple(_pieces([number for triple in triples for number in triple]))


def _pieces(numbers: Sequence[int]) -> Iterator[Piece]:
    if len(numbers) % 3:
        raise ValueError("a character map ends within a piece")
    text = source = 0
    for gap, jump, length in zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True):
        text += gap
        source += -((jump + 1) >> 1) if jump & 1 else jump >> 1
        if source < 0:
            raise ValueError("a character map leads before the first character")
        yield Piece(text, source, length)
        text += length
        source += length


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
        raise ValueError("the pieces of a character map must run forwards in the text")
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
    inflater = zlib.decompressobj()
    try:
        data = inflater.decompress(stored, MAX_BYTES)
    except zlib.error as error:
        raise ValueError("a character map cannot be inflated") from error
    if not inflater.eof:
        raise ValueError("a character map is cut off or too long")
    return data
