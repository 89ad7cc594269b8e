"""Scores of rankings against judgements, and means with their uncertainty. Pure.

Definitions as in trec_eval (the tests compare with it): nDCG with linear gain and log2 discount,
recall over all relevant documents, reciprocal rank of the first relevant one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rag.types import Vectors

SAMPLES = 2000  # of the bootstrap


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over questions with its 95 % interval."""

    value: float
    low: float
    high: float


def ndcg(ranking: Sequence[str], relevant: Mapping[str, int], k: int) -> float:
    """Normalised discounted cumulative gain of the first `k`, 0 to 1."""
    gains = [relevant.get(item, 0) for item in ranking[:k]]
    ideal = sorted(relevant.values(), reverse=True)[:k]
    best = _discounted(ideal)
    return _discounted(gains) / best if best else 0.0


def recall(ranking: Sequence[str], relevant: Mapping[str, int], k: int) -> float:
    """The share of relevant documents among the first `k`, 0 to 1."""
    return len(set(ranking[:k]) & relevant.keys()) / len(relevant) if relevant else 0.0


def reciprocal_rank(ranking: Sequence[str], relevant: Mapping[str, int], k: int) -> float:
    """1 / rank of the first relevant document among the first `k`; 0 where there is none."""
    for rank, item in enumerate(ranking[:k], start=1):
        if item in relevant:
            return 1.0 / rank
    return 0.0


def success(ranking: Sequence[str], relevant: Mapping[str, int], k: int) -> float:
    """1 where a relevant document is among the first `k`, else 0."""
    return float(any(item in relevant for item in ranking[:k]))


def mean(values: Sequence[float]) -> Mean:
    """The mean with a 95 % interval by bootstrap over questions (Efron 1979), seeded."""
    resampled = _resampled_means(np.asarray(values, np.float64))
    low, high = np.percentile(resampled, [2.5, 97.5])
    return Mean(float(np.mean(values)), float(low), float(high))


def _discounted(gains: Sequence[int]) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, start=1))


def _resampled_means(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Vectors:
    rng = np.random.default_rng(0)
    picks = rng.integers(0, len(values), (SAMPLES, len(values)))
    means: Vectors = values[picks].mean(axis=1).astype(np.float32)
    return means
