"""The chunks among which a question's best are chosen, with both scores of each.

Each search brings its own best; what one brought, the other scores too, so that no candidate is
judged by half. Knows nothing of how the scores are joined.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rag.catalog import vectors
from rag.retrieval.lexical import Words
from rag.retrieval.overfetch import Scored
from rag.types import EmbeddingIdentity, Vectors

Ranks = Mapping[int, int]
"""From chunk id to its rank in one search, from 1."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Chunk ids and, row for row, their vectors and keyword scores.

    `rankings`: by vector and by keyword.
    """

    ids: list[int]
    vectors: Vectors
    keywords: Vectors
    rankings: tuple[Ranks, Ranks]

    def cosines(self, vector: Vectors | None) -> Vectors:
        """Each candidate's similarity to a vector; nothing is similar to none."""
        if vector is None or not self.ids:
            return np.zeros(len(self.ids), np.float32)
        similar: Vectors = self.vectors @ vector
        return similar

    def with_more(self, more: Candidates) -> Candidates:
        """These and others; their rankings stay."""
        if not more.ids:
            return self
        return Candidates(
            self.ids + more.ids,
            np.concatenate([self.vectors, more.vectors]),
            np.concatenate([self.keywords, more.keywords]),
            self.rankings,
        )


def collect(
    db: sqlite3.Connection,
    identity: EmbeddingIdentity,
    words: Words,
    query: str,
    by_vector: Sequence[Scored],
    by_keyword: Sequence[Scored],
    also: Sequence[int] = (),
    with_vectors: bool = True,
) -> Candidates:
    """What the searches found, and `also`, with the scores that either search did not give.

    Without vectors where no similarity counts: reading them is most of the work.
    """
    scored = dict(by_keyword)
    wanted = {i for i, _ in by_vector} | scored.keys() | set(also)
    others = words.begin_scores(query, sorted(wanted - scored.keys()))
    if with_vectors:
        ids, matrix = vectors.of_chunks(db, identity.key, sorted(wanted))
    else:
        ids, matrix = sorted(wanted), np.empty((len(wanted), 0), np.float32)
    scored |= others()
    keywords = np.array([scored.get(i, 0.0) for i in ids], np.float32)
    return Candidates(ids, matrix, keywords, (_ranks(by_vector), _ranks(by_keyword)))


def _ranks(found: Sequence[Scored]) -> Ranks:
    return {chunk_id: rank for rank, (chunk_id, _) in enumerate(found, start=1)}
