"""Which engine embeds and which one writes.

The library's identity fixes what embeds; for a new library settings and what is installed decide.
Who writes is chosen for each question: an Ollama, or a model file, may come and go while a web app
runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from rag.answering.quoting import QuotingWriter
from rag.answering.writing import ModelWriter, Writer
from rag.config import Settings
from rag.engines import embedded
from rag.engines.embedded import EmbeddedEngine
from rag.engines.gguf.digest import Digests
from rag.engines.gguf.engine import GgufEngine
from rag.engines.ollama import room
from rag.engines.ollama.client import Timeouts
from rag.engines.ollama.engine import OllamaEngine
from rag.engines.ollama.token_ratios import TokenRatios
from rag.errors import EngineError, IdentityMismatch, NotEnoughMemory
from rag.types import ChatOptions, EmbeddingIdentity, Engine, Task, Thinking, Vectors

Use = Literal["chat", "embedding"]
"""What a model is good for."""
_CAPABILITIES: dict[str, Use] = {"completion": "chat", "embedding": "embedding"}


@dataclass(frozen=True, slots=True)
class WriterChoice:
    """Who writes the next answer (`model` None: by quoting); `notice`: what is missing for more."""

    engine: str
    model: str | None
    notice: str | None


def chat_options(settings: Settings) -> ChatOptions:
    """How the settings want a chat model to be asked."""
    think: Thinking
    if settings.think == "off" or settings.think == "on":
        think = settings.think == "on"
    else:
        think = settings.think
    return ChatOptions(
        settings.num_ctx,
        settings.num_predict,
        settings.temperature,
        num_gpu=settings.gpu_layers,
        num_thread=settings.num_thread or None,
        think=think,
    )


def ollama_engine(settings: Settings) -> OllamaEngine:
    """The Ollama that the settings name."""
    threads = settings.embed_threads if settings.gentle else settings.num_thread
    devices = {"num_gpu": settings.gpu_layers, "num_thread": threads or None}
    return OllamaEngine(
        settings.ollama_host,
        keep_alive=settings.keep_alive,
        timeouts=Timeouts(settings.connect_timeout, settings.load_timeout, settings.read_timeout),
        slots=settings.num_parallel,
        ratios=TokenRatios(settings.library.token_ratios),
        embed_options={name: n for name, n in devices.items() if n is not None},
    )


def require_room(ollama: OllamaEngine, settings: Settings) -> None:
    """Raises `NotEnoughMemory` where loading the chat model would make the machine swap."""
    if settings.memory_check == "on":
        room.require(ollama, settings.chat_model, settings.num_ctx, settings.gpu_layers)


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
                "Embed the library anew with today's model: rag reindex",
            )
        return self._engine.embed(self._model, texts, task)


class Engines:
    """The engines, and the choices between them that the settings ask for."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._ollama = ollama_engine(settings)
        self._embedded = EmbeddedEngine(settings.embed_threads)
        self._gguf = GgufEngine(
            Digests(settings.library.digests),
            threads=settings.threads,
            keep_alive=settings.keep_alive,
            load_timeout=settings.load_timeout,
            read_timeout=settings.read_timeout,
            memory_check=settings.memory_check == "on",
        )

    def embedder(self, identity: EmbeddingIdentity | None) -> BoundEmbedder:
        """The library's own embedding model; for a new library (None) the one settings choose."""
        if identity is not None:
            return BoundEmbedder(self._engine(identity.engine), identity.model, identity)
        if self._settings.engine == "ollama" or (
            self._settings.engine == "auto" and self._missing(self._settings.embed_model) is None
        ):
            return BoundEmbedder(self._ollama, self._settings.embed_model, None)
        return self._sentences()

    def reindex_target(self, own: EmbeddingIdentity, model: str | None) -> EmbeddingIdentity:
        """What a library is to be embedded with: the model named here, or in the settings.

        Where neither names one, its own as it is today. Unlike for a new library, an engine that
        does not answer is an error: raises `EngineUnreachable`, `ModelMissing` and their like.
        """
        model = model or self._named_embedder(own.engine)
        if model is None:
            return self._engine(own.engine).identity(own.model)
        return self._runs(model).identity(model)

    def uses(self, model: str) -> frozenset[Use]:
        """What a model is good for, as its engine says; empty where it does not say.

        Raises `EngineUnreachable`, `ModelMissing` and their like.
        """
        file = replace(self._settings, chat_model=model).model_file
        info = self._gguf.model_info(str(file)) if file else self._runs(model).model_info(model)
        able = info.capabilities
        return frozenset(_CAPABILITIES[name] for name in able if name in _CAPABILITIES)

    def writer(self) -> tuple[Writer, WriterChoice]:
        """The chat model of the settings if it is there, else quoting.

        With engine=ollama raises what is wrong with it, such as `ModelMissing`; with
        engine=embedded what is wrong with a model file.
        """
        settings = self._settings
        options = chat_options(settings)
        if settings.model_file is not None:
            choice = self._file_choice(settings.model_file, load=True)
            if choice.model is None:
                return self._quoting(choice.notice)
            return ModelWriter(self._gguf, str(settings.model_file), options), choice
        missing = None
        if settings.engine == "auto":
            missing = self._missing(settings.chat_model) or self._too_large()
        elif settings.engine == "ollama":
            require_room(self._ollama, settings)
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

    def use_chat_model(self, model: str) -> None:
        """Have this model write from now on, whatever the settings named."""
        self._settings = replace(self._settings, chat_model=model)

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

    def _engine(self, name: str) -> Engine:
        return self._embedded if name == self._embedded.name else self._ollama

    def _named_embedder(self, engine: str) -> str | None:
        """The model that the settings name for a library embedded by an engine; None: its own."""
        settings = self._settings
        origin = settings.origins.get("embed_model", "default")
        if settings.engine == self._embedded.name and origin != "flag":
            return embedded.MODEL  # embed_model names one of Ollama's
        elsewhere = settings.engine not in ("auto", engine)
        return settings.embed_model if elsewhere or origin != "default" else None

    def _runs(self, model: str) -> Engine:
        """The engine that the settings name, else the one that a model's name belongs to."""
        if self._settings.engine != "auto":
            return self._engine(self._settings.engine)
        return self._embedded if model == embedded.MODEL else self._ollama

    def _missing(self, model: str) -> str | None:
        """Why Ollama cannot run a model, and what to do; None if it can."""
        try:
            there = self._ollama.has(model)
        except EngineError as error:
            return (
                f"{error.message.rstrip('.')}: answers are made by quoting. "
                f"For written answers install Ollama and run: ollama pull {model}"
            )
        if not there:
            return (
                f"Ollama does not have {model}: answers are made by quoting. "
                f"Get it: ollama pull {model}"
            )
        return None

    def _too_large(self) -> str | None:
        """Why the chat model would not fit into memory, and what to do; None if it would."""
        try:
            require_room(self._ollama, self._settings)
        except NotEnoughMemory as error:
            return f"{error.message} Answers are made by quoting. {error.hint}"
        return None

    def _sentences(self) -> BoundEmbedder:
        """The embedded model: for a library without Ollama, and what quoting compares with."""
        return BoundEmbedder(self._embedded, embedded.MODEL, None)
