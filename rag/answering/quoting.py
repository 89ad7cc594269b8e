"""A draft made of verbatim sentences, for a desk without a language model.

The sentences of the passages are ranked by how near their vectors are to the question's and by how
many of its words they have; the best few are quoted, each with its passage's number. Where even the
best is not near enough, there is no draft: the documents do not say.
"""

from __future__ import annotations

import math
import re
from collections.abc import Generator, Iterator, Sequence, Set
from dataclasses import dataclass, replace

import numpy as np

from rag.answering import followup
from rag.answering.figures import anchors, facts
from rag.answering.writing import Draft, Question
from rag.text import content_words, fold, sentences, words
from rag.types import ChatDelta, Embedder, Passage, Turn, Waiting

MOST_SENTENCES = 80  # compared by their vectors for one answer
MOST_QUOTED = 3
NEAR_BEST = 0.9  # share of the best score that a further sentence needs
LEAST_SCORE = 0.65  # below which the documents do not say (docs/answers.md)
_BETWEEN = "\n\n"
_LEAST_WORDS = 4  # of a sentence worth quoting
_WORDS_WEIGHT = 0.35  # best of the weights tried on 500 questions of SQuAD 2.0 (docs/answers.md)
_RANK_WEIGHT = 0.05
_FRAGMENT = 0.15  # taken off for a heading or a cell: a quote should say something whole
_ECHO = 0.3  # taken off for what only says the question again
_NEW_WORDS = 0.34  # least share of a sentence's words that the question does not have
_ASKS_FIGURE = re.compile(
    r"^when\b|\bhow (?:many|much|long|far|old|often|fast|high|large|big|tall|wide|deep|heavy|accurate)"
    r"\b|\b(?:what|which) (?:year|date|day|time|percentage|percent|price|number|amount|temperature|"
    r"weight|distance|size|salary|cost)\b|\bcosts?\b|\bprice\b",
    re.IGNORECASE,
)
_ASKS_PERSON = re.compile(r"^(?:who|whose)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Candidate:
    passage: int
    text: str
    context: str
    score: float = 0.0


class QuotingWriter:
    """Drafts by quoting; `embedder` compares question and sentences."""

    def __init__(self, embedder: Embedder, engine: str) -> None:
        self._embedder = embedder
        self.engine = engine
        self.model: str | None = None
        self.digest: str | None = None

    def standalone(self, question: str, history: Sequence[Turn]) -> Generator[Waiting, None, str]:
        """A follow-up made to stand alone by rule."""
        yield from ()
        return followup.standalone(question, history)

    def draft(self, question: Question, passages: Sequence[Passage]) -> Draft:
        return Draft(
            passages=tuple(passages),
            left_out=0,
            left_out_reason=None,
            prompt=None,
            num_ctx=None,
            num_predict=None,
            deltas=self._quote(question.asked, passages),
        )

    def _quote(self, question: str, passages: Sequence[Passage]) -> Iterator[ChatDelta]:
        chosen = choose(self.rank(question, passages))
        for i, candidate in enumerate(chosen):
            text = " ".join(candidate.text.split())
            # an empty line between: each quote is a statement of its own, table rows too
            yield ChatDelta(f"{_BETWEEN if i else ''}{text} [{candidate.passage}]")
        yield ChatDelta("", done=True)

    def rank(self, question: str, passages: Sequence[Passage]) -> list[_Candidate]:
        """The sentences of the passages with their scores, best first."""
        candidates = _candidates(question, passages)
        if not candidates:
            return []
        # where there are too many, those with words of the question are looked at before the others
        shares = _word_shares(question, [c.text for c in candidates])
        looked_at = np.argsort(-shares, kind="stable")[:MOST_SENTENCES]
        candidates, shares = [candidates[i] for i in looked_at], shares[looked_at]
        # sentences are compared as queries are read: of any length; each with what it stands under
        texts = [question, *(f"{c.context}: {c.text}" for c in candidates)]
        query, *rows = self._embedder.embed(texts, "query")
        near = np.stack(rows) @ query
        asked = set(content_words(question))
        scored = [
            replace(c, score=float(near[i] + _WORDS_WEIGHT * shares[i]) + _corrections(c, asked))
            for i, c in enumerate(candidates)
        ]
        return sorted(scored, key=lambda c: -c.score)


def _corrections(candidate: _Candidate, asked: Set[str]) -> float:
    """What the place and the form of a sentence add to its score, or take off."""
    own = set(content_words(candidate.text))
    score = _RANK_WEIGHT / candidate.passage
    if (
        not candidate.text.rstrip("\"'”’)]").endswith((".", "!", "?", "。"))
        and " | " not in candidate.text
    ):
        score -= _FRAGMENT
    if len(own - asked) < _NEW_WORDS * len(own):
        score -= _ECHO
    return score


def choose(ranked: Sequence[_Candidate]) -> list[_Candidate]:
    """The sentences to quote: the best, and others nearly as good that say something else."""
    if not ranked or ranked[0].score < LEAST_SCORE:
        return []
    chosen: list[_Candidate] = []
    said: set[str] = set()
    for candidate in ranked:
        if candidate.score < NEAR_BEST * ranked[0].score or len(chosen) == MOST_QUOTED:
            break
        own = set(content_words(candidate.text))
        if len(own - said) * 2 > len(own):
            chosen.append(candidate)
            said |= own
    return chosen


def _candidates(question: str, passages: Sequence[Passage]) -> list[_Candidate]:
    """The sentences of the passages that speak of the years and codes that the question names."""
    pinned = anchors(question)
    return [
        _Candidate(passage.number, passage.text[start:end], _context(passage))
        for passage in passages
        if all(anchor in fold(f"{passage.name} {passage.text}") for anchor in pinned)
        for start, end in sentences(passage.text)
        if len(passage.text[start:end].split()) >= _LEAST_WORDS
        and _is_of_kind(question, passage.text[start:end])
    ]


def _is_of_kind(question: str, sentence: str) -> bool:
    """Whether a sentence has what the question asks for: a figure or a date, or somebody's name."""
    if _ASKS_FIGURE.search(question):
        found = facts(sentence)
        return bool(found.figures or found.dates)
    if _ASKS_PERSON.search(question):
        named = facts(sentence).names - facts(question).names
        return bool(named) or sentence[:1].isupper()
    return True


def _context(passage: Passage) -> str:
    """What a sentence stands under: its headings, or the words of its file's name."""
    return " › ".join(passage.headings) or " ".join(words(passage.name.rsplit(".", 1)[0]))


def _word_shares(question: str, texts: Sequence[str]) -> np.ndarray:
    """For each text the share of the question's words it has, rarer words counting more."""
    asked = set(content_words(question))
    sets = [set(content_words(text)) for text in texts]
    weights = {w: math.log(1 + len(sets) / (1 + sum(w in s for s in sets))) for w in asked}
    total = sum(weights.values()) or 1.0
    return np.array([sum(weights[w] for w in asked & s) / total for s in sets])
