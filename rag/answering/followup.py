"""A follow-up question made to stand alone, by rule. Pure.

"And without sun?" finds nothing by itself. A question that leans on the one before (by a pronoun,
by "and …", by having hardly a word of its own) is searched together with that question's words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.text import content_words, words
from rag.types import Turn

_LEANING = re.compile(
    r"^(?:and|but|or|so|then|also|what about|how about|which one)\b"
    r"|\b(?:it|its|they|them|their|this|these|those|he|him|his|she|her|former|latter)\b",
    re.IGNORECASE,
)
_FEW_WORDS = 2
_SHORT = 12  # words; a longer question says by itself what its pronouns mean
_TURNS = 3  # a follow-up of a follow-up is searched with both, and no further back


def standalone(question: str, history: Sequence[Turn]) -> str:
    """The question as it is searched for: itself, or with what it leans on before it."""
    if not history or not _leans(question):
        return question
    before = standalone(history[-1].question, history[-_TURNS:-1])
    return f"{before.rstrip(' ?.')} – {question}"


def _leans(question: str) -> bool:
    few = len(content_words(question)) <= _FEW_WORDS
    return few or bool(_LEANING.search(question) and len(words(question)) <= _SHORT)
