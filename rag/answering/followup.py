"""A follow-up question made to stand alone: by rule, and what a model made of it checked. Pure.

"And without sun?" finds nothing by itself. A question that leans on the one before (by a pronoun,
by "and …", by having hardly a word of its own) is searched together with that question's words, or
as a chat model words it (`writing.py`) where that says no more than the talk so far does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.answering.figures import facts, missing_figures, missing_names
from rag.text import content_words, words
from rag.types import Turn

_LEANING = re.compile(
    r"^(?:and|but|or|so|then|also|what about|how about|which one|und|aber|et|mais|y|pero)\b"
    r"|\b(?:it|its|they|them|their|this|these|those|he|him|his|she|her|former|latter)\b",
    re.IGNORECASE,
)
_FEW_WORDS = 2
_SHORT = 12  # words; a longer question says by itself what its pronouns mean
TURNS = 3  # a follow-up of a follow-up is searched with both, and no further back
LONGEST = 300  # characters of a question that a model words
_PREAMBLE = re.compile(r"^(?:[\w-]+ ){0,2}question\s*:\s*", re.IGNORECASE)
_KNOWN_SHARE = 0.5  # of a model's words that the talk must have


def standalone(question: str, history: Sequence[Turn]) -> str:
    """The question as it is searched for: itself, or with what it leans on before it."""
    if not history or not leans(question):
        return question
    before = standalone(history[-1].question, history[-TURNS:-1])
    return f"{before.rstrip(' ?.')} – {question}"


def leans(question: str) -> bool:
    """Whether a question may need the one before it to be understood."""
    return len(content_words(question)) <= _FEW_WORDS or _points_back(question)


def accepted(written: str, question: str, history: Sequence[Turn]) -> str | None:
    """What a model made of a follow-up, if it can be searched for: one line that names what the
    question left out, and no figure or name that the talk does not have.

    The question unchanged is accepted where it points at nothing before it.
    """
    line = _PREAMBLE.sub("", written.strip()).strip("\"'“”„«» ")
    if not line or "\n" in line or len(line) > LONGEST:
        return None
    if words(line) == words(question):
        return None if _points_back(question) else question
    talk = " ".join([question, *(f"{turn.question} {turn.answer}" for turn in history[-TURNS:])])
    said, known, own = (set(content_words(text)) for text in (line, talk, question))
    tells_more = bool(said & known - own)
    if not tells_more or len(said & known) < _KNOWN_SHARE * len(said):
        return None
    made_up = missing_figures(facts(line), facts(talk)) or missing_names(facts(line), talk)
    return None if made_up else line


def _points_back(question: str) -> bool:
    return bool(_LEANING.search(question)) and len(words(question)) <= _SHORT
