"""A draft made of verbatim sentences, for a desk without a language model.

The sentences of the passages are ranked by how near their vectors are to the question's and by how
many of its words they have; the best few are quoted, each with its passage's number. Where even the
best is not near enough, there is no draft: the documents do not say.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rag.answering.writing import Draft, Question
from rag.text import content_words, sentences
from rag.types import ChatDelta, Embedder, Passage

MOST_SENTENCES = 60  # looked at for one answer
MOST_QUOTED = 3
NEAR_BEST = 0.9  # share of the best score that a further sentence needs
LEAST_SCORE = 0.5  # below which the documents do not say
_LEAST_WORDS = 4  # of a sentence worth quoting
_WORDS_WEIGHT = 0.35
_RANK_WEIGHT = 0.05


@dataclass(frozen=True, slots=True)
class _Candidate:
    passage: int
    text: str
    score: float = 0.0


class QuotingWriter:
    """Drafts by quoting; `embedder` compares question and sentences."""

    def __init__(self, embedder: Embedder, engine: str) -> None:
        self._embedder = embedder
        self.engine = engine
        self.model: str | None = None
        self.digest: str | None = None

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
            yield ChatDelta(f"{' ' if i else ''}{text} [{candidate.passage}]")
        yield ChatDelta("", done=True)

    def rank(self, question: str, passages: Sequence[Passage]) -> list[_Candidate]:
        """The sentences of the passages with their scores, best first."""
        candidates = _candidates(passages)
        if not candidates:
            return []
        query = self._embedder.embed([question], "query")[0]
        rows = self._embedder.embed([c.text for c in candidates], "document")
        lexical = _word_scores(question, [c.text for c in candidates])
        near = rows @ query
        scored = [
            _Candidate(
                c.passage,
                c.text,
                float(near[i]) + _WORDS_WEIGHT * lexical[i] + _RANK_WEIGHT / c.passage,
            )
            for i, c in enumerate(candidates)
        ]
        return sorted(scored, key=lambda c: -c.score)


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


def _candidates(passages: Sequence[Passage]) -> list[_Candidate]:
    found = [
        _Candidate(passage.number, passage.text[start:end])
        for passage in passages
        for start, end in sentences(passage.text)
        if len(passage.text[start:end].split()) >= _LEAST_WORDS
    ]
    return found[:MOST_SENTENCES]


def _word_scores(question: str, texts: Sequence[str]) -> np.ndarray:
    """For each text the share of the question's words it has, rarer words counting more."""
    asked = set(content_words(question))
    sets = [set(content_words(text)) for text in texts]
    weights = {w: math.log(1 + len(sets) / (1 + sum(w in s for s in sets))) for w in asked}
    total = sum(weights.values()) or 1.0
    return np.array([sum(weights[w] for w in asked & s) / total for s in sets])
