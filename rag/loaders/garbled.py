"""Whether a text is one: a PDF whose fonts name the wrong letters has a text layer that nobody can read.

Characters that belong to no script tell it at once. Letters that are merely the wrong ones look like a
text; they are known by their words, in the Latin script, where many of some length have no vowel or all
letters are moved by the same distance, and no word is one of the commonest of any language. Texts too
short to tell, tables of figures, part numbers and lists of names are taken for what they are.

Knows nothing of pages.
"""

from __future__ import annotations

import re

from rag.language import common_words

LOOKED_AT = 4000
"""Characters."""
FEWEST = 40
"""Words of three letters or more that it takes to tell, half of them different ones."""
IN_WORDS = 0.6
"""Share of what is printed that words make up: less of it in tables of figures and in code."""
NATURAL = 0.08
COMMON = 0.01
"""Share of the commonest words: hardly any text in a language that is known has less than the one,
hardly any that is none has more than the other."""
NO_VOWEL = 0.1
"""Share of the different longer words without a vowel: abbreviations do not come so often."""
VOWELS = 0.28, 0.6
"""Share of vowels in the longer words of any language."""
SHIFTED = 0.1
"""Share of common words that moving the letters has to bring out."""

_UNREADABLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\uf8ff\ufffd\ufffe\uffff]")
_WORD = re.compile(r"(?<![\w-])[a-z]{3,}(?![\w-])")
_VOWEL = re.compile("[aeiouy]")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def unreadable_share(text: str) -> float:
    """The share of characters that belong to no script, from 0 to 1; 1 if a text has no words."""
    return 1.0 if _has_no_words(text) else len(_UNREADABLE.findall(text)) / max(1, len(text))


def _has_no_words(text: str) -> bool:
    start = text[:LOOKED_AT].casefold()
    words = _WORD.findall(start)
    common = common_words(words) / max(1, len(words))
    if len(words) < FEWEST or len(set(words)) < FEWEST / 2 or common > NATURAL:
        return False
    if sum(map(len, words)) < IN_WORDS * len("".join(start.split())):
        return False
    odd = common < COMMON and _has_odd_words({word for word in words if len(word) > 3})
    return odd or _is_shifted(words, common)


def _has_odd_words(words: set[str]) -> bool:
    """Whether words have too few vowels for any language, or too many."""
    vowels = [len(_VOWEL.findall(word)) for word in words]
    low, high = VOWELS
    share = sum(vowels) / max(1, sum(map(len, words)))
    return vowels.count(0) > NO_VOWEL * len(words) or not low < share < high


def _is_shifted(words: list[str], common: float) -> bool:
    """Whether words become those of a language when their letters are moved."""
    for distance in range(1, 26):
        table = str.maketrans(_LETTERS, _LETTERS[distance:] + _LETTERS[:distance])
        moved = [word.translate(table) for word in words]
        if common_words(moved) / len(words) > max(SHIFTED, 4 * common):
            return True
    return False
