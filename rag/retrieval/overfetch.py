"""Asks an index that knows neither filters nor deletions for more, until enough hits are left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

Scored = tuple[int, float]
"""A chunk's id and its score; higher is better."""

Raw = TypeVar("Raw")


def enough(
    fetch: Callable[[int], Sequence[Raw]],
    keep: Callable[[Sequence[Raw]], list[Scored]],
    k: int,
) -> list[Scored]:
    """The first `k` hits that `keep` leaves; `fetch` is asked for twice as many until then.

    Ends when the index has no more.
    """
    wanted = k
    while True:
        found = fetch(wanted)
        kept = keep(found)
        if len(kept) >= k or len(found) < wanted:
            return kept[:k]
        wanted *= 2
