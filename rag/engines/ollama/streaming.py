"""Streamed answers: each waits its turn, tries again while the server is busy, and can be ended.

The requests live on an event loop in a thread of its own, because only there can a request be
ended that has not brought its first word yet. `iterate` is the way in for everybody else: an
ordinary iterator, whose `close` ends the request and frees its place.
"""

from __future__ import annotations

import asyncio
import queue
import random
import threading
from collections.abc import AsyncGenerator, Coroutine, Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
import ollama

from rag.engines.ollama import replies
from rag.engines.ollama.client import AsyncClient, Timeouts
from rag.engines.ollama.faults import FAULTS, broken, fault, is_passing
from rag.engines.ollama.slots import Slots
from rag.errors import VouchError
from rag.types import ChatDelta, ChatEvent, Reply, Waiting

HEARTBEAT = 0.25
"""Seconds of silence after which a waiting reader is told so, and may give up."""
BACKOFF = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between two attempts, at most; each wait is at least half of its own."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent: to which path, and for which model."""

    path: str
    model: str
    body: Mapping[str, Any]


class Streams:
    """All streamed requests to one server; at most `limit` of them at once.

    `client` is there for what `iterate` runs.
    """

    client: AsyncClient

    def __init__(self, host: str, timeouts: Timeouts, limit: int) -> None:
        self._host = host
        self._timeouts = timeouts
        self._limit = limit
        self._slots = Slots(limit)
        self._starting = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def iterate(self, events: AsyncGenerator[T]) -> Iterator[T | Waiting]:
        """What an asynchronous stream brings, as an ordinary iterator.

        In silence it repeats the last `Waiting`. Closing it ends the stream.
        """
        arrived: queue.SimpleQueue[T | BaseException | None] = queue.SimpleQueue()

        async def pump() -> None:
            try:
                async with aclosing(events):
                    async for event in events:
                        arrived.put(event)
                arrived.put(None)
            except Exception as error:  # carried to the thread that reads, and raised there
                arrived.put(error)

        pumping = self._submit(pump())
        waiting = Waiting("model")
        try:
            while True:
                try:
                    event = arrived.get(timeout=HEARTBEAT)
                except queue.Empty:
                    yield waiting
                    continue
                if event is None:
                    return
                if isinstance(event, BaseException):
                    raise event
                waiting = event if isinstance(event, Waiting) else Waiting("model")
                yield event
        finally:
            pumping.cancel()

    async def astream(self, request: Request) -> AsyncGenerator[ChatEvent]:
        """One answer, piece by piece, in its turn.

        Raises `StreamBroken` where the server went away in the middle, `EngineTimeout` where it
        fell silent, `EngineBusy` where it stayed too busy. What was begun is never sent twice.
        """
        with self._slots.ticket() as ticket:
            while (position := ticket.position) > 0:
                yield Waiting("queue", position)
                await ticket.moved()
            for wait in (*BACKOFF, None):
                yield Waiting("model")
                begun = False
                try:
                    async with aclosing(self._attempt(request)) as events:
                        async for event in events:
                            begun = True
                            yield event
                    return
                except FAULTS as error:
                    if begun and not isinstance(error, httpx.TimeoutException):
                        raise broken(request.model, str(error) or type(error).__name__) from error
                    if begun or wait is None or not is_passing(error):
                        raise fault(error, self._host, request.model) from error
                yield Waiting("retry")
                await asyncio.sleep(wait * random.uniform(0.5, 1.0))

    async def many(
        self, requests: Iterable[Request]
    ) -> AsyncGenerator[tuple[int, Reply | VouchError]]:
        """Many answers, as many at once as there are slots, each with the place of its request."""
        source = enumerate(requests)
        ended: asyncio.Queue[tuple[int, Reply | VouchError] | None] = asyncio.Queue()

        async def work() -> None:
            try:
                for place, request in source:
                    try:
                        await ended.put((place, await self._whole(request)))
                    except VouchError as error:
                        await ended.put((place, error))
            finally:
                await ended.put(None)

        working = [asyncio.create_task(work()) for _ in range(self._limit)]
        try:
            left = len(working)
            while left:
                item = await ended.get()
                if item is None:
                    left -= 1
                else:
                    yield item
            await asyncio.gather(*working)
        finally:
            for task in working:
                task.cancel()

    async def _whole(self, request: Request) -> Reply:
        text, last = [], ChatDelta("")
        async for event in self.astream(request):
            if isinstance(event, ChatDelta):
                text.append(event.text)
                last = event
        return Reply("".join(text), last)

    def close(self) -> None:
        """End every stream and the thread."""
        with self._starting:
            if self._loop is not None:
                asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
                self._loop.call_soon_threadsafe(self._loop.stop)
                self._thread.join()
                self._loop.close()
                self._loop = None

    async def _attempt(self, request: Request) -> AsyncGenerator[ChatEvent]:
        async with aclosing(self.client.uncut(request.path, request.body)) as parts:
            async for part in parts:
                text, thought = _said(part)
                yield Waiting("thinking") if thought and not text else replies.delta(part, text)
                if part.done:
                    return
        raise broken(request.model, "the stream ended without its last part")

    def _submit(self, work: Coroutine[Any, Any, None]) -> Future[None]:
        with self._starting:
            if self._loop is None:
                self.client = AsyncClient(self._host, self._timeouts)
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name="ollama-streams", daemon=True
                )
                self._thread.start()
            return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _end(self) -> None:
        running = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self.client.close()  # type: ignore[no-untyped-call]


def _said(part: ollama.ChatResponse | ollama.GenerateResponse) -> tuple[str, str]:
    """The text of a part, and what it thought."""
    if isinstance(part, ollama.ChatResponse):
        return part.message.content or "", part.message.thinking or ""
    return part.response or "", part.thinking or ""
