"""What all pages of one server share: the open library, the ingestion, the work on a model, the
look of the doctor: one of each.

`serve` opens it before the first page is shown, and the pages ask `current()` for it: Streamlit
runs a page anew for each click and gives it no arguments, so this is the one module with a global.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from rag.assistant import Assistant, open_assistant
from rag.config import Settings
from rag.engine_choice import WriterChoice
from rag.errors import LibraryBusy, PathNotFound, ServerError, UsageError
from rag.jobs import IngestJob
from rag.models import Models, Recipe
from rag.server.asking import Asking
from rag.server.checkup import Checkup
from rag.server.ingestion import Ingestion
from rag.server.model_work import ModelWork
from rag.types import AnswerEvent, Turn

ENGINE_ASKED_EVERY = 5.0  # seconds; asking Ollama costs a request
_END_PATIENCE = 10.0  # seconds for an ingestion to end what it is committing


class Workspace:
    """An open library as the pages use it. Safe to use from many threads."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.assistant: Assistant = open_assistant(settings)
        self.models = Models(settings)
        self._lock = threading.Lock()
        self._ingestion: Ingestion | None = None
        self._model_work: ModelWork | None = None
        self._checkup: Checkup | None = None
        self._engine: tuple[float, WriterChoice] | None = None

    # ----------------------------------------------------------------- asking

    def ask(self, question: str, history: Sequence[Turn]) -> Asking:
        """Begin to answer a question."""

        def start() -> Iterator[AnswerEvent]:
            return self.assistant.ask(question, history)

        return Asking(start)

    def chat_engine(self) -> WriterChoice:
        """Which engine writes answers, as of a few seconds ago at most."""
        now = time.monotonic()
        known = self._engine
        if known is None or now - known[0] > ENGINE_ASKED_EVERY:
            known = self._engine = (now, self.assistant.chat_engine())
        return known[1]

    # ----------------------------------------------------------------- ingesting

    @property
    def ingestion(self) -> Ingestion | None:
        """The ingestion that runs, or the last one that did."""
        return self._ingestion

    def ingest_uploads(self, files: Sequence[tuple[str, bytes]]) -> None:
        """Keep copies of uploaded files (name and content) and read them.

        Raises `LibraryBusy` while another ingestion runs, `UsageError` for no files.
        """
        if not files:
            raise UsageError("upload", "No file was chosen.", "Choose one or more files first.")
        with self._lock:
            self._require_idle()
            stored = [self.assistant.store_upload(name, content) for name, content in files]
            arguments = [part for name in stored for part in ("--upload", name)]
            self._begin(arguments, "your upload")

    def ingest_path(self, typed: str) -> None:
        """Read a file or folder of this machine where it lies.

        Raises `PathNotFound`, and `LibraryBusy` while another ingestion runs.
        """
        path = _path(typed)
        with self._lock:
            self._require_idle()
            self._begin(["--", str(path)], str(path))

    def pause(self) -> None:
        """Have the ingestion stop where it is, to be gone on with. Does nothing where none runs."""
        with self._lock:
            ingestion = self._ingestion
            if ingestion is not None and ingestion.progress.running:
                ingestion.job.cancel()
                self._ingestion = replace(ingestion, paused=True)

    def resume(self) -> None:
        """Go on with what was paused, once it has come to a stand. Raises `LibraryBusy`."""
        with self._lock:
            ingestion = self._ingestion
            if ingestion is not None and ingestion.paused:
                ingestion.job.wait(_END_PATIENCE)
                self._require_idle()
                self._begin(ingestion.arguments, ingestion.subject)

    # ----------------------------------------------------------------- models

    @property
    def model_work(self) -> ModelWork | None:
        """The pull or creation that runs, or the last one that did."""
        return self._model_work

    def pull(self, model: str) -> None:
        """Begin to fetch a model. Raises `UsageError` for no name, or while another work runs."""
        name = _model_name(model)
        with self._lock:
            self._require_no_model_work()
            self._model_work = ModelWork("pull", name, lambda: self.models.pull(name))

    def create(self, model: str, modelfile: str) -> None:
        """Begin to make a model. Paths in the Modelfile start from the user's home folder.

        Raises `UsageError` for no name, or while another work runs.
        """
        name, recipe = _model_name(model), Recipe(modelfile, Path.home())
        with self._lock:
            self._require_no_model_work()
            self._model_work = ModelWork("create", name, lambda: self.models.create(name, recipe))

    def use_chat_model(self, model: str) -> None:
        """Have answers written by another model, for as long as this server runs."""
        self.assistant.use_chat_model(model)
        self._engine = None

    # ----------------------------------------------------------------- health

    @property
    def checkup(self) -> Checkup | None:
        """The look of the doctor that runs, or the last one."""
        return self._checkup

    def look(self, deep: bool = False) -> Checkup:
        """Have the doctor look, unless he does already. `deep`: the chat model is tried out too."""
        with self._lock:
            if self._checkup is None or not self._checkup.running:
                self._checkup = Checkup(self.assistant.settings, deep)
            return self._checkup

    def _require_no_model_work(self) -> None:
        work = self._model_work
        if work is not None and work.running:
            raise UsageError(
                work.model,
                f"Ollama is already at work on {work.model}.",
                "Wait for it to end, or stop it first.",
            )

    def close(self) -> None:
        """End what runs (what it committed stays) and close the library."""
        if self._model_work is not None:
            self._model_work.cancel()
            self._model_work.wait(_END_PATIENCE)
        self.models.close()
        ingestion = self._ingestion
        if ingestion is not None and ingestion.progress.running:
            ingestion.job.cancel()
            ingestion.job.wait(_END_PATIENCE)
        self.assistant.close()

    def _require_idle(self) -> None:
        if self._ingestion is not None and self._ingestion.progress.running:
            raise LibraryBusy(
                self._ingestion.subject,
                f"The library is already reading {self._ingestion.subject}.",
                "Wait for it to end, or stop it first.",
            )

    def _begin(self, arguments: Sequence[str], subject: str) -> None:
        job = IngestJob(self.settings, arguments)
        self._ingestion = Ingestion(job, subject, time.monotonic(), tuple(arguments))


def _model_name(typed: str) -> str:
    name = typed.strip()
    if not name:
        raise UsageError("model", "No model was named.", "Type its name, such as llama3.2:3b.")
    return name


def _path(typed: str) -> Path:
    text = typed.strip()
    if not text:
        raise UsageError("path", "No folder was named.", "Type its full path.")
    path = Path(text).expanduser()
    if not path.is_absolute():
        raise UsageError(
            text,
            f"{text} is not a full path.",
            f"Type it from the start: {Path.home() / 'Documents'}",
        )
    if not path.exists():
        raise PathNotFound(
            text, f"There is no {path} on this machine.", "Check the spelling of the path."
        )
    return path


_current: Workspace | None = None


def open_workspace(settings: Settings) -> Workspace:
    """Open the library for all pages of this process."""
    global _current
    _current = Workspace(settings)
    return _current


def current() -> Workspace:
    """The open workspace. Raises `ServerError` where the pages were not started by `rag serve`."""
    if _current is None:
        raise ServerError(
            "ui", "These pages are not served by Vouch.", "Start them with: rag serve"
        )
    return _current
