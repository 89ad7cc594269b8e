"""A question answered by a thread of its own, so that the page stays awake while a model thinks.

A page that waited for a model directly could neither be stopped nor notice that its reader left
until the next word came, which may take a minute while the model is loading.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import closing

from rag.types import AnswerEvent

TICK = 0.1  # seconds between two looks of a page


class Asking:
    """Runs one stream of answer events. What `start`, which opens it, raises, `batches` raises."""

    def __init__(self, start: Callable[[], Iterator[AnswerEvent]]) -> None:
        self._start = start
        self._arrived: queue.SimpleQueue[AnswerEvent | BaseException | None] = queue.SimpleQueue()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="asking", daemon=True)
        self._thread.start()

    def batches(self, tick: float = TICK) -> Iterator[list[AnswerEvent]]:
        """What has arrived, about every `tick` seconds (maybe nothing), until the stream ends."""
        while True:
            batch, end = self._take(tick)
            yield batch
            if isinstance(end, BaseException):
                raise end
            if end is not None:
                return

    def close(self) -> None:
        """Let the stream be closed, which ends the model's work, when its next event comes."""
        self._stopped.set()

    def _take(self, tick: float) -> tuple[list[AnswerEvent], BaseException | _End | None]:
        batch: list[AnswerEvent] = []
        self._stopped.wait(tick)
        while not self._arrived.empty():
            item = self._arrived.get()
            if item is None:
                return batch, _End()
            if isinstance(item, BaseException):
                return batch, item
            batch.append(item)
        return batch, None

    def _run(self) -> None:
        try:
            events = self._start()
            with closing(events):  # type: ignore[type-var]  # a generator, said less exactly
                for event in events:
                    if self._stopped.is_set():
                        break
                    self._arrived.put(event)
            self._arrived.put(None)
        except Exception as error:  # the border of a thread: handed to the page, which raises it
            self._arrived.put(error)


class _End:
    """The stream has ended."""
