"""What a streamed answer says, without what it waited for in between."""

from __future__ import annotations

from collections.abc import Iterable

from rag.types import ChatDelta, ChatEvent


def deltas(events: Iterable[ChatEvent]) -> list[ChatDelta]:
    """The pieces of an answer."""
    return [event for event in events if isinstance(event, ChatDelta)]


def first(events: Iterable[ChatEvent]) -> ChatDelta:
    """The first piece of an answer; the rest may still come."""
    return next(event for event in events if isinstance(event, ChatDelta))
