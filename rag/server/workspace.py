"""What all pages of one server share: the open library, the ingestion, the work on a model, the
look of the doctor, the work on the library's own questions: one of each.

`serve` opens it before the first page is shown, and the pages ask `current()` for it: Streamlit
runs a page anew for each click and gives it no arguments, so this is the one module with a global.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from rag.assistant import Assistant, open_assistant
from rag.config import Settings, write_setting
from rag.engine_choice import WriterChoice
from rag.errors import LibraryBusy, PathNotFound, ServerError, UsageError
from rag.evaluation.own import questions
from rag.evaluation.own.asking import Report, evaluate_own
from rag.evaluation.own.making import make
from rag.evaluation.own.questions import OwnQuestion
from rag.evaluation.runs import Runs
from rag.jobs import IngestJob, Progress
from rag.models import Models, Recipe
from rag.server.asking import Asking
from rag.server.checkup import Checkup
from rag.server.ingestion import Ingestion
from rag.server.model_work import ModelWork
from rag.server.own_work import Kind, OwnWork
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
        self._own_work: OwnWork | None = None
        self._engine: tuple[float, WriterChoice] | None = None
        self._watched = settings.watch_folders
        self._watch: IngestJob | None = None
        self._begin_watch()

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

    # ----------------------------------------------------------------- watching

    @property
    def watched(self) -> tuple[str, ...]:
        """The folders that are kept up to date."""
        return self._watched

    @property
    def watch_progress(self) -> Progress | None:
        """How the watch stands; None: nothing is watched."""
        return self._watch.progress if self._watch else None

    def watch(self, typed: str) -> None:
        """Keep a folder up to date from now on, also when the app is started again.

        Raises `PathNotFound`, and `HomeNotWritable` where the settings cannot be written.
        """
        path = str(_path(typed))
        with self._lock:
            if path not in self._watched:
                self._watch_only((*self._watched, path))

    def unwatch(self, path: str) -> None:
        """No longer; its documents stay."""
        with self._lock:
            self._watch_only(tuple(folder for folder in self._watched if folder != path))

    def _watch_only(self, folders: tuple[str, ...]) -> None:
        write_setting(self.settings, "watch_folders", folders)
        self._watched = folders
        self._end_watch()
        self._begin_watch()

    def _begin_watch(self) -> None:
        if self._watched:
            self._watch = IngestJob(self.settings, ["--watch", "--", *self._watched])

    def _end_watch(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch.wait(_END_PATIENCE)
            self._watch = None

    def unread_pages_advice(self) -> str | None:
        """What to do about pages that OCR could read; nothing while an ingestion is at work."""
        if self._ingestion is not None and self._ingestion.progress.running:
            return None
        return self.assistant.unread_pages_advice()

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

    # ----------------------------------------------------------------- quality

    @property
    def runs(self) -> Runs:
        """The evaluations so far."""
        return Runs(self.settings.library.runs)

    @property
    def own_work(self) -> OwnWork | None:
        """The making or asking of own questions that runs, or the last that did."""
        return self._own_work

    def own_questions(self) -> list[OwnQuestion]:
        """Raises `UsageError` for a file with bad lines."""
        return questions.read(self.settings.library.own_questions)

    def make_questions(self, count: int) -> None:
        """Begin to make so many more questions."""

        def work(progress: Report) -> str:
            made = 0
            for question in make(self.assistant, count, 0, self.own_questions()):
                questions.add(self.settings.library.own_questions, [question])
                made += 1
                progress(made, count)
            return "Made 1 question." if made == 1 else f"Made {made} questions."

        self._begin_own_work("make", work)

    def ask_questions(self, answers: int) -> None:
        """Begin to measure the library on its own questions, as `rag evaluate own` does."""

        def work(progress: Report) -> str:
            run = evaluate_own(self.assistant, self.own_questions(), answers, progress)
            return f"Measured, and kept as {self.runs.save(run)}."

        self._begin_own_work("ask", work)

    def _begin_own_work(self, kind: Kind, work: Callable[[Report], str]) -> None:
        with self._lock:
            if self._own_work is None or not self._own_work.running:
                self._own_work = OwnWork(kind, work)

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
        if self._own_work is not None:
            self._own_work.cancel()
            self._own_work.wait(_END_PATIENCE)
        self.models.close()
        self._end_watch()
        ingestion = self._ingestion
        if ingestion is not None and ingestion.progress.running:
            ingestion.job.cancel()
            ingestion.job.wait(_END_PATIENCE)
        self.assistant.close()

    def _require_idle(self) -> None:
        if self._ingestion is None:
            return
        progress = self._ingestion.progress
        if progress.running and progress.recognised is not None:
            self._ingestion.job.cancel()  # what is added comes first; OCR goes on afterwards
            progress = self._ingestion.job.wait(_END_PATIENCE)
        if progress.running:
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
