"""Embedding in a thread of its own: a group of texts is embedded while the one before is committed.

Texts are embedded in slices, sorted by length. A slice takes about as long as a kill may cost; how
many texts that is differs a hundredfold between engines, and is learnt from the slices before.
Knows nothing of the catalog.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from rag.types import Embedder, Vectors

FIRST_SLICE, LARGEST_SLICE = 8, 256  # texts
SLICE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Slice:
    """Texts by their keys, and their vectors row for row; seconds that these took."""

    keys: Sequence[bytes]
    rows: Vectors
    seconds: float


@dataclass(slots=True)
class Pace:
    """How many texts make a slice, by what the slices so far have taken."""

    texts: int = 0
    seconds: float = 0.0

    @property
    def size(self) -> int:
        size = int(self.texts / max(self.seconds, 0.001) * SLICE_SECONDS)
        return min(max(size, FIRST_SLICE), LARGEST_SLICE)

    def add(self, texts: int, seconds: float) -> None:
        self.texts += texts
        self.seconds += seconds


class Ahead:
    """Embeds groups of texts one after the other. `close` ends it after the slice it is at."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._pace = Pace()
        self._stopping = threading.Event()
        self._thread = ThreadPoolExecutor(1, "embedding")

    def begin(self, texts: Mapping[bytes, str]) -> Iterator[Slice]:
        """Embed a group of texts from now on; its slices, as they are ready.

        Taking them raises what the engine raises.
        """
        slices: queue.SimpleQueue[Slice | Exception | None] = queue.SimpleQueue()
        self._thread.submit(self._embed, dict(texts), slices)
        return _taken(slices)

    def close(self) -> None:
        self._stopping.set()
        self._thread.shutdown(cancel_futures=True)

    def _embed(
        self, texts: Mapping[bytes, str], slices: queue.SimpleQueue[Slice | Exception | None]
    ) -> None:
        left = sorted(texts, key=lambda key: len(texts[key]))
        end: Exception | None = None
        try:
            while left and not self._stopping.is_set():
                keys, left = left[: self._pace.size], left[self._pace.size :]
                started = time.perf_counter()
                rows = self._embedder.embed([texts[key] for key in keys], "document")
                seconds = time.perf_counter() - started
                self._pace.add(len(keys), seconds)
                slices.put(Slice(keys, rows, seconds))
        except Exception as error:  # raised again where the slices are taken
            end = error
        slices.put(end)


def _taken(slices: queue.SimpleQueue[Slice | Exception | None]) -> Iterator[Slice]:
    while (item := slices.get()) is not None:
        if isinstance(item, Exception):
            raise item
        yield item
