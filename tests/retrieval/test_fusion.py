"""Joining rankings and asking for more: pure."""

import numpy as np
import pytest

from rag.retrieval.fusion import best_first, both, fused, reciprocal_rank_fusion, towards
from rag.retrieval.overfetch import Scored, enough
from rag.types import Hit, StoredChunk


def test_scores_are_the_sums_of_reciprocal_ranks() -> None:
    scores = reciprocal_rank_fusion([[1, 2, 3], [3, 1]])
    assert scores == {
        1: pytest.approx(1 / 61 + 1 / 62),
        2: pytest.approx(1 / 62),
        3: pytest.approx(1 / 63 + 1 / 61),
    }


def test_a_hit_of_both_searches_beats_the_best_of_one() -> None:
    scores = reciprocal_rank_fusion([[1, 5], [2, 5]])
    assert max(scores, key=scores.__getitem__) == 5


def test_no_rankings_give_no_scores() -> None:
    assert reciprocal_rank_fusion([[], []]) == {}


def hits(**scored: float) -> list[Hit]:
    """Hits whose chunks are called by single letters."""
    return [
        Hit(StoredChunk(ord(name), "d", "/d", name, None, "", False, 1, "", "", 0, 1, (), "", b""), s)
        for name, s in scored.items()
    ]  # fmt: skip


def test_what_two_forms_of_a_question_found_is_joined_by_shares_of_their_bests() -> None:
    joined = both(hits(a=0.8, b=0.6, c=0.2), hits(d=2.0, b=1.6))
    assert [(hit.chunk.name, round(hit.score, 3)) for hit in joined] == [
        ("b", 0.775), ("a", 0.5), ("d", 0.5), ("c", 0.125)
    ]  # fmt: skip
    assert [hit.chunk.name for hit in both(hits(a=0.5), [])] == ["a"]
    assert both([], []) == []


def scores(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def test_both_scores_count_as_shares_of_the_best() -> None:
    joined = fused(scores(0.8, 0.4), scores(5.0, 20.0), 0.6)
    assert joined == pytest.approx([0.6 + 0.4 * 0.25, 0.6 * 0.5 + 0.4])


def test_how_far_the_best_is_ahead_counts_not_only_that_it_is() -> None:
    near = fused(scores(0.80, 0.79), scores(1.0, 3.0), 0.5)
    far = fused(scores(0.80, 0.10), scores(1.0, 3.0), 0.5)
    assert near[1] > near[0] and far[0] > far[1]


def test_a_search_that_found_nothing_leaves_the_other_alone() -> None:
    assert fused(scores(0, 0), scores(2.0, 1.0), 0.6) == pytest.approx([0.4, 0.2])
    assert fused(scores(-0.1, -0.2), scores(0, 0), 0.6) == pytest.approx([0, 0])


def test_feedback_moves_the_question_towards_what_it_found() -> None:
    query, found = scores(1, 0, 0), np.array([[0, 1, 0], [0, 0, 1]], np.float32)
    moved = towards(query, found, 0.5)
    assert np.linalg.norm(moved) == pytest.approx(1)
    assert moved @ found[0] == pytest.approx(moved @ found[1]) and moved @ found[0] > 0
    assert moved @ query > moved @ found[0], "the question itself counts most"


def test_equals_are_ranked_by_their_ids() -> None:
    assert best_first(scores(1, 2, 2), [7, 9, 8]) == [2, 1, 0]


class Index:
    """Ten hits, best first, and how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def fetch(self, n: int) -> list[Scored]:
        self.asked.append(n)
        return [(i, 1.0 - i / 10) for i in range(min(n, 10))]


def test_enough_live_hits_are_asked_for_once() -> None:
    index = Index()
    assert [i for i, _ in enough(index.fetch, list, 3)] == [0, 1, 2]
    assert index.asked == [3]


def test_dead_hits_are_made_up_for_by_asking_for_twice_as_many() -> None:
    index = Index()
    alive = enough(index.fetch, lambda hits: [h for h in hits if h[0] >= 5], 2)
    assert [i for i, _ in alive] == [5, 6]
    assert index.asked == [2, 4, 8]


def test_asking_ends_when_the_index_has_no_more() -> None:
    index = Index()
    assert enough(index.fetch, lambda hits: [h for h in hits if h[0] == 9], 2) == [
        (9, pytest.approx(0.1))
    ]
    assert index.asked == [2, 4, 8, 16]
