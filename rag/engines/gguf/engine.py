"""The engine for model files: exact counts, streamed answers.

A model is named by the path of its file. One is loaded at a time, with a window at least as large as
was asked for; asking for another file or a larger window loads anew and ends what is running. It
embeds nothing. Nothing is imported or loaded before it is asked for.

Knows nothing of documents and prompts.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.engines.gguf.digest import Digests
from rag.engines.gguf.files import EXTRA, ModelFile, check_memory, open_model
from rag.engines.gguf.server import LlamaServer
from rag.errors import BadSetting, EngineError, InputTooLong
from rag.types import (
    ChatDelta,
    ChatEvent,
    ChatOptions,
    EmbeddingIdentity,
    EngineHealth,
    Message,
    ModelInfo,
    Task,
    Timings,
    TokenCount,
    Vectors,
    Waiting,
)

PLAIN_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message.role == 'assistant' %} {{ message.content }}\n\n"
    "{% elif message.role == 'user' %}{{ message.content }}\nAnswer:"
    "{% else %}{{ message.content }}\n\n{% endif %}"
    "{% endfor %}"
)
"""For a file without a chat template: the messages as plain text, to be gone on with."""
PLAIN_STOPS = ("\n\n", "\nQuestion:")
"""Where such an answer ends: a model that was never taught to chat does not end it by itself."""

_COUNTING_WINDOW = 2048  # of a model that is loaded only to count tokens
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True, slots=True)
class _Loaded:
    file: ModelFile
    num_ctx: int
    server: LlamaServer

    def serves(self, file: ModelFile, num_ctx: int) -> bool:
        return self.file == file and self.num_ctx >= num_ctx and self.server.alive


class GgufEngine:
    """Runs GGUF files. `keep_alive` and the time-outs as for Ollama; `threads` 0: one per core."""

    name = "embedded"

    def __init__(
        self,
        digests: Digests,
        *,
        threads: int = 0,
        keep_alive: str = "5m",
        load_timeout: float = 600.0,
        read_timeout: float = 120.0,
        memory_check: bool = True,
    ) -> None:
        self._digests = digests
        self._threads = threads or os.cpu_count() or 1
        self._keep_alive = keep_alive
        self._load_timeout = load_timeout
        self._read_timeout = read_timeout
        self._memory_check = memory_check
        self._file: ModelFile | None = None
        self._loaded: _Loaded | None = None
        self._loading = threading.Lock()
        self._counted: tuple[tuple[ModelFile, tuple[Message, ...]], int] | None = None

    # ----------------------------------------------------------------- files

    def health(self) -> EngineHealth:
        if importlib.util.find_spec("xllamacpp") is None:
            return EngineHealth(False, detail=f"xllamacpp is not installed. {EXTRA}")
        return EngineHealth(True, importlib.metadata.version("xllamacpp"), "llama.cpp by xllamacpp")

    def models(self) -> tuple[ModelInfo, ...]:
        """The file that is loaded, if one is."""
        return (self.model_info(str(self._loaded.file.path)),) if self._loaded else ()

    def model_info(self, model: str) -> ModelInfo:
        """What a file says of itself, under the name of the file. The first time it is hashed."""
        file = self._open(model)
        return ModelInfo(
            name=file.path.name,
            digest=self._digests.of(file.path),
            context_length=file.context_length,
            dims=file.header.fact("embedding_length"),
            size=file.size,
            capabilities=("completion",),
            facts=file.header.facts,
        )

    def check(self, model: str, num_ctx: int) -> str | None:
        """Whether a file can be loaded; a remark where it will serve only after a fashion.

        Raises `ModelMissing` where the file or the extra is not there, `EngineError` for a file
        that is no whole language model, `NotEnoughMemory` for one that would make the machine swap.
        """
        file = self._open(model)
        if not (self._loaded and self._loaded.serves(file, file.window(num_ctx))):
            self._require_room(file, file.window(num_ctx))
        if file.has_template:
            return None
        return (
            f"{file.path.name} has no chat template: it continues plain text. Files of models that "
            "were taught to chat (often named instruct or it) answer better."
        )

    def load(self, model: str, num_ctx: int) -> None:
        """Load a file, where it is not. Raises like `check`, and `EngineTimeout`."""
        self._server(self._open(model), num_ctx)

    def close(self) -> None:
        """End the process. It starts again if something is asked."""
        with self._loading:
            self._unload()

    # ----------------------------------------------------------------- asking

    def count_tokens(self, model: str, texts: Sequence[str]) -> list[TokenCount]:
        """Exact, by the file's own tokenizer."""
        server = self._server_for_counting(model)
        counts = [len(server.ask("/tokenize", {"content": text})["tokens"]) for text in texts]
        return [TokenCount(n, n) for n in counts]

    def count_prompt(self, model: str, messages: Sequence[Message]) -> TokenCount:
        """Exact: the whole prompt as the file's template makes it."""
        prompt = (self._open(model), tuple(messages))
        last = self._counted  # a prompt is counted once to plan it and once to send it
        if last is None or last[0] != prompt:
            server = self._server_for_counting(model)
            answer = server.ask("/v1/chat/completions/input_tokens", _prompt(messages))
            last = self._counted = (prompt, int(answer["input_tokens"]))
        return TokenCount(last[1], last[1])

    def loaded_window(self, model: str) -> int | None:
        """The window that the file is loaded with, in tokens; None: it is not loaded."""
        loaded = self._loaded
        return loaded.num_ctx if loaded and loaded.file == self._open(model) else None

    def chat(
        self, model: str, messages: Sequence[Message], options: ChatOptions
    ) -> Iterator[ChatEvent]:
        """Stream an answer. Closing the iterator ends it; a second question waits for the first.

        Raises `InputTooLong` for a prompt that fills the window: nothing is ever cut. Raises
        `StreamBroken` where llama.cpp ended, `EngineTimeout` where it fell silent.
        """
        file = self._open(model)
        window = file.window(options.num_ctx)
        server = self._server(file, window)
        left = window - self.count_prompt(model, messages).high
        if left <= 0:
            raise InputTooLong(
                file.path.name,
                f"The prompt of {window - left} tokens fills the window of {window}.",
                "Raise num_ctx, or ask more briefly.",
            )
        body = {
            **_prompt(messages),
            "stream": True,
            "stream_options": {"include_usage": True},
            "return_progress": True,  # a long prompt is not silence
            "cache_prompt": False,  # or the same question might be answered in other words
            "max_tokens": min(options.num_predict, left),
            "temperature": options.temperature,
            "seed": options.seed,
            "stop": [*options.stop, *(() if file.has_template else PLAIN_STOPS)],
            **_given(options),
        }
        with closing(server.stream("/v1/chat/completions", body)) as events:
            yield from _deltas(events)

    def identity(self, model: str) -> EmbeddingIdentity:
        raise self._embeds_nothing(model)

    def embed(self, model: str, texts: Sequence[str], task: Task) -> Vectors:
        raise self._embeds_nothing(model)

    # ----------------------------------------------------------------- parts

    def _open(self, model: str) -> ModelFile:
        """The file as it is now; its header is read again only if it has changed."""
        self._file = open_model(Path(model), self._file)
        return self._file

    def _server(self, file: ModelFile, num_ctx: int) -> LlamaServer:
        num_ctx = file.window(num_ctx)
        with self._loading:
            if self._loaded and self._loaded.serves(file, num_ctx):
                return self._loaded.server
            self._unload()
            self._require_room(file, num_ctx)
            server = LlamaServer(
                file.path,
                num_ctx=num_ctx,
                template="" if file.has_template else PLAIN_TEMPLATE,
                threads=self._threads,
                idle_seconds=_idle_seconds(self._keep_alive),
                load_timeout=self._load_timeout,
                read_timeout=self._read_timeout,
            )
            self._loaded = _Loaded(file, num_ctx, server)
            return server

    def _server_for_counting(self, model: str) -> LlamaServer:
        """Whatever window the file is loaded with will do."""
        file, loaded = self._open(model), self._loaded
        same = loaded is not None and loaded.file == file
        return self._server(file, loaded.num_ctx if loaded and same else _COUNTING_WINDOW)

    def _require_room(self, file: ModelFile, num_ctx: int) -> None:
        if self._memory_check:
            check_memory(file, num_ctx)

    def _unload(self) -> None:
        if self._loaded:
            self._loaded.server.close()
            self._loaded = None

    def _embeds_nothing(self, model: str) -> EngineError:
        return EngineError(
            model,
            f"{Path(model).name} is run to write answers, not to embed.",
            "embed_model takes an embedding model of Ollama, such as nomic-embed-text.",
        )


