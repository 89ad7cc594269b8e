"""A local Ollama server, through its official client and native API.

The client is told to ignore proxies (`trust_env`), or it would send prompts for 127.0.0.1 to them.
`num_ctx` goes with every chat: Ollama's default window is small and cuts silently. Remote ("cloud")
models are refused: they would send the documents away.

Knows nothing of documents, prompts or budgets.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx
import numpy as np
import ollama

from rag.engines import wordpiece
from rag.engines.prefixes import prefixes_of
from rag.errors import (
    CloudModelRefused,
    EgressRefused,
    EngineError,
    EngineTimeout,
    EngineUnreachable,
    InputTooLong,
    ModelMissing,
    StreamBroken,
    VouchError,
)
from rag.types import (
    ChatDelta,
    ChatOptions,
    EmbeddingIdentity,
    EngineHealth,
    Message,
    ModelInfo,
    Task,
    TokenCount,
    Vectors,
)

EMBED_BATCH = 16
# Against WordPiece, other tokenizers of today's chat models (llama 3, qwen, gemma, mistral) count
# between these ratios on prose, tables and code.
_LOW, _HIGH = 0.5, 1.8
_MESSAGE_MARKS = 16  # tokens that a template puts around the messages, beyond its own words


class OllamaEngine:
    """An Ollama server at `host`. Time-outs are in seconds; `keep_alive` as Ollama takes it."""

    name = "ollama"

    def __init__(
        self,
        host: str,
        *,
        keep_alive: str = "5m",
        connect_timeout: float = 3.0,
        read_timeout: float = 300.0,
    ) -> None:
        self.host = host
        self._keep_alive = keep_alive
        self._connect_timeout = connect_timeout
        self._client = _client(host, connect_timeout, read_timeout)
        self._identities: dict[tuple[str, str], EmbeddingIdentity] = {}  # by name and digest

    def close(self) -> None:
        """Close the connections. A stream that is still open ends."""
        self._client.close()  # type: ignore[no-untyped-call]

    def health(self) -> EngineHealth:
        """Whether the server answers. Does not raise."""
        try:
            with httpx.Client(trust_env=False, timeout=self._connect_timeout) as http:
                reply = http.get(f"{self.host}/api/version")
            return EngineHealth(reply.is_success, reply.json().get("version", ""), self.host)
        except (httpx.HTTPError, EgressRefused, ValueError) as error:
            return EngineHealth(False, detail=f"{self.host}: {error}")

    def models(self) -> tuple[ModelInfo, ...]:
        with self._mapped("its models"):
            listed = self._client.list().models
        return tuple(
            ModelInfo(
                name=m.model or "",
                digest=m.digest or "",
                size=int(m.size) if m.size else None,
                remote=_is_cloud(m.model or "", m.model_dump()),
            )
            for m in listed
        )

    def has(self, model: str) -> bool:
        """Whether the server has this model, by its name with or without a tag."""
        return any(_same_model(m.name, model) for m in self.models())

    def model_info(self, model: str) -> ModelInfo:
        """Raises `ModelMissing` with the command that pulls it, `CloudModelRefused` if remote."""
        _refuse_cloud(model, {})
        with self._mapped(model):
            shown = self._client.show(model)
        details = shown.model_dump()
        _refuse_cloud(model, details)
        facts = shown.modelinfo or {}
        listed = next((m for m in self.models() if _same_model(m.name, model)), ModelInfo(model))
        return ModelInfo(
            name=model,
            digest=listed.digest,
            context_length=_fact(facts, ".context_length"),
            dims=_fact(facts, ".embedding_length"),
            size=listed.size,
            capabilities=tuple(details.get("capabilities") or ()),
        )

    def identity(self, model: str) -> EmbeddingIdentity:
        """By the digest that the server reports now, so a model pulled anew is noticed."""
        info = self.model_info(model)
        known = self._identities.get((model, info.digest))
        if known is None:
            dims = self._embed(model, ["dimensions"]).shape[1]
            known = EmbeddingIdentity(self.name, model, info.digest, dims, *prefixes_of(model))
            self._identities[model, info.digest] = known
        return known

    def embed(self, model: str, texts: Sequence[str], task: Task) -> Vectors:
        """Unit vectors, float32 [len(texts), dims]. A text over the window is an error, not cut."""
        prefixes = prefixes_of(model)
        prefix = prefixes.document if task == "document" else prefixes.query
        rows = [
            self._embed(model, [prefix + text for text in texts[i : i + EMBED_BATCH]])
            for i in range(0, len(texts), EMBED_BATCH)
        ]
        return np.concatenate(rows) if rows else np.empty((0, 0), np.float32)

    def count_tokens(self, model: str, texts: Sequence[str]) -> list[TokenCount]:
        """Bounds: the server counts only after it has read."""
        return [
            TokenCount(math.floor(n * _LOW), math.ceil(n * _HIGH))
            for n in wordpiece.count_all(texts)
        ]

    def prompt_overhead(self, model: str) -> TokenCount:
        """What the model's own template and system text may add to a prompt."""
        with self._mapped(model):
            shown = self._client.show(model)
        own = f"{shown.template or ''}\n{shown.model_dump().get('system') or ''}"
        return TokenCount(0, math.ceil(wordpiece.count(own) * _HIGH) + _MESSAGE_MARKS)

    def chat(
        self, model: str, messages: Sequence[Message], options: ChatOptions
    ) -> Iterator[ChatDelta]:
        """Stream an answer. Closing the iterator ends the generation on the server.

        Raises `StreamBroken` where the server went away in the middle, `EngineTimeout` where it
        fell silent.
        """
        self.model_info(model)
        started = False
        with self._mapped(model):
            try:
                stream = self._client.chat(
                    model,
                    messages=[{"role": m.role, "content": m.content} for m in messages],
                    stream=True,
                    options=_options(options),
                    keep_alive=self._keep_alive,
                )
                for part in stream:
                    started = True
                    yield _delta(part)
                    if part.done:
                        return
            except (httpx.TransportError, ConnectionError, ollama.ResponseError) as error:
                if not started or isinstance(error, httpx.TimeoutException):
                    raise
                raise _broken(model, str(error)) from error
        raise _broken(model, "the stream ended without its last part")

    def _embed(self, model: str, texts: Sequence[str]) -> Vectors:
        with self._mapped(model):
            reply = self._client.embed(
                model, list(texts), truncate=False, keep_alive=self._keep_alive
            )
        rows = np.asarray(reply.embeddings, np.float32)
        if rows.shape[0] != len(texts) or not np.isfinite(rows).all():
            raise EngineError(
                model,
                f"Ollama returned {rows.shape[0]} usable vectors for {len(texts)} texts.",
                f"Pull the model again: ollama pull {model}",
            )
        unit: Vectors = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        return unit

    @contextmanager
    def _mapped(self, subject: str) -> Iterator[None]:
        """Map everything that the client raises, once."""
        try:
            yield
        except ollama.ResponseError as error:
            raise _map_response(error, subject) from error
        except httpx.TimeoutException as error:
            if isinstance(error, httpx.ConnectTimeout):
                raise self._unreachable() from error
            raise EngineTimeout(
                subject,
                f"Ollama took too long over {subject}.",
                "Raise read_timeout, or choose a smaller model.",
            ) from error
        except (ConnectionError, httpx.TransportError) as error:
            raise self._unreachable() from error

    def _unreachable(self) -> EngineUnreachable:
        return EngineUnreachable(
            self.host,
            f"No Ollama answers at {self.host}.",
            "Start it (ollama serve), or name another address with --ollama-host.",
        )


