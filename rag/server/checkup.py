"""One look of the doctor, in a thread of its own, so that the page stays awake meanwhile."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from datetime import datetime

from rag import egress
from rag.config import Settings
from rag.doctor.examine import examine
from rag.doctor.words import Finding


class Checkup:
    """Begins when it is made. `deep`: the chat model is tried out too."""

    def __init__(self, settings: Settings, deep: bool) -> None:
        self.deep = deep
        self.begun = datetime.now().astimezone()
        self._settings = settings
        self._found: Future[tuple[Finding, ...]] = Future()
        threading.Thread(target=self._run, name="checkup", daemon=True).start()

    @property
    def running(self) -> bool:
        return not self._found.done()

    def findings(self) -> tuple[Finding, ...]:
        """All findings, once it has ended."""
        return self._found.result()

    def _run(self) -> None:
        try:
            found = examine(self._settings, dropped=egress.dropped(), deep=self.deep)
            self._found.set_result(found)
        except (
            Exception
        ) as error:  # the border of a thread: raised where the findings are asked for
            self._found.set_exception(error)
