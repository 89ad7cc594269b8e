"""Whose turn it is: at most so many requests at once, first come, first served.

For one event loop. The line is a list: whoever stands among its first `limit` may go.
"""

from __future__ import annotations

import asyncio
from types import TracebackType


class Slots:
    """A line of tickets of which the first `limit` are being served."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._line: list[Ticket] = []
        self._moved = asyncio.Event()

    def ticket(self) -> Ticket:
        """A place at the end of the line, held for as long as its `with` block lasts."""
        return Ticket(self)

    def _join(self, ticket: Ticket) -> None:
        self._line.append(ticket)

    def _leave(self, ticket: Ticket) -> None:
        self._line.remove(ticket)
        self._moved.set()
        self._moved = asyncio.Event()

    def _position(self, ticket: Ticket) -> int:
        return max(0, self._line.index(ticket) + 1 - self._limit)


class Ticket:
    """One place in the line."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots

    @property
    def position(self) -> int:
        """0: being served; 1: next."""
        return self._slots._position(self)

    async def moved(self) -> None:
        """Wait until somebody has left the line."""
        await self._slots._moved.wait()

    def __enter__(self) -> Ticket:
        self._slots._join(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._slots._leave(self)
