"""A vector index as an immutable generation: a Chroma folder, built once, then only read.

Chroma holds vector keys and vectors, nothing else: text, metadata and filters live in the catalog.
A kill while Chroma writes its graph destroys the folder late and by SIGSEGV, therefore a folder
is written in one go, by a process that does nothing else, and never again after it was published.

The graph is written exactly once, at the end, because the sync threshold is the number of vectors.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from rag.errors import LibraryDamaged
from rag.types import Vectors

COLLECTION = "vectors"
EF_SEARCH = 250
"""Of the hundred hits that a search asks for. Recall@10 of 100,000 vectors in close clusters is .993;
with 200 it was .98, with 400 .998 for a millisecond more of each generation."""
BATCH = 1000
LEAST_FOUND = 0.8  # of the vectors that a probe looks for


class Generation:
    """An open generation, for reading: one query at a time."""

    def __init__(self, folder: Path) -> None:
        self._querying = threading.Lock()
        self._client: Any = None
        try:
            self._client = _client(folder)
            self._collection = self._client.get_collection(COLLECTION, embedding_function=None)
            self._count = int(self._collection.count())
        except Exception as error:  # Chroma raises bare types of its native part
            self.close()
            raise LibraryDamaged(
                str(folder),
                f"The vector index {folder.name} cannot be opened ({error}).",
                "Run rag ingest on any folder: it builds a new one from the catalog.",
            ) from error

    @property
    def count(self) -> int:
        """How many vectors it holds."""
        return self._count

    def query(self, vector: Vectors, k: int) -> list[tuple[bytes, float]]:
        """The `k` nearest keys with their cosine similarity, best first. `vector`: [dims]."""
        with self._querying:
            found = self._collection.query(
                query_embeddings=[vector], n_results=min(k, self._count), include=["distances"]
            )
        keys, distances = found["ids"][0], found["distances"][0]
        return [(bytes.fromhex(key), 1.0 - d) for key, d in zip(keys, distances, strict=True)]

    def close(self) -> None:
        if self._client is not None:
            self._client.close()


def build(folder: Path, batches: Iterable[tuple[list[bytes], Vectors]], count: int) -> None:
    """Write a generation of `count` vectors into a new folder."""
    client = _client(folder)
    hnsw = {
        "space": "cosine",
        "ef_search": EF_SEARCH,
        "sync_threshold": max(count, 2),
        "batch_size": max(min(100, count), 2),
    }
    collection = client.create_collection(
        COLLECTION, embedding_function=None, configuration={"hnsw": hnsw}
    )
    for keys, vectors in batches:
        collection.add(ids=[key.hex() for key in keys], embeddings=vectors)
    client.close()
    _give_back(folder)


def _give_back(folder: Path) -> None:
    """The room of Chroma's log, which held every vector until the graph was written: half of all."""
    with closing(sqlite3.connect(folder / "chroma.sqlite3")) as db:
        db.execute("VACUUM")


def probe(folder: Path, count: int, samples: list[tuple[bytes, Vectors]]) -> str | None:
    """What is wrong with a closed generation; None if it answers rightly.

    HNSW leaves a few of very many near-identical vectors unreachable: some samples may miss.
    """
    generation = Generation(folder)
    try:
        if generation.count != count:
            return f"it holds {generation.count} vectors instead of {count}"
        found = [_finds_itself(generation, vector) for _, vector in samples]
        if sum(found) < LEAST_FOUND * len(samples):
            return f"only {sum(found)} of {len(samples)} vectors find themselves"
    finally:
        generation.close()
    return None


def _finds_itself(generation: Generation, vector: Vectors) -> bool:
    nearest = generation.query(vector, min(10, generation.count))
    best = max((similarity for _, similarity in nearest), default=0.0)
    return bool(np.isfinite(best)) and best > 0.999  # float16 in the catalog, float32 in Chroma


def import_chroma() -> Any:
    """Its module, imported on first use: that takes a second."""
    import chromadb
    import chromadb.api.rust  # else imported by the first client

    return chromadb


def _client(folder: Path) -> Any:
    chroma = import_chroma()
    settings = chroma.Settings(anonymized_telemetry=False, allow_reset=False)
    return chroma.PersistentClient(str(folder), settings=settings)
