"""Waits until the page really answers with our headers, and only then says that it is ready.

Streamlit can be started in ways that drop the middleware without a word; an open page without it
would show the documents to everybody on the machine. So the server is asked, over HTTP, as a
browser would ask it.
"""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable
from contextlib import closing

from rag.server.headers import CSP
from rag.server.ports import ADDRESS

PATIENCE = 60.0  # seconds; a slow disk may take long to load everything
_PAUSE = 0.05


class Readiness:
    """A thread that asks the page until it answers, then calls `on_ready` or `on_failure` once.

    `policy` is the header to expect, `cookie` signs in.
    """

    def __init__(
        self,
        port: int,
        policy: str,
        cookie: str,
        on_ready: Callable[[], None],
        on_failure: Callable[[str], None],
    ) -> None:
        self._port = port
        self._policy = policy
        self._cookie = cookie
        self._on_ready = on_ready
        self._on_failure = on_failure
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="readiness", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Give up, without calling anything."""
        self._ended.set()

    def _watch(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while not self._ended.wait(_PAUSE):
            problem = self._problem()
            if problem is None:
                self._on_ready()
                return
            if problem or time.monotonic() > deadline:
                self._on_failure(problem or f"it did not answer within {PATIENCE:.0f} seconds")
                return

    def _problem(self) -> str | None:
        """None: all is well. Empty: no answer yet. Else what is wrong with the answer."""
        try:
            stranger, _ = self._ask({})
            status, policy = self._ask({"Cookie": self._cookie})
        except (OSError, http.client.HTTPException):
            return ""
        if stranger != 401:
            return f"it answered {stranger} to a visitor who has not signed in"
        if status != 200:
            return f"it answered {status} to a visitor who has signed in"
        if policy != self._policy:
            return "it answered without our Content-Security-Policy"
        return None

    def _ask(self, headers: dict[str, str]) -> tuple[int, str | None]:
        """The status of the page and its policy."""
        with closing(http.client.HTTPConnection(ADDRESS, self._port, timeout=5)) as connection:
            connection.request("GET", "/", headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.headers.get(CSP)
