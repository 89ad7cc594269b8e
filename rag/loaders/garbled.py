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

LOOKED_AT = 6000
"""Characters."""
FEWEST = 40
"""Words that it takes to tell."""
COMMON = 0.02
"""Share of the words of a text in any language, at least, that are among its commonest."""
NO_VOWEL = 0.2
"""Share of the longer words without a vowel: abbreviations do not come so often."""
SHIFTED = 0.1
"""Share of common words that moving the letters has to bring out."""

_UNREADABLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\uf8ff\ufffd\ufffe\uffff]")
_WORD = re.compile(r"(?<![\w-])[A-Za-z]{2,}(?![\w-])")
_VOWEL = re.compile("[aeiouyAEIOUY]")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def unreadable_share(text: str) -> float:
    """The share of characters that belong to no script, from 0 to 1; 1 if a text has no words."""
    return 1.0 if _has_no_words(text) else len(_UNREADABLE.findall(text)) / max(1, len(text))


def _has_no_words(text: str) -> bool:
    words = _WORD.findall(text[:LOOKED_AT].casefold())
    if len(words) < FEWEST or common_words(words) > COMMON * len(words):
        return False
    long = [word for word in words if len(word) > 3]
    voiceless = sum(_VOWEL.search(word) is None for word in long)
    return voiceless > NO_VOWEL * max(1, len(long)) or _is_shifted(words)


def _is_shifted(words: list[str]) -> bool:
    for distance in range(1, 26):
        table = str.maketrans(_LETTERS, _LETTERS[distance:] + _LETTERS[:distance])
        moved = [word.translate(table) for word in words]
        if common_words(moved) > SHIFTED * len(words):
            return True
    return False
