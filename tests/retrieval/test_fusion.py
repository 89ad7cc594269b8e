"""Joining rankings and asking for more: pure."""

import pytest

from rag.retrieval.fusion import reciprocal_rank_fusion
from rag.retrieval.overfetch import Scored, enough


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
