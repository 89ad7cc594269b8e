"""The one pull or creation of a server, in a thread of its own: pages stay awake and may end it.

Knows nothing of pages; any of them may ask how far it is, at any time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Literal

from rag.errors import VouchError
from rag.models import Created
from rag.types import ErrorInfo, ModelProgress

Kind = Literal["pull", "create"]


class ModelWork:
    """Runs what `start` opens. What `start` raises is `error`, as is what goes wrong later."""

    def __init__(
        self, kind: Kind, model: str, start: Callable[[], Iterator[ModelProgress | Created]]
    ) -> None:
        self.kind = kind
        self.model = model
        self.progress = ModelProgress("")
        self.created: Created | None = None
        self.error: ErrorInfo | None = None
        self._start = start
        self._begun = (time.monotonic(), self.progress)
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._run, name="model-work", daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    @property
    def share(self) -> float | None:
        """How much of the step in hand is done, from 0 to 1; None: it does not say."""
        now = self.progress
        return min(now.completed / now.total, 1.0) if now.total else None

    @property
    def seconds_left(self) -> float | None:
        """At the pace of the step in hand; None: too early to tell."""
        began, first = self._begun
        now = self.progress
        done, seconds = now.completed - first.completed, time.monotonic() - began
        return seconds / done * (now.total - now.completed) if done > 0 and seconds > 1 else None

    def cancel(self) -> None:
        """End it: what was fetched or sent stays with Ollama, and the next attempt goes on."""
        self._cancelled.set()

    def wait(self, seconds: float | None = None) -> None:
        self._thread.join(seconds)

    def _run(self) -> None:
        try:
            with closing(self._start()) as events:  # type: ignore[type-var]  # a generator
                for event in events:
                    if self.cancelled:
                        return
                    if isinstance(event, Created):
                        self.created = event
                    else:
                        self._take(event)
        except VouchError as error:
            self.error = error.info
        except Exception as error:  # the border of a thread: the page says it, the log shows where
            self.error = ErrorInfo(
                "bug", f"A mistake in Vouch ended this: {error!r}.", "Please report it."
            )
            raise

    def _take(self, event: ModelProgress) -> None:
        if event.part != self.progress.part:
            self._begun = (time.monotonic(), event)
        self.progress = event
