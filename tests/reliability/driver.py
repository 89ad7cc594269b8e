"""The command line of the product, unchanged but for what a small test needs.

There is a second embedding model (second_model.py), and by the environment:

VOUCH_TEST_SMALL=1       generations are due after tens of chunks instead of thousands
VOUCH_TEST_KILL=place:n  SIGKILL to the whole process group at the n-th passing of a place

The product's own code runs; its functions are wrapped from outside.
"""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from rag.cli.main import main

from . import second_model

PLACES = (
    "vectors_stored",  # a slice of vectors is committed, its chunks are not
    "before_commit",  # a transaction is complete but not committed
    "after_commit",  # a transaction is committed, nobody has been told
    "tantivy_filling",  # chunks are in tantivy's writer, not committed
    "tantivy_committed",  # tantivy has committed, the watermark is not written
    "generation_proven",  # a generation lies there whole and proven, its row is not written
    "generation_published",  # its row is written, folders of older ones are still there
    "generation_withdrawn",  # an older one has lost its row in the same commit
)
SWAPPED = "swapped"  # of a reindex: another model answers, what is not kept is still there


def _kill() -> None:
    os.killpg(0, signal.SIGKILL)


class _Trap:
    """Counts how often a place is passed and kills at the chosen one."""

    def __init__(self, asked: str) -> None:
        self.place, _, number = asked.partition(":")
        assert self.place in (*PLACES, SWAPPED), self.place
        self._left = int(number or 1)

    def passing(self, place: str) -> None:
        if place == self.place:
            self._left -= 1
            if self._left == 0:
                _kill()


def _before(owner: Any, name: str, trap: _Trap, place: str) -> None:
    inner: Callable[..., Any] = getattr(owner, name)

    def trapped(*args: Any, **kwargs: Any) -> Any:
        trap.passing(place)
        return inner(*args, **kwargs)

    setattr(owner, name, trapped)


def set_trap(asked: str) -> None:
    """Put the traps where PLACES says."""
    from rag.catalog.connection import Catalog
    from rag.indexes import publish
    from rag.indexes.keyword import KeywordIndex
    from rag.ingest import commit

    trap = _Trap(asked)
    _before(publish, "_on_disk", trap, "generation_proven")
    _trap_write(Catalog, trap, commit.vectors, publish.indexing)
    _trap_update(KeywordIndex, trap)


def _trap_write(catalog: Any, trap: _Trap, vectors: Any, indexing: Any) -> None:
    """Kills around COMMIT; what the transaction did is known by the functions it called."""
    inner = catalog.write
    did: list[str] = []
    _note(vectors, "put", did, "vectors_stored")
    _note(indexing, "publish", did, "generation_published")
    _note(indexing, "withdraw", did, "generation_withdrawn")
    _note(indexing, "swap", did, SWAPPED)

    @contextmanager
    def write(self: Any, lock: Any) -> Iterator[sqlite3.Connection]:
        did.clear()
        with inner(self, lock) as db:
            yield db
            trap.passing("before_commit")
        trap.passing("after_commit")
        for place in did:
            trap.passing(place)

    catalog.write = write


def _note(owner: Any, name: str, did: list[str], place: str) -> None:
    inner = getattr(owner, name)

    def noted(*args: Any) -> Any:
        did.append(place)
        return inner(*args)

    setattr(owner, name, noted)


def _trap_update(index: Any, trap: _Trap) -> None:
    inner = index.update

    def update(self: Any, removed: Iterable[int], added: Iterable[Any]) -> None:
        inner(self, removed, _ending(added, trap))
        trap.passing("tantivy_committed")

    index.update = update


def _ending(added: Iterable[Any], trap: _Trap) -> Iterator[Any]:
    yield from added
    trap.passing("tantivy_filling")


def lower_thresholds() -> None:
    from rag.indexes import publish
    from rag.ingest import pipeline

    pipeline.FOLLOW_SECONDS = 0.2
    publish.TAIL_AT_END = (20, 0.01, 10_000)
    publish.TAIL_WITHIN_RUN = (100, 0.02, 10_000)


if __name__ == "__main__":
    second_model.install()
    if os.environ.get("VOUCH_TEST_SMALL"):
        lower_thresholds()
    if os.environ.get("VOUCH_TEST_KILL"):
        set_trap(os.environ["VOUCH_TEST_KILL"])
    main()
