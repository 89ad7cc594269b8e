"""Everything that the official client raises, as our errors.

It raises its own `ResponseError`, the builtin `ConnectionError`, and lets httpx's errors through.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx
import ollama

from rag.errors import (
    CloudModelRefused,
    EngineBusy,
    EngineError,
    EngineTimeout,
    EngineUnreachable,
    InputTooLong,
    ModelMissing,
    NotEnoughMemory,
    StreamBroken,
    VouchError,
)

FAULTS = (ollama.ResponseError, httpx.TransportError, ConnectionError)


@contextmanager
def mapped(host: str, subject: str) -> Iterator[None]:
    """Map what the client raises over `subject` (a model, or what was asked for)."""
    try:
        yield
    except FAULTS as error:
        raise fault(error, host, subject) from error


def fault(error: Exception, host: str, subject: str) -> VouchError:
    """The error of ours that stands for one of `FAULTS`."""
    if isinstance(error, ollama.ResponseError):
        return _response(error, subject)
    if isinstance(error, httpx.TimeoutException) and not isinstance(error, httpx.ConnectTimeout):
        return EngineTimeout(
            subject,
            f"Ollama took too long over {subject}.",
            "Raise load_timeout (until the first word) or read_timeout (between two words), or "
            "choose a smaller model.",
        )
    return EngineUnreachable(
        host,
        f"No Ollama answers at {host}.",
        "Start it (ollama serve), or name another address with --ollama-host.",
    )


def is_passing(error: Exception) -> bool:
    """Whether the same request may well succeed in a moment: a full queue, a reset connection."""
    if isinstance(error, ollama.ResponseError):
        return error.status_code == 503
    return isinstance(error, (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError))


def broken(model: str, detail: str) -> StreamBroken:
    return StreamBroken(
        model,
        f"Ollama stopped in the middle of its answer ({detail}).",
        "See whether it still runs (ollama ps), then ask again; nothing stored is lost.",
    )


def refuse_cloud(model: str, details: Mapping[str, Any]) -> None:
    """Raises `CloudModelRefused` for a model that would send documents to another machine."""
    if is_cloud(model, details):
        raise CloudModelRefused(
            model,
            f"{model} runs on somebody else's machine: your documents would be sent there.",
            "Choose a model that runs here, such as llama3.1.",
        )


def is_cloud(model: str, details: Mapping[str, Any]) -> bool:
    tag = model.rsplit(":", 1)[-1]
    return bool(details.get("remote_host") or details.get("remote_model")) or (
        tag == "cloud" or tag.endswith("-cloud") or model.endswith("-cloud")
    )


def _response(error: ollama.ResponseError, subject: str) -> VouchError:
    text = error.error or str(error)
    if error.status_code == 404:
        return ModelMissing(
            subject, f"Ollama has no model {subject}.", f"Pull it: ollama pull {subject}"
        )
    if error.status_code == 503:
        return EngineBusy(
            subject,
            f"Ollama has too many requests waiting to take one for {subject}.",
            "Ask again in a moment, or raise OLLAMA_MAX_QUEUE where Ollama is started.",
        )
    if "more system memory" in text:
        return NotEnoughMemory(
            subject,
            f"Ollama has no room for {subject}: {text}.",
            "Close other programs, choose a smaller model (rag models list shows what fits), or "
            "lower num_ctx.",
        )
    if "does not support" in text:
        return EngineError(
            subject,
            f"{subject} cannot do what it was asked to: {text}.",
            "chat_model takes a chat model such as llama3.1, embed_model an embedding model such "
            "as nomic-embed-text.",
        )
    if "context length" in text or "exceed" in text:
        return InputTooLong(
            subject,
            f"A text is longer than {subject} reads: {text}.",
            "Shorten it, or raise num_ctx up to the model's own window.",
        )
    return EngineError(
        subject,
        f"Ollama refused a request for {subject}: {text} (HTTP {error.status_code}).",
        "Its log says more: journalctl -u ollama, or the terminal of ollama serve.",
    )
