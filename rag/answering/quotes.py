"""The verbatim sentences of a passage that best back a statement. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.answering.verdicts import Judgement, judge, shared_words
from rag.text import Span, sentences
from rag.types import Citation, Passage

MOST_SENTENCES = 3  # of one quote
_CANDIDATES = 4  # windows of a passage that are judged in full


@dataclass(frozen=True, slots=True)
class Backing:
    """A quote of a passage and how well it backs a statement."""

    passage: Passage
    start: int
    end: int
    judgement: Judgement

    @property
    def citation(self) -> Citation:
        """The quote with everything needed to find it again: offsets are into the unit's text."""
        passage = self.passage
        return Citation(
            document_id=passage.document_id,
            path=passage.path,
            name=passage.name,
            sha256=passage.sha256,
            page=passage.page,
            unit=passage.unit,
            label=passage.label,
            quote=passage.text[self.start : self.end],
            start=passage.start + self.start,
            end=passage.start + self.end,
            passage=passage.number,
            stale=passage.stale,
            ocr_confidence=passage.ocr_confidence,
        )


def best_backing(
    statement: str, passages: Sequence[Passage], cited: Sequence[int]
) -> Backing | None:
    """The quote that backs a statement best; a cited passage wins where others are no better."""
    best: Backing | None = None
    order = sorted(passages, key=lambda p: (p.number not in cited, p.number))
    for passage in order:
        backing = _best_in(statement, passage)
        if backing and (best is None or backing.judgement.rank[0] > best.judgement.rank[0]):
            best = backing
    return best


def _best_in(statement: str, passage: Passage) -> Backing | None:
    context = " ".join([*passage.headings, passage.name])
    windows = sorted(
        _windows(passage.text),
        key=lambda w: (-shared_words(statement, passage.text[w[0] : w[1]]), w[1] - w[0]),
    )
    judged = [
        Backing(
            passage, start, end, judge(statement, passage.text[start:end], passage.text, context)
        )
        for start, end in windows[:_CANDIDATES]
    ]
    return max(judged, key=lambda b: (b.judgement.rank, b.start - b.end), default=None)


def _windows(text: str) -> Iterator[Span]:
    """Every run of one to three sentences."""
    spans = sentences(text)
    for i, (start, _) in enumerate(spans):
        for _, end in spans[i : i + MOST_SENTENCES]:
            yield start, end
