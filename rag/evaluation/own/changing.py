"""An answerable question made unanswerable: one year, code, figure or name of it becomes another
that the library does not hold. Pure: the caller says what the library holds.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rag.language import detect
from rag.text import STOP_WORDS

Holds = Callable[[str], bool]
"""Whether the library has these words anywhere, side by side."""

_YEAR = re.compile(r"(?<![\w.,-])(?:1[89]|20)\d\d(?![\w,-]|\.\d)")
_CODE = re.compile(r"(?<![\w-])(?=[\w-]*[^\W\d_])(?=[\w-]*\d)[\w-]+")
_FIGURE = re.compile(r"(?<![\w.,-])\d+(?:[.,]\d+)*(?![\w-])")
_NAME = re.compile(r"(?<=[\w,;:] )[^\W\d_a-zß-ÿ][^\W\d_A-ZÀ-Þ]{3,}\b")
_NOUNS_HAVE_CAPITALS = "de"
# names that people have and few documents name; one that the library holds is passed over
_STRANGERS = tuple(
    "Lindqvist Okonkwo Tamsin Verhoeven Halloran Brzezicki Castellan Umberfield Oyelaran Thorsby "
    "Kestrelmann Pellworth Anastos Dunmarrow Ishikawara Quillfeather Rautavaara Sallowby Varga "
    "Wexcombe Yarrowgate Zielonka Abernale Corvantes".split()
)
_TRIES = 20


@dataclass(frozen=True, slots=True)
class Changed:
    """A question with one thing in it replaced by another that the library does not hold."""

    question: str
    was: str
    now: str


def changed(question: str, holds: Holds, *, heading: bool = False) -> Changed | None:
    """The question made unanswerable, always in the same way; None where nothing in it can be.

    In a `heading` capitals make no names.
    """
    chance = random.Random(question)
    for match, others in _replaceable(question, chance, heading):
        for now in others:
            if now != match.group() and not holds(now):
                text = question[: match.start()] + now + question[match.end() :]
                return Changed(text, match.group(), now)
    return None


def _replaceable(
    question: str, chance: random.Random, heading: bool
) -> Iterator[tuple[re.Match[str], list[str]]]:
    """What may be replaced, and by what; what tells most comes first."""
    for match in _YEAR.finditer(question):
        years = [str(int(match.group()) + step) for step in (*range(-40, -2), *range(3, 15))]
        yield match, chance.sample(years, _TRIES)
    for pattern in (_CODE, _FIGURE):
        for match in pattern.finditer(question):
            yield match, [_other_digits(match.group(), chance) for _ in range(_TRIES)]
    if not heading and detect(question) != _NOUNS_HAVE_CAPITALS:
        for match in reversed(list(_NAME.finditer(question))):
            if match.group().casefold() not in STOP_WORDS:
                yield match, chance.sample(_STRANGERS, len(_STRANGERS))


def _other_digits(text: str, chance: random.Random) -> str:
    """Its digits replaced by others, the first never by 0."""
    return re.sub(r"\d", lambda _: str(chance.randint(1, 9)), text)
