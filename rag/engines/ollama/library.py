"""The models of an Ollama server: shown, fetched, made, copied, removed.

`pull` alone makes the *server* reach out to a network; this process never does. What takes its time
is a stream of `ModelProgress`, which repeats itself in silence, so that whoever reads may give up:
closing the stream ends the work on the server. What was fetched or sent by then is kept there, and
the next attempt goes on from it.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Mapping
from contextlib import aclosing, closing
from pathlib import Path
from typing import Any

import ollama

from rag.engines.modelfile import Modelfile
from rag.engines.ollama import replies
from rag.engines.ollama.client import Client, Timeouts
from rag.engines.ollama.creation import Creation, is_older, planned
from rag.engines.ollama.faults import FAULTS, fault, mapped, refuse_cloud
from rag.engines.ollama.streaming import Streams
from rag.errors import EngineError, ModelMissing, StreamBroken, UsageError, VouchError
from rag.types import ModelInfo, ModelProgress, ShownModel

_A_DAY = 86_400.0
"""Seconds. Converting or checking tens of gigabytes is silent for long; people can end it."""
_PIECE = 2**20
_TOLD_EVERY = 0.1  # seconds
_DONE = "success"
_SHOWN = ("modelfile", "parameters", "system", "template", "license")
_NO_NETWORK = ("dial tcp", "no such host", "i/o timeout", "TLS handshake", "x509:", "lookup ",
               "connection refused", "unreachable", "unexpected EOF", "deadline exceeded")  # fmt: skip


class ModelLibrary:
    """The models of the server at `host`."""

    def __init__(self, host: str, connect_timeout: float = 3.0) -> None:
        self._host = host
        timeouts = Timeouts(connect_timeout, load=_A_DAY, read=_A_DAY)
        self._client = Client(host, timeouts)
        self._streams = Streams(host, timeouts, limit=1)

    def close(self) -> None:
        """Close the connections. Work that still goes on ends."""
        self._streams.close()
        self._client.close()  # type: ignore[no-untyped-call]

    def show(self, model: str) -> ShownModel:
        """Raises `ModelMissing`, `CloudModelRefused`."""
        info = self._listed(model)
        with mapped(self._host, model):
            shown = self._client.reply("POST", "/api/show", {"model": model})
        refuse_cloud(model, shown)
        texts = {part: str(shown.get(part) or "") for part in _SHOWN}
        return ShownModel(replies.shown_model(info, shown), **texts)

    def pull(self, model: str) -> Iterator[ModelProgress]:
        """Let the server fetch a model from its registry.

        Raises `CloudModelRefused` before it does, `ModelMissing` where the registry has no such
        model, `EngineError` where the server has no network.
        """
        refuse_cloud(model, {})
        return self._follow(self._work("/api/pull", {"model": model}), model, _pull_fault)

    def create(
        self, model: str, modelfile: Modelfile, folder: Path, quantize: str | None = None
    ) -> Iterator[ModelProgress]:
        """Make a model of a Modelfile that lies in `folder`.

        Files that the server does not have yet are sent to it first. Raises `BadModelfile`,
        `CloudModelRefused`, and `ModelMissing` for a base that the server would have to fetch.
        """
        creation = planned(modelfile, folder, quantize)
        self._require(creation.base, modelfile.requires)
        return self._created(model, creation)

    def _created(self, model: str, creation: Creation) -> Iterator[ModelProgress]:
        body: dict[str, Any] = {"model": model, **creation.fields}
        for kind, paths in (("files", creation.files), ("adapters", creation.adapters)):
            for name, path in paths.items():
                digest = yield from _hashed(name, path)
                yield from self._follow(self._sent(name, path, digest), model, _refused)
                body.setdefault(kind, {})[name] = digest
        yield from self._follow(self._work("/api/create", body), model, _refused)

    def _listed(self, model: str) -> ModelInfo:
        refuse_cloud(model, {})
        with mapped(self._host, model):
            info = replies.named(self._client.models(), model)
        if info is None:
            raise ModelMissing(
                model,
                f"Ollama has no model {model}.",
                f"Pull it: rag models pull {model} (or: ollama pull {model})",
            )
        refuse_cloud(model, {"remote_host": info.remote})
        return info

    def _require(self, base: str | None, version: str | None) -> None:
        """That the server has the base and is new enough: it would fetch a missing base itself."""
        if base is not None:
            self._listed(base)
        if version is not None:
            with mapped(self._host, "its version"):
                ours = str(self._client.reply("GET", "/api/version").get("version", ""))
            if is_older(ours, version):
                raise EngineError(
                    "REQUIRES",
                    f"The Modelfile requires Ollama {version}; the server is {ours}.",
                    "Update Ollama, or take the line REQUIRES out.",
                )

    def copy(self, source: str, target: str) -> None:
        """Raises `ModelMissing`."""
        with mapped(self._host, source):
            self._client.copy(source, target)

    def remove(self, model: str) -> None:
        """Raises `ModelMissing`."""
        with mapped(self._host, model):
            self._client.delete(model)

    # ----------------------------------------------------------------- streams

    def _follow(
        self,
        events: AsyncGenerator[ModelProgress],
        model: str,
        explain: Callable[[str, str], VouchError],
    ) -> Iterator[ModelProgress]:
        """The events; in silence the last one again. `explain` maps what the server complains of."""
        last = ModelProgress("")
        try:
            with closing(self._streams.iterate(events)) as stream:  # type: ignore[type-var]
                for event in stream:
                    last = event if isinstance(event, ModelProgress) else last
                    yield last
        except ollama.ResponseError as error:
            raise explain(model, error.error) from error
        except FAULTS as error:
            if last.step:
                raise _gone(model, str(error) or type(error).__name__) from error
            raise fault(error, self._host, model) from error

    async def _work(self, path: str, body: Mapping[str, Any]) -> AsyncGenerator[ModelProgress]:
        step = ""
        async with aclosing(self._streams.client.progress(path, body)) as parts:
            async for part in parts:
                step = part.status or ""
                yield ModelProgress(step, part.digest or "", part.completed or 0, part.total or 0)
        if step != _DONE:
            raise _gone(str(body["model"]), "the stream ended without its last part")

    async def _sent(self, name: str, path: Path, digest: str) -> AsyncGenerator[ModelProgress]:
        """Send a file, unless the server has it."""
        client, total, sent = self._streams.client, path.stat().st_size, 0
        if await client.has_blob(digest):
            return

        async def content() -> AsyncGenerator[bytes]:
            nonlocal sent
            with path.open("rb") as file:
                while piece := file.read(_PIECE):
                    yield piece
                    sent += len(piece)

        sending = asyncio.create_task(client.send_blob(digest, content()))
        try:
            while not sending.done():
                yield ModelProgress(f"sending {name}", digest, sent, total)
                await asyncio.wait([sending], timeout=_TOLD_EVERY)
            sending.result()
        finally:
            sending.cancel()


def _hashed(name: str, path: Path) -> Generator[ModelProgress, None, str]:
    """The digest of a file, by which the server knows it."""
    total, sha256, told = path.stat().st_size, hashlib.sha256(), 0.0
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            sha256.update(piece)
            if time.monotonic() - told > _TOLD_EVERY:
                told = time.monotonic()
                yield ModelProgress(f"reading {name}", name, file.tell(), total)
    return f"sha256:{sha256.hexdigest()}"


def _gone(model: str, detail: str) -> StreamBroken:
    return StreamBroken(
        model,
        f"Ollama stopped while it worked on {model} ({detail}).",
        "See whether it still runs (ollama ps), then start again: it goes on from what it has.",
    )


def _pull_fault(model: str, text: str) -> VouchError:
    if "file does not exist" in text or "not found" in text:
        return ModelMissing(
            model,
            f"The registry of Ollama has no model {model}.",
            "See the spelling and the tag, such as llama3.1:8b; rag models list shows some names.",
        )
    if any(sign in text for sign in _NO_NETWORK):
        return EngineError(
            model,
            f"Ollama could not fetch {model}: {text}.",
            "Fetching needs a network, once. Start again when there is one: it goes on from what "
            "it has. Or import a file: rag models create --help",
        )
    return _refused(model, text)


def _refused(model: str, text: str) -> VouchError:
    if "invalid model name" in text:
        return UsageError(
            model,
            f"{model} cannot be the name of a model.",
            "It has letters, digits and . _ - alone, and may end with a tag: my-model:small",
        )
    return EngineError(
        model,
        f"Ollama refused its work on {model}: {text}.",
        "Its log says more: journalctl -u ollama, or the terminal of ollama serve.",
    )
