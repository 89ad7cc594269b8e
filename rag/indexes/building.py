"""What a process of its own does to one generation: build it, or prove it."""

from __future__ import annotations

from rag import egress

egress.seal_environment()
egress.guard()

import sys  # noqa: E402
from multiprocessing import parent_process  # noqa: E402
from pathlib import Path  # noqa: E402

from rag.catalog import vectors  # noqa: E402
from rag.catalog.connection import Catalog  # noqa: E402
from rag.indexes import vector  # noqa: E402
from rag.process import die_with_parent  # noqa: E402

_SAMPLES = 20


def build(database: Path, identity: str, folder: Path, count: int, *commits: int) -> None:
    """Write a generation of `count` vectors: those of a stretch of commits."""
    _die_with_builder()
    with Catalog(database).read() as db:
        vector.build(folder, vectors.live(db, identity, vector.BATCH, *commits), count)


def probe(database: Path, identity: str, folder: Path, count: int, *commits: int) -> None:
    """End the process with 0 if a generation answers rightly, else with what is wrong on stderr."""
    _die_with_builder()
    with Catalog(database).read() as db:
        keys, rows = next(vectors.live(db, identity, _SAMPLES, *commits))
    sys.exit(vector.probe(folder, count, list(zip(keys, rows, strict=True))))


def _die_with_builder() -> None:
    builder = parent_process()
    die_with_parent(builder.pid if builder else None)
