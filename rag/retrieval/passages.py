"""Hits to passages: neighbours in a unit are joined, the same text is taken once. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rag.types import Hit, Passage

UnitText = Callable[[str, int], str]
"""The stored text of a unit, by document id and unit number."""

LONGEST = 2400  # code points of a joined passage: some ten of them fit a window of 8192 tokens


@dataclass(slots=True)
class _Span:
    hit: Hit
    start: int
    end: int
    score: float


def passages(hits: Sequence[Hit], unit_text: UnitText, most: int) -> tuple[Passage, ...]:
    """The best `most` passages, best first, numbered from 1."""
    spans: list[_Span] = []
    seen: set[str] = set()
    for hit in hits:
        text = " ".join(hit.chunk.text.split())
        if text in seen:
            continue
        seen.add(text)
        neighbour = next((s for s in spans if _touch(s, hit, unit_text)), None)
        if neighbour is None:
            spans.append(_Span(hit, hit.chunk.start, hit.chunk.end, hit.score))
        else:
            neighbour.start = min(neighbour.start, hit.chunk.start)
            neighbour.end = max(neighbour.end, hit.chunk.end)
            neighbour.score += hit.score
    best = sorted(spans, key=lambda span: -span.score)[:most]
    return tuple(_passage(i, span, unit_text) for i, span in enumerate(best, start=1))


def _touch(span: _Span, hit: Hit, unit_text: UnitText) -> bool:
    """Whether a hit continues a span: the same unit, only white space between, not too long."""
    one, other = span.hit.chunk, hit.chunk
    if (one.document_id, one.unit) != (other.document_id, other.unit):
        return False
    if max(span.end, other.end) - min(span.start, other.start) > LONGEST:
        return False
    gap = unit_text(one.document_id, one.unit)[
        min(span.end, other.end) : max(span.start, other.start)
    ]
    return not gap.strip()


def _passage(number: int, span: _Span, unit_text: UnitText) -> Passage:
    chunk = span.hit.chunk
    return Passage(
        number=number,
        document_id=chunk.document_id,
        path=chunk.path,
        name=chunk.name,
        sha256=chunk.sha256,
        stale=chunk.stale,
        page=chunk.unit,
        unit=chunk.kind,
        label=chunk.label,
        start=span.start,
        end=span.end,
        headings=chunk.headings,
        text=unit_text(chunk.document_id, chunk.unit)[span.start : span.end],
        score=span.score,
        ocr_confidence=chunk.ocr_confidence,
    )