def _client(host: str, connect_timeout: float, read_timeout: float) -> ollama.Client:
    return ollama.Client(
        host,
        trust_env=False,
        follow_redirects=False,
        timeout=httpx.Timeout(read_timeout, connect=connect_timeout),
    )


def _options(options: ChatOptions) -> dict[str, Any]:
    return {
        "num_ctx": options.num_ctx,
        "num_predict": options.num_predict,
        "temperature": options.temperature,
        "seed": options.seed,
        **({"stop": list(options.stop)} if options.stop else {}),
    }


def _delta(part: ollama.ChatResponse) -> ChatDelta:
    return ChatDelta(
        text=part.message.content or "",
        done=bool(part.done),
        prompt_tokens=part.prompt_eval_count,
        output_tokens=part.eval_count,
        stopped_by_length=part.done_reason == "length",
    )


def _broken(model: str, detail: str) -> StreamBroken:
    return StreamBroken(
        model,
        f"Ollama stopped in the middle of its answer ({detail}).",
        "See whether it still runs (ollama ps), then ask again; nothing stored is lost.",
    )


def _map_response(error: ollama.ResponseError, subject: str) -> VouchError:
    text = error.error or str(error)
    if error.status_code == 404:
        return ModelMissing(
            subject, f"Ollama has no model {subject}.", f"Pull it: ollama pull {subject}"
        )
    if "does not support" in text:
        return EngineError(
            subject,
            f"{subject} cannot do what it was asked to: {text}.",
            "chat_model takes a chat model such as llama3.1, embed_model an embedding model such "
            "as nomic-embed-text.",
        )
    if "context length" in text or "exceeds" in text:
        return InputTooLong(
            subject, f"A text is longer than {subject} reads: {text}.", "Report it with the file."
        )
    return EngineError(
        subject,
        f"Ollama refused a request for {subject}: {text} (HTTP {error.status_code}).",
        "Its log says more: journalctl -u ollama, or the terminal of ollama serve.",
    )


def _same_model(listed: str, wanted: str) -> bool:
    return listed == (wanted if ":" in wanted.rsplit("/", 1)[-1] else f"{wanted}:latest")


def _fact(facts: Any, ending: str) -> int | None:
    return next((int(value) for key, value in facts.items() if key.endswith(ending)), None)


def _is_cloud(model: str, details: dict[str, Any]) -> bool:
    tag = model.rsplit(":", 1)[-1]
    return bool(details.get("remote_host") or details.get("remote_model")) or (
        tag == "cloud" or tag.endswith("-cloud") or model.endswith("-cloud")
    )


def _refuse_cloud(model: str, details: dict[str, Any]) -> None:
    if _is_cloud(model, details):
        raise CloudModelRefused(
            model,
            f"{model} runs on somebody else's machine: your documents would be sent there.",
            "Choose a model that runs here, such as llama3.1.",
        )
