import random
import zlib

import pytest

from rag.loaders.charmap import FORM, char_ranges, decode_map, encode_map
from rag.loaders.cleaning import Piece


def random_map(chooser: random.Random) -> list[Piece]:
    """Pieces that jump forwards and back in their source, some after text that was put in."""
    pieces, text, source = [], 0, 0
    for _ in range(chooser.randrange(1, 40)):
        text += chooser.choice([0, 0, 0, 1])
        source = max(0, source + chooser.choice([0, 1, 1, 2, 300, -50, -4000]))
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
        source = {p.text_start + i: p.source_start + i for p in pieces for i in range(p.length)}
        start = chooser.randrange(max(source) + 5)
        end = chooser.randrange(start, max(source) + 10)
        ranges = char_ranges(pieces, start, end)
        expected = [source[place] for place in range(start, end) if place in source]
        assert [i for first, n in ranges for i in range(first, first + n)] == expected


def test_no_map_is_no_bytes_and_has_no_ranges() -> None:
    assert encode_map([]) == b""
    assert decode_map(b"") == ()
    assert char_ranges((), 0, 10) == []


def test_a_map_of_the_first_form_is_still_read_as_it_was_meant() -> None:
    stored = zlib.compress(bytes([3, 10, 0, 5, 2, 1]))  # gap, length; gap, length; …
    assert decode_map(stored) == (Piece(0, 3, 10), Piece(10, 13, 5), Piece(15, 20, 1))


@pytest.mark.parametrize(
    "stored",
    [
        b"x",
        zlib.compress(b"\x01"),
        zlib.compress(b"\x80"),
        zlib.compress(b"\0" * (1 << 25)),
        FORM,
        FORM + zlib.compress(b"\0\0"),
        FORM + zlib.compress(bytes([0, 1, 5])),
        b"\x03" + zlib.compress(b"\0\0\x01"),
    ],
)
def test_a_damaged_map_or_one_of_another_form_is_a_value_error(stored: bytes) -> None:
    with pytest.raises(ValueError):
        decode_map(stored)


def test_a_map_that_runs_backwards_in_the_text_is_refused() -> None:
    with pytest.raises(ValueError):
        encode_map([Piece(5, 0, 5), Piece(3, 10, 5)])
