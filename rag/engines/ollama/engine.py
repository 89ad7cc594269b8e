"""What every engine can do, by a local Ollama: embed, count, chat.

`num_ctx` goes with every chat: Ollama's default window is small and cuts silently. Remote ("cloud")
models are refused: they would send the documents away. What the server says of a model is asked
once for each digest, and which digest a name stands for is asked every time.

Knows nothing of documents, prompts or budgets.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rag.engines import wordpiece
from rag.engines.ollama import replies
from rag.engines.ollama.client import Client, Timeouts
from rag.engines.ollama.faults import mapped, refuse_cloud
from rag.engines.ollama.streaming import Request, Streams
from rag.engines.ollama.token_ratios import HIGHEST, TokenRatios
from rag.engines.prefixes import prefixes_of
from rag.errors import (
    EgressRefused,
    EngineError,
    EngineTimeout,
    EngineUnreachable,
    InputTooLong,
    ModelMissing,
    VouchError,
)
from rag.types import (
    ChatDelta,
    ChatEvent,
    ChatOptions,
    EmbeddingIdentity,
    EngineHealth,
    Message,
    ModelInfo,
    Prompt,
    Reply,
    RunningModel,
    Task,
    TokenCount,
    Vectors,
    Waiting,
)

EMBED_BATCH = 16
LEAST_PARTS = 8  # characters; a text that short and still too long is no text
CHAT_REFUSES_TO_CUT = (0, 12, 6)  # the first server whose chat takes `truncate`
_MESSAGE_MARKS = 16  # tokens that a template puts around the messages, beyond its own words


@dataclass(frozen=True, slots=True)
class _Shown:
    """What the server says of one digest."""

    info: ModelInfo
    template: str


class OllamaEngine:
    """An Ollama server at `host`. `keep_alive` as Ollama takes it; at most `slots` chats at once."""

    name = "ollama"

    def __init__(
        self,
        host: str,
        *,
        keep_alive: str = "5m",
        timeouts: Timeouts | None = None,
        slots: int = 1,
        ratios: TokenRatios | None = None,
        embed_options: Mapping[str, int] | None = None,
    ) -> None:
        self.host = host
        self._keep_alive = keep_alive
        timeouts = timeouts or Timeouts()
        self._client = Client(host, timeouts)
        self._streams = Streams(host, timeouts, slots)
        self._ratios = ratios or TokenRatios()
        self._embed_options = embed_options
        self._shown: dict[str, _Shown] = {}
        self._dims: dict[str, int] = {}
        self._windows: dict[str, int] = {}
        self._version: tuple[int, ...] | None = None

    def close(self) -> None:
        """Close the connections. A stream that is still open ends."""
        self._streams.close()
        self._client.close()  # type: ignore[no-untyped-call]

    # ----------------------------------------------------------------- looking

    def health(self) -> EngineHealth:
        """Whether the server answers. Does not raise."""
        try:
            return EngineHealth(True, self.version(), self.host)
        except (EngineError, EgressRefused) as error:
            return EngineHealth(False, detail=f"{self.host}: {error}")

    def version(self) -> str:
        """Raises `EngineUnreachable`, `EngineTimeout`, and `EngineError` for what is no Ollama."""
        try:
            with mapped(self.host, "its version"):
                return str(self._client.reply("GET", "/api/version")["version"])
        except (EngineUnreachable, EngineTimeout):
            raise
        except (EngineError, LookupError, TypeError, ValueError) as error:
            raise EngineError(
                self.host,
                f"What answers at {self.host} is not Ollama.",
                "Name the address of an Ollama: --ollama-host",
            ) from error

    def cloud(self) -> bool | None:
        """Whether the server would run models on other machines; None: it does not say.

        Servers before 0.16 do not.
        """
        try:
            with mapped(self.host, "its status"):
                return not self._client.reply("GET", "/api/status")["cloud"]["disabled"]
        except (ModelMissing, LookupError, TypeError, ValueError):  # no such path, or another reply
            return None

    def models(self) -> tuple[ModelInfo, ...]:
        with mapped(self.host, "its models"):
            return self._client.models()

    def running(self) -> tuple[RunningModel, ...]:
        """The models that are loaded now."""
        with mapped(self.host, "its running models"):
            return replies.running_models(self._client.reply("GET", "/api/ps"))

    def has(self, model: str) -> bool:
        """Whether the server has this model, by its name with or without a tag."""
        return self.listed(model) is not None

    def listed(self, model: str) -> ModelInfo | None:
        """What the server's list says of a model, if it has it."""
        return replies.named(self.models(), model)

    def model_info(self, model: str) -> ModelInfo:
        """Raises `ModelMissing` with the command that pulls it, `CloudModelRefused` if remote."""
        return self._show(model).info

    def identity(self, model: str) -> EmbeddingIdentity:
        """By the digest that the server reports now, so a model pulled anew is noticed."""
        info = self.model_info(model)
        dims = self._dims.get(info.digest)
        if dims is None:
            dims = self._dims[info.digest] = self._embed(model, ["dimensions"]).shape[1]
        return EmbeddingIdentity(self.name, model, info.digest, dims, *prefixes_of(model))

    def loaded_window(self, model: str) -> int | None:
        """The window that the model is loaded with, in tokens, as far as that is known.

        Another one would have it loaded anew.
        """
        ours = self._windows.get(self.model_info(model).digest)
        if ours is not None:
            return ours
        loaded = replies.named(self.running(), model)
        return loaded.context_length if loaded else None

    # ----------------------------------------------------------------- embedding

    def embed(self, model: str, texts: Sequence[str], task: Task) -> Vectors:
        """Unit vectors, float32 [len(texts), dims].

        A text that is longer than the model reads is read in parts to its end, never cut.
        """
        prefixes = prefixes_of(model)
        prefix = prefixes.document if task == "document" else prefixes.query
        rows = [
            self._embed_whole(model, prefix, texts[i : i + EMBED_BATCH])
            for i in range(0, len(texts), EMBED_BATCH)
        ]
        return np.concatenate(rows) if rows else np.empty((0, 0), np.float32)

    def _embed_whole(self, model: str, prefix: str, texts: Sequence[str]) -> Vectors:
        try:
            return self._embed(model, [prefix + text for text in texts])
        except InputTooLong:
            if len(texts) == 1:
                return self._embed_in_parts(model, prefix, texts[0])
            each = [self._embed_whole(model, prefix, [text]) for text in texts]
            return np.concatenate(each)

    def _embed_in_parts(self, model: str, prefix: str, text: str) -> Vectors:
        """One vector [1, dims]: the mean of both halves, each read to its end, by their length."""
        if len(text) < LEAST_PARTS:
            raise InputTooLong(
                model, f"{model} does not read even {text!r}.", "Choose another embed_model."
            )
        middle = text.rfind(" ", 1, len(text) // 2 + 1)
        middle = middle if middle > 0 else len(text) // 2
        halves = [text[:middle], text[middle:]]
        rows = np.concatenate([self._embed_whole(model, prefix, [half]) for half in halves])
        weights = np.array([[len(half)] for half in halves], np.float32)
        return _unit_length((rows * weights).sum(axis=0, keepdims=True))

    def _embed(self, model: str, texts: Sequence[str]) -> Vectors:
        with mapped(self.host, model):
            reply = self._client.embed(
                model,
                list(texts),
                truncate=False,
                options=self._embed_options,
                keep_alive=self._keep_alive,
            )
        rows = np.asarray(reply.embeddings, np.float32)
        if rows.shape[0] != len(texts) or not np.isfinite(rows).all():
            raise EngineError(
                model,
                f"Ollama returned {rows.shape[0]} usable vectors for {len(texts)} texts.",
                f"Pull the model again: ollama pull {model}",
            )
        return _unit_length(rows)

    # ----------------------------------------------------------------- writing

    def count_tokens(self, model: str, texts: Sequence[str]) -> list[TokenCount]:
        """Bounds, narrowed by what the server has reported of this model so far."""
        return self._ratios.count(self.model_info(model).digest, texts)

    def count_prompt(self, model: str, messages: Sequence[Message]) -> TokenCount:
        """Bounds: the messages, and what the model's own template and system text may add."""
        shown = self._show(model)
        (count,) = self._ratios.count(shown.info.digest, [_text(messages)])
        return count + TokenCount(0, _overhead(shown))

    def chat(
        self, model: str, messages: Sequence[Message], options: ChatOptions
    ) -> Iterator[ChatEvent]:
        """Stream an answer in its turn. Closing the iterator ends the generation on the server.

        Raises `StreamBroken` where the server went away in the middle, `EngineTimeout` where it
        fell silent, `EngineBusy` where it stayed too busy.
        """
        shown = self._show(model)
        if self._refuses_to_cut():
            turns = [{"role": m.role, "content": m.content} for m in messages]
            request = self._request(shown, "/api/chat", {"messages": turns}, options)
        else:
            request = self._generation(shown, _folded(messages, options))
        for event in self._streams.iterate(self._streams.astream(request)):
            if isinstance(event, ChatDelta) and event.done:
                self._learn(shown, _text(messages), event, options.num_ctx)
            yield event

    def generate(self, model: str, prompt: Prompt) -> Iterator[ChatEvent]:
        """Stream the continuation of one prompt, without a conversation around it."""
        request = self._generation(self._show(model), prompt)
        return self._streams.iterate(self._streams.astream(request))

    def generate_many(
        self, model: str, prompts: Iterable[Prompt]
    ) -> Iterator[tuple[int, Reply | VouchError] | Waiting]:
        """Many prompts, as many at once as there are slots; each one's place with what became of it,
        in the order in which they end. A failure is a result among the others.
        """
        shown = self._show(model)
        requests = (self._generation(shown, prompt) for prompt in prompts)
        return self._streams.iterate(self._streams.many(requests))

    def _refuses_to_cut(self) -> bool:
        """Whether the server's chat can be told to refuse a prompt over its window.

        An older one leaves whole messages out, the rules first, and what it then reads may be far
        from filling the window. Its `/api/generate` cuts too, but to exactly the window, which
        the counts show.
        """
        if self._version is None:
            self._version = replies.version_of(self.health().version)
        return self._version >= CHAT_REFUSES_TO_CUT

    def _generation(self, shown: _Shown, prompt: Prompt) -> Request:
        body: dict[str, Any] = {"prompt": prompt.text, "raw": prompt.raw}
        if prompt.system is not None:
            body["system"] = prompt.system
        return self._request(shown, "/api/generate", body, prompt.options)

    def _request(
        self, shown: _Shown, path: str, body: Mapping[str, Any], options: ChatOptions
    ) -> Request:
        self._windows[shown.info.digest] = options.num_ctx
        extra: dict[str, Any] = {"options": replies.options_of(options)}
        if options.think is not None and "thinking" in shown.info.capabilities:
            extra["think"] = options.think
        if options.format is not None:
            extra["format"] = options.format
        name = shown.info.name
        return Request(path, name, {"model": name, "keep_alive": self._keep_alive, **body, **extra})

    def _learn(self, shown: _Shown, text: str, last: ChatDelta, num_ctx: int) -> None:
        """What a prompt that was read whole says about the model's tokenizer."""
        if last.prompt_tokens is not None and last.prompt_tokens < num_ctx:
            self._ratios.learn(shown.info.digest, text, last.prompt_tokens, _overhead(shown))

    def _show(self, model: str) -> _Shown:
        """What the server says of a model. Raises `ModelMissing` and `CloudModelRefused`."""
        refuse_cloud(model, {})
        listed = self.listed(model)
        if listed is None:
            raise ModelMissing(
                model, f"Ollama has no model {model}.", f"Pull it: ollama pull {model}"
            )
        known = self._shown.get(listed.digest)
        if known is None:
            with mapped(self.host, model):
                shown = self._client.reply("POST", "/api/show", {"model": model})
            known = self._shown[listed.digest] = _Shown(
                replies.shown_model(listed, shown),
                f"{shown.get('template') or ''}\n{shown.get('system') or ''}",
            )
        refuse_cloud(model, {"remote_host": known.info.remote})
        return replace(known, info=replace(known.info, name=model))


def _folded(messages: Sequence[Message], options: ChatOptions) -> Prompt:
    """A conversation as one prompt: the rules as its system text, earlier turns as a transcript."""
    system = "\n\n".join(m.content for m in messages if m.role == "system")
    *turns, last = [m for m in messages if m.role != "system"]
    said = [f"{m.role.capitalize()}: {m.content}" for m in turns]
    return Prompt("\n\n".join([*said, last.content]), options, system or None)


def _text(messages: Sequence[Message]) -> str:
    return "\n".join(message.content for message in messages)


def _overhead(shown: _Shown) -> int:
    """The most tokens that a model's own template and system text add to a prompt."""
    return math.ceil(wordpiece.count(shown.template) * HIGHEST) + _MESSAGE_MARKS


def _unit_length(rows: Vectors) -> Vectors:
    unit: Vectors = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return unit
