"""Names in a text that may be those of other documents. Pure.

"Lothair II was the son of Ermengarde of Tours": where the library has a document of that name, it
may hold what the question asks next. A name is a run of words with capitals or figures, small words
such as "of" inside it allowed; every part of a run may be the name meant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

_SMALL = frozenset(
    "of the and in for to a on at de la le les du des el los del di da do der die das und von van "
    "zu y e et och og i".split()
)
_WORD = re.compile(r"[^\W_][\w'’.-]*")
_LONGEST = 8  # words of one name
_MOST = 400  # names of one text


def names_in(text: str, label: Callable[[str], str]) -> list[str]:
    """The names that may stand in a text, as `label` writes them, each once."""
    found: dict[str, None] = {}
    for run in _runs(text):
        for name in _parts(label(run).split()):
            found[name] = None
            if len(found) == _MOST:
                return list(found)
    return list(found)


def _runs(text: str) -> Iterator[str]:
    """The longest stretches of names and the small words between them."""
    start = end = -1
    for match in _WORD.finditer(text):
        word = match.group()
        capital = word[0].isupper() or word[0].isdigit()
        if start < 0 and not capital:
            continue
        begin, goes_on = match.start(), capital or word in _SMALL
        if start >= 0 and not (goes_on and text[end:begin].isspace()):
            yield text[start:end]
            start = -1
        if capital and start < 0:
            start = begin
        if start >= 0:
            end = match.end()
    if start >= 0:
        yield text[start:end]


def _parts(words: list[str]) -> Iterator[str]:
    for start in range(len(words)):
        for end in range(min(len(words), start + _LONGEST), start, -1):
            name = words[start:end]
            if name[0] not in _SMALL and name[-1] not in _SMALL and not "".join(name).isdigit():
                yield " ".join(name)