def _idle_seconds(keep_alive: str) -> int:
    """Ollama's form of a time (5m, 1h, 90, -1 for ever) in seconds; what is asked now is kept."""
    match = re.fullmatch(r"(-?\d+(?:\.\d+)?)([smh]?)", keep_alive.strip())
    if match is None:
        raise BadSetting(
            "keep_alive", f"keep_alive is {keep_alive!r}.", "It takes a time like 5m, 1h or -1."
        )
    seconds = float(match[1]) * _UNITS[match[2]]
    return -1 if seconds < 0 else max(1, round(seconds))


def _prompt(messages: Sequence[Message]) -> dict[str, Any]:
    return {"messages": [{"role": m.role, "content": m.content} for m in messages]}


def _given(options: ChatOptions) -> dict[str, Any]:
    """What is sent only where it was asked for. Model files never think: see child.py."""
    given: dict[str, Any] = {"top_p": options.top_p, "top_k": options.top_k}
    if options.format is not None:
        schema = {} if options.format == "json" else {"schema": options.format}
        given["response_format"] = {"type": "json_object", **schema}
    return {name: value for name, value in given.items() if value is not None}


def _deltas(events: Iterator[Mapping[str, Any]]) -> Iterator[ChatEvent]:
    """The texts of a chat completion as they come; the counts come with the event after the last."""
    stopped_by_length = False
    for event in events:
        if "prompt_progress" in event:
            yield Waiting("model")
        for choice in event["choices"]:
            if text := choice["delta"].get("content"):
                yield ChatDelta(text)
            stopped_by_length |= choice["finish_reason"] == "length"
        if usage := event.get("usage"):
            yield ChatDelta(
                "",
                done=True,
                prompt_tokens=usage["prompt_tokens"],
                output_tokens=usage["completion_tokens"],
                stopped_by_length=stopped_by_length,
                timings=_timings(event["timings"]),
            )


def _timings(told: Mapping[str, float]) -> Timings:
    """llama.cpp's milliseconds in seconds; the model was loaded before."""
    return Timings(0.0, told["prompt_ms"] / 1000, told["predicted_ms"] / 1000)
