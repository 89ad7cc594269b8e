"""Hits to passages: neighbours joined, the same text once. Pure."""

from itertools import pairwise

from library import loaded

from rag.chunking import Chunker
from rag.engines import wordpiece
from rag.retrieval.passages import LONGEST, passages
from rag.types import Hit, StoredChunk

PAGE = "The first part. The second part. The third part. The fourth part."
PARTS = [(0, 15), (16, 32), (33, 48), (49, 65)]


def hit(
    start: int, end: int, score: float = 1.0, unit: int = 1, document: str = "d", text: str = PAGE
) -> Hit:
    chunk = StoredChunk(
        id=start + unit * 10_000, document_id=document, path=f"/{document}", name=document,
        title=None, sha256="0", stale=False, unit=unit, kind="page", label=f"page {unit}",
        start=start, end=end, headings=(), text=text[start:end], vector_key=b"",
    )  # fmt: skip
    return Hit(chunk, score)


def page(document: str, unit: int) -> str:
    return PAGE


def test_neighbours_of_a_unit_become_one_passage_with_the_text_between() -> None:
    (one,) = passages([hit(*PARTS[1], 0.5), hit(*PARTS[0], 0.25)], page, 5)
    assert (one.start, one.end, one.text) == (0, 32, "The first part. The second part.")
    assert (one.number, one.score) == (1, 0.75)


def test_hits_with_text_between_them_stay_apart() -> None:
    found = passages([hit(*PARTS[0], 0.5), hit(*PARTS[2], 0.9)], page, 5)
    assert [(p.number, p.text) for p in found] == [(1, "The third part."), (2, "The first part.")]


def test_pages_and_documents_are_never_joined() -> None:
    texts = {("d", 2): "Another page altogether.", ("e", 1): "Another document altogether."}

    def unit_text(document: str, unit: int) -> str:
        return texts.get((document, unit), PAGE)

    hits = [
        hit(0, 15),
        hit(16, 24, unit=2, text=texts["d", 2]),
        hit(16, 28, document="e", text=texts["e", 1]),
    ]
    assert len(passages(hits, unit_text, 5)) == 3


def test_the_same_text_found_twice_is_taken_once() -> None:
    copies = [hit(*PARTS[0], 0.9), hit(*PARTS[0], 0.8, document="copy")]
    assert [p.document_id for p in passages(copies, page, 5)] == ["d"]


def test_no_more_than_asked_and_the_best_first() -> None:
    hits = [hit(*PARTS[i], score) for i, score in ((0, 0.2), (2, 0.9))]
    assert [p.score for p in passages(hits, page, 1)] == [0.9]


def test_one_page_cannot_fill_the_prompt() -> None:
    text = "A sentence about the tide. " * 600
    chunks = Chunker(wordpiece.count).split(loaded(text))
    hits = [hit(c.start, c.end, text=f"{c.start} {text}") for c in chunks]
    hits = [Hit(h.chunk, h.score) for h in hits]
    found = passages(hits, lambda d, u: text, 50)
    assert len(found) > 1
    assert max(p.end - p.start for p in found) <= LONGEST


def test_a_hit_that_closes_a_gap_joins_both_sides() -> None:
    hits = [hit(*PARTS[0], 0.9), hit(*PARTS[2], 0.8), hit(*PARTS[1], 0.7)]
    found = passages(hits, page, 5)
    spans = sorted((p.start, p.end) for p in found)
    assert all(a[1] <= b[0] for a, b in pairwise(spans))
    assert spans[0][0] == 0
    assert spans[-1][1] == 48
