"""Where words stand: what is stored is what comes back, and damage is told."""

from __future__ import annotations

import random
import zlib

import pytest

from rag.loaders.word_boxes import WHOLE, Word, boxes_of, decode, encode

FIRST = Word(0, 3, (0, 0, 100, 50))
SECOND = Word(4, 9, (120, 2, 300, 52))
BELOW = Word(10, 12, (0, 100, 80, 150))


def test_words_come_back_as_they_were_stored() -> None:
    chance = random.Random(7)
    words, position = [], 0
    for _ in range(500):
        start = position + chance.randint(0, 3)
        position = start + chance.randint(1, 20)
        corners = sorted(chance.sample(range(WHOLE + 1), 2)) + sorted(
            chance.sample(range(WHOLE), 2)
        )
        words.append(Word(start, position, (corners[0], corners[2], corners[1], corners[3])))
    stored = encode(words)
    assert list(decode(stored)) == words
    assert encode([]) == b"" and list(decode(b"")) == []


def test_the_words_that_a_span_touches_are_one_box_a_line() -> None:
    stored = encode([FIRST, SECOND, BELOW])
    assert boxes_of(stored, [(0, 12)]) == [(0, 0, 300, 52), BELOW.box]
    assert boxes_of(stored, [(5, 6)]) == [SECOND.box]
    assert boxes_of(stored, [(3, 4)]) == []
    assert boxes_of(stored, [(0, 1), (11, 12)]) == [FIRST.box, BELOW.box]


@pytest.mark.parametrize(
    "stored",
    [b"no boxes", zlib.compress(b"\0" * 13), encode([FIRST])[:-3], zlib.compress(bytes(1 << 25))],
)
def test_damaged_boxes_are_a_value_error(stored: bytes) -> None:
    with pytest.raises(ValueError, match="boxes of words"):
        list(decode(stored))
