"""Asks an index that knows neither filters nor deletions for more, until enough hits are left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil
from typing import TypeVar

Scored = tuple[int, float]
"""A chunk's id and its score; higher is better."""

Raw = TypeVar("Raw")
_MARGIN = 1.3


def asked_first(k: int, share: float) -> int:
    """How many hits to begin with, where so great a share of them may be kept."""
    return k if share >= 1.0 else ceil(_MARGIN * k / share)


def enough(
    fetch: Callable[[int], Sequence[Raw]],
    keep: Callable[[Sequence[Raw]], list[Scored]],
    k: int,
    share: float = 1.0,
) -> list[Scored]:
    """The first `k` hits that `keep` leaves; `fetch` is asked for twice as many until then.

    `share`: how many hits it may leave. Ends when the index has no more.
    """
    wanted = asked_first(k, share)
    while True:
        found = fetch(wanted)
        kept = keep(found)
        if len(kept) >= k or len(found) < wanted:
            return kept[:k]
        wanted *= 2
