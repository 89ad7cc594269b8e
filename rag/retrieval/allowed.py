"""The chunks that a filter leaves, and those of the scopes that were asked last.

What is left lives in the question's snapshot: nobody has to ask the catalog about it again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rag.catalog import chunks
from rag.retrieval.overfetch import Scored
from rag.types import EVERYTHING, Scope

_KEPT = 8  # scopes; a chunk costs eight bytes in each


@dataclass(frozen=True, slots=True, eq=False)
class Allowed:
    """The ids of the chunks that may be found, sorted."""

    ids: npt.NDArray[np.int64]

    @classmethod
    def of(cls, ids: Iterable[int]) -> Allowed:
        return cls(np.unique(np.fromiter(ids, np.int64)))

    def __len__(self) -> int:
        return len(self.ids)

    def __and__(self, others: Iterable[int]) -> Allowed:
        return Allowed(np.intersect1d(self.ids, Allowed.of(others).ids))

    def among(self, found: Sequence[Scored]) -> list[Scored]:
        """What was found and is allowed, in the same order."""
        if not found or not len(self.ids):
            return []
        wanted = np.fromiter((i for i, _ in found), np.int64, len(found))
        places = np.minimum(np.searchsorted(self.ids, wanted), len(self.ids) - 1)
        return [hit for hit, same in zip(found, self.ids[places] == wanted, strict=True) if same]


class Scopes:
    """The chunks of scopes, kept until the next commit that changes any. For many threads."""

    def __init__(self) -> None:
        self._kept: dict[Scope, tuple[int, Allowed]] = {}

    def allowed(self, db: sqlite3.Connection, scope: Scope) -> Allowed | None:
        """None: everything."""
        if scope == EVERYTHING:
            return None
        sequence = chunks.sequence(db)
        known = self._kept.pop(scope, None)
        if known is None or known[0] != sequence:
            ids = chunks.ids_in(db, scope.collections, scope.documents)
            known = sequence, Allowed.of(ids)
        self._kept[scope] = known
        for oldest in list(self._kept)[:-_KEPT]:
            self._kept.pop(oldest, None)
        return known[1]
