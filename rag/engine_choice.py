"""Which engine embeds and which one writes.

The library's identity fixes what embeds; for a new library settings and what is installed decide.
Who writes is chosen for each question: an Ollama, or a model file, may come and go while a web app
runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rag.answering.quoting import QuotingWriter
from rag.answering.writing import ModelWriter, Writer
from rag.config import Settings
from rag.engines import embedded
from rag.engines.embedded import EmbeddedEngine
from rag.engines.gguf.digest import Digests
from rag.engines.gguf.engine import GgufEngine
from rag.engines.ollama import OllamaEngine
from rag.errors import EngineError, IdentityMismatch
from rag.types import ChatOptions, EmbeddingIdentity, Engine, Task, Vectors


@dataclass(frozen=True, slots=True)
class WriterChoice:
    """Who writes the next answer (`model` None: by quoting); `notice`: what is missing for more."""

    engine: str
    model: str | None
    notice: str | None


class BoundEmbedder:
    """One engine's embedding model as the library uses it: another model's vectors never get in."""

    def __init__(self, engine: Engine, model: str, expected: EmbeddingIdentity | None) -> None:
        self._engine = engine
        self._model = model
        self._expected = expected

    @property
    def identity(self) -> EmbeddingIdentity:
        """Asked of the engine each time: a model pulled anew has another digest."""
        return self._engine.identity(self._model)

    def embed(self, texts: Sequence[str], task: Task) -> Vectors:
        """Raises `IdentityMismatch` where the model is not the one that made the library."""
        if self._expected is not None and self.identity.key != self._expected.key:
            raise IdentityMismatch(
                self._model,
                f"{self._model} has changed since the library was embedded with it.",
                "Bring the old model back, or ingest into another RAG_HOME.",
            )
        return self._engine.embed(self._model, texts, task)


class Engines:
    """The engines, and the choices between them that the settings ask for."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._ollama = OllamaEngine(
            settings.ollama_host,
            keep_alive=settings.keep_alive,
            connect_timeout=settings.connect_timeout,
            read_timeout=settings.read_timeout,
        )
        self._embedded = EmbeddedEngine(settings.threads)
        self._gguf = GgufEngine(
            Digests(settings.library.digests),
            threads=settings.threads,
            keep_alive=settings.keep_alive,
            read_timeout=settings.read_timeout,
        )

    def embedder(self, identity: EmbeddingIdentity | None) -> BoundEmbedder:
        """The library's own embedding model; for a new library (None) the one settings choose."""
        if identity is not None:
            ours = identity.engine == self._embedded.name
            engine: Engine = self._embedded if ours else self._ollama
            return BoundEmbedder(engine, identity.model, identity)
        if self._settings.engine == "ollama" or (
            self._settings.engine == "auto" and self._missing(self._settings.embed_model) is None
        ):
            return BoundEmbedder(self._ollama, self._settings.embed_model, None)
        return self._sentences()

    def writer(self) -> tuple[Writer, WriterChoice]:
        """The chat model of the settings if it is there, else quoting.

        With engine=ollama raises what is wrong with it, such as `ModelMissing`; with
        engine=embedded what is wrong with a model file.
        """
        settings = self._settings
        options = ChatOptions(settings.num_ctx, settings.num_predict, settings.temperature)
        if settings.model_file is not None:
            choice = self._file_choice(settings.model_file, load=True)
            if choice.model is None:
                return self._quoting(choice.notice)
            return ModelWriter(self._gguf, str(settings.model_file), options), choice
        missing = self._missing(settings.chat_model) if settings.engine == "auto" else None
        if settings.engine == "embedded" or missing is not None:
            return self._quoting(missing)
        writer = ModelWriter(self._ollama, settings.chat_model, options)
        return writer, WriterChoice(self._ollama.name, settings.chat_model, None)

    def writer_choice(self) -> WriterChoice:
        """Who would write now. Does not raise: what is wrong with the engine is the notice."""
        file = self._settings.model_file
        try:
            return self._file_choice(file, load=False) if file else self.writer()[1]
        except EngineError as error:
            engine = self._gguf.name if file else self._ollama.name
            notice = f"{error.message} {error.hint}"
            return WriterChoice(engine, self._settings.chat_model, notice)

    def close(self) -> None:
        self._ollama.close()
        self._gguf.close()

    def _file_choice(self, file: Path, load: bool) -> WriterChoice:
        """A model file, or under engine=auto quoting where it cannot be used.

        Loading it tells more than its header does.
        """
        try:
            remark = self._gguf.check(str(file), self._settings.num_ctx)
            if load:
                self._gguf.load(str(file), self._settings.num_ctx)
        except EngineError as error:
            if self._settings.engine != "auto":
                raise
            notice = f"{error.message} Answers are made by quoting. {error.hint}"
            return WriterChoice(self._embedded.name, None, notice)
        return WriterChoice(self._gguf.name, file.name, remark)

    def _quoting(self, notice: str | None) -> tuple[Writer, WriterChoice]:
        writer = QuotingWriter(self._sentences(), self._embedded.name)
        return writer, WriterChoice(self._embedded.name, None, notice)

    def _missing(self, model: str) -> str | None:
        """Why Ollama cannot run a model, and what to do; None if it can."""
        if not self._ollama.health().ok:
            return (
                f"No Ollama answers at {self._ollama.host}: answers are made by quoting. "
                f"For written answers install Ollama and run: ollama pull {model}"
            )
        if not self._ollama.has(model):
            return (
                f"Ollama does not have {model}: answers are made by quoting. "
                f"Get it: ollama pull {model}"
            )
        return None

    def _sentences(self) -> BoundEmbedder:
        """The embedded model: for a library without Ollama, and what quoting compares with."""
        return BoundEmbedder(self._embedded, embedded.MODEL, None)
