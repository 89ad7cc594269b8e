"""A question made of a chunk's own words, where there is no chat model. Pure.

It is no sentence but what somebody types who knows what to look for: a heading with the title above
it, or the rarest words of a sentence, its figures left out. So it measures whether a passage is
found by its own words, and not whether it is found by what it means.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rag.text import CELL, content_words, sentences
from rag.types import StoredChunk

HEADING, WORDS = "heading", "words"
"""What made a question."""
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_NUMBERING = re.compile(r"^(?:§\s*)?\d+(?:\.\d+)*[.)]?\s+")
_CLOSING = "\"'”’»)]"
_ENDS = (".", "!", "?", "…", "。", "！", "？")
_LEAST, _MOST = 3, 6  # words of a question
_SHORTEST = 3  # letters of one
_LENGTHS = range(8, 45)  # words of a sentence that has something to say
_FEWEST_OF_HEADING = 2  # content words


@dataclass(frozen=True, slots=True)
class Drafted:
    """A question, the words that answer it, and by what it was made."""

    question: str
    quote: str
    made_by: str


def by_heading(chunk: StoredChunk) -> Drafted | None:
    """The heading that a chunk stands under, with the title of its document."""
    headings = [h for h in chunk.headings if CELL not in h and h != chunk.title]
    quotes = _running_sentences(chunk.text)
    if not headings or not quotes or len(content_words(headings[-1])) < _FEWEST_OF_HEADING:
        return None
    heading = _NUMBERING.sub("", headings[-1])
    above = chunk.title or (headings[-2] if len(headings) > 1 else "")
    question = f"{above}: {heading}" if above else heading
    return Drafted(question, quotes[0], HEADING)


def by_words(chunk: StoredChunk, uses: Mapping[str, int]) -> Drafted | None:
    """The rarest words of the sentence that has the rarest, in their order.

    `uses`: in how many chunks a word was seen, by its stem.
    """
    best: tuple[float, str, list[str]] | None = None
    for sentence in _running_sentences(chunk.text):
        chosen = _rarest(sentence, uses)
        if len(chosen) >= _LEAST:
            commonness = sum(_uses(word, uses) for word in chosen) / len(chosen)
            if best is None or commonness < best[0]:
                best = (commonness, sentence, chosen)
    return Drafted(" ".join(best[2]), best[1], WORDS) if best else None


def _running_sentences(text: str) -> list[str]:
    """Those that end as sentences do: no headings, rows and labels."""
    found = [text[start:end] for start, end in sentences(text)]
    whole = [s for s in found if CELL not in s and s.rstrip(_CLOSING).endswith(_ENDS)]
    return [s for s in whole if len(_WORD.findall(s)) in _LENGTHS]


def _rarest(sentence: str, uses: Mapping[str, int]) -> list[str]:
    """Half of the words that carry meaning, at most six."""
    words: Sequence[str] = [
        w for w in _WORD.findall(sentence) if content_words(w) and len(w) >= _SHORTEST
    ]
    words = list(dict.fromkeys(words))
    number = min(_MOST, (len(words) + 1) // 2)
    rarest = sorted(words, key=lambda w: (_uses(w, uses), -len(w), w))[:number]
    return [word for word in words if word in rarest]


def _uses(word: str, uses: Mapping[str, int]) -> int:
    return max((uses.get(part, 0) for part in content_words(word)), default=0)
