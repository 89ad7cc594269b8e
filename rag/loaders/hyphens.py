"""Words that were divided at the end of a line, put together again.

Nothing is moved: each character is exchanged for one, so that offsets stay, and `cleaning.clean` takes
out what was put in the place of what goes. Whether a hyphen belongs to its word, the document tells by
the form that the word has elsewhere. Where it has none, the hyphen stays between two words of the
document and before a capital letter, and goes from everything else.

Knows nothing of pages and files.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

SHORTEST = 3
"""Letters of the halves of a compound: what is shorter is a word of its own by chance."""
HYPHEN = "\ufffe"
"""What pdfium gives for a hyphen at the end of a line; the line end itself it then leaves out."""
_GONE = "\x00"
_LONGEST = 40  # letters of a half: whoever writes longer words lives without this
_LETTER = r"[^\W\d_]"
_DIVIDED = re.compile(
    rf"(?<={_LETTER})(?P<hyphen>[-{HYPHEN}\u2010\u00ad])(?P<end> ?\r?\n|(?<={HYPHEN}))"
    rf"(?=(?P<after>{_LETTER}{{1,{_LONGEST}}}))"
)
_WHOLE = re.compile(rf"{_LETTER}{{1,{_LONGEST}}}{_DIVIDED.pattern}{_LETTER}+")
_BEFORE = re.compile(rf"{_LETTER}+(?:-{_LETTER}+)*$")
_HYPHEN = re.compile(rf"{HYPHEN}(?=\w)|(?<=\d){HYPHEN}(?=\w)")
_WORDS = re.compile(rf"{_LETTER}+(?:-{_LETTER}+)*")
_SUSPENDED = frozenset("and or to und oder bis et ou y o e en of og och och i".split())


def is_divided(text: str) -> bool:
    """Whether a word of a text is divided."""
    return _DIVIDED.search(text) is not None


def words_of(texts: Iterable[str]) -> set[str]:
    """The words of a document, as they stand within lines."""
    found: set[str] = set()
    for text in texts:
        found.update(_WORDS.findall(_WHOLE.sub(" ", text).casefold()))
    return found


def mended(text: str, words: Collection[str]) -> str:
    """A text of the same length; `clean` takes what divides its words out of it."""
    return _HYPHEN.sub("-", _DIVIDED.sub(lambda match: _joint(match, words), text))


def _joint(match: re.Match[str], words: Collection[str]) -> str:
    """What comes between the halves of a word."""
    after = match["after"]
    if after.casefold() in _SUSPENDED:  # "pre- and post-war"
        return "-" + match["end"]
    start = match.start()
    before = _BEFORE.search(match.string, max(0, start - _LONGEST), start)
    stays = _belongs(before.group() if before else "", after, words)
    return ("-" if stays else _GONE) + _GONE * len(match["end"])


def _belongs(before: str, after: str, words: Collection[str]) -> bool:
    """Whether a hyphen is part of the word."""
    whole, compound = (before + after).casefold(), f"{before}-{after}".casefold()
    if whole in words or compound in words:
        return whole not in words
    halves = before.casefold(), after.casefold()
    both_words = all(len(half) >= SHORTEST and half in words for half in halves)
    return both_words or not after.islower() or "-" in before
