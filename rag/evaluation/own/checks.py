"""What a question that a model wrote must be like to measure anything. Pure."""

from __future__ import annotations

import re

from rag.text import content_words, sentences

LONGEST = 240  # characters
_FEWEST = 4  # content words of a sentence worth copying
_COPIED = 0.8  # share of them in a question that makes it a copy
_ENDS = ("?", "？", "؟", ";")  # the last is the Greek one

# "this document" is another one for everybody who asks; in the languages most documents are in
_POINTING = re.compile(
    r"\b(?:this|these|that|the|above|following|given|provided)\s+(?:[\w-]+\s+)?"
    r"(?:document|text|passage|excerpt|extract|section|paragraph|page|article|author|table|figure|"
    r"chapter|report|file|statement)s?\b"
    r"|\b(?:mentioned|described|shown|given|listed|stated|discussed) (?:above|below|here)\b"
    r"|\b(?:above|below)\W*$|\baforementioned\b"
    r"|\b(?:diese[rsmn]?|de[rsmn]|die|das)\s+(?:text|dokument|abschnitt|seite|artikel|passage|autor)\b"
    r"|\b(?:ce|cet|cette|le|la|l['’])\s?(?:document|texte|passage|section|page|article|auteur)\b"
    r"|\b(?:este|esta|el|la)\s+(?:documento|texto|pasaje|sección|página|artículo|autor)\b",
    re.IGNORECASE,
)
_PRONOUN_FIRST = re.compile(
    r"^\W*(?:\w+\s+){0,3}(?:it|they|he|she|him|them|this|these|those)\b", re.IGNORECASE
)


def as_question(written: str) -> str | None:
    """What a model wrote, if it is one question on one line."""
    line = written.strip().strip("\"'“”„«»").strip()
    one = bool(line) and "\n" not in line and len(line) <= LONGEST
    return line if one and line.endswith(_ENDS) and bool(content_words(line)) else None


def stands_alone(question: str) -> bool:
    """Whether it can be understood by somebody who does not see the passage."""
    return not _POINTING.search(question) and not _PRONOUN_FIRST.search(question)


def is_copy(question: str, passage: str) -> bool:
    """Whether a sentence of the passage is copied nearly whole: any search would find that."""
    asked = set(content_words(question))
    told = (set(content_words(passage[start:end])) for start, end in sentences(passage))
    return any(len(t) >= _FEWEST and len(asked & t) >= _COPIED * len(t) for t in told)
