"""The making or asking of a library's own questions, in a thread of its own: pages stay awake.

Knows nothing of pages; any of them may ask how far it is, or end it, at any time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Literal

from rag.errors import VouchError
from rag.evaluation.own.asking import Report
from rag.types import ErrorInfo

Kind = Literal["make", "ask"]


class OwnWork:
    """Runs `work`, which tells its progress and says at the end, in a sentence, what came of it."""

    def __init__(self, kind: Kind, work: Callable[[Report], str]) -> None:
        self.kind = kind
        self.done, self.total = 0, 0
        self.said = ""
        self.error: ErrorInfo | None = None
        self._work = work
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._run, name="own-questions", daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    @property
    def share(self) -> float:
        """How much is done, from 0 to 1."""
        return min(self.done / self.total, 1.0) if self.total else 0.0

    def cancel(self) -> None:
        """End it after the step in hand; questions that are made are kept."""
        self._cancelled.set()

    def wait(self, seconds: float | None = None) -> None:
        self._thread.join(seconds)

    def _run(self) -> None:
        try:
            self.said = self._work(self._progress)
        except _Cancelled:
            self.said = (
                "Stopped. Questions that were made are kept; a run that was not ended is not."
            )
        except VouchError as error:
            self.error = error.info
        except Exception as error:  # the border of a thread: the page says it, the log shows where
            self.error = ErrorInfo(
                "bug", f"A mistake in Vouch ended this: {error!r}.", "Please report it."
            )
            raise

    def _progress(self, done: int, total: int) -> None:
        self.done, self.total = done, total
        if self._cancelled.is_set():
            raise _Cancelled


class _Cancelled(Exception):
    """The work was ended from outside."""
