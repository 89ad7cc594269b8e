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


def standalone(question: str, history: Sequence[Turn]) -> str:
    """The question as it is searched for: itself, or with the last question before it."""
    if not history:
        return question
    own = content_words(question)
    leans = len(own) <= _FEW_WORDS or (_LEANING.search(question) and len(words(question)) <= 12)
    if not leans:
        return question
    return f"{history[-1].question.rstrip(' ?.')} – {question}"
