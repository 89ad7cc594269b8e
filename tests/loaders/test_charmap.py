import random
import zlib

import pytest

from rag.loaders.charmap import char_ranges, decode_map, encode_map
from rag.loaders.cleaning import Piece


def random_map(chooser: random.Random) -> list[Piece]:
    pieces, text, source = [], 0, 0
    for _ in range(chooser.randrange(1, 40)):
        source += chooser.choice([0, 1, 1, 2, 300])
        length = chooser.randrange(1, 200)
        pieces.append(Piece(text, source, length))
        text += length
        source += length
    return pieces


def test_a_map_comes_back_as_it_was_stored() -> None:
    chooser = random.Random(1)
    for _ in range(200):
        pieces = random_map(chooser)
        assert list(decode_map(encode_map(pieces))) == pieces


def test_ranges_name_exactly_the_characters_of_the_span() -> None:
    chooser = random.Random(2)
    for _ in range(200):
        pieces = random_map(chooser)
        flat = [p.source_start + i for p in pieces for i in range(p.length)]
        start = chooser.randrange(len(flat) + 5)
        end = chooser.randrange(start, len(flat) + 10)
        ranges = char_ranges(pieces, start, end)
        assert [i for first, n in ranges for i in range(first, first + n)] == flat[start:end]


def test_no_map_is_no_bytes_and_has_no_ranges() -> None:
    assert encode_map([]) == b""
    assert decode_map(b"") == ()
    assert char_ranges((), 0, 10) == []


@pytest.mark.parametrize(
    "stored",
    [b"x", zlib.compress(b"\x01"), zlib.compress(b"\x80"), zlib.compress(b"\0" * (1 << 25))],
)
def test_a_damaged_map_is_a_value_error(stored: bytes) -> None:
    with pytest.raises(ValueError):
        decode_map(stored)


def test_a_map_that_runs_backwards_is_refused() -> None:
    with pytest.raises(ValueError):
        encode_map([Piece(0, 10, 5), Piece(5, 3, 5)])
