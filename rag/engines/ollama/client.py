"""The official client, told to stay on this machine, and asked for what its typed calls leave out."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import ollama

from rag.engines.ollama import replies
from rag.types import ModelInfo


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to accept a connection; until the first word, loading included; between two words."""

    connect: float = 3.0
    load: float = 600.0
    read: float = 120.0


AT_ONCE = 15.0
"""Seconds for what a server knows without a model; one that hangs is not to hold a page up."""

_REPLIES: dict[str, type[ollama.ChatResponse | ollama.GenerateResponse]] = {
    "/api/chat": ollama.ChatResponse,
    "/api/generate": ollama.GenerateResponse,
}


class Client(ollama.Client):
    """One request, one reply."""

    def __init__(self, host: str, timeouts: Timeouts) -> None:
        super().__init__(host, **_local(timeouts))
        self._at_once = httpx.Timeout(min(timeouts.load, AT_ONCE), connect=timeouts.connect)

    def reply(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """What the server knows, as it says it: typed replies drop `remote_host`, for one."""
        reply = self._request_raw(  # type: ignore[no-untyped-call]
            method, path, json=body, timeout=self._at_once
        )
        return dict(reply.json())

    def models(self) -> tuple[ModelInfo, ...]:
        """The models that the server has."""
        listed = self.reply("GET", "/api/tags").get("models") or []
        return tuple(replies.listed_model(model) for model in listed)


class AsyncClient(ollama.AsyncClient):
    """Streamed replies. For one event loop."""

    def __init__(self, host: str, timeouts: Timeouts) -> None:
        async def begun(response: httpx.Response) -> None:
            # the server answers with its first word: from now on it is silence between two words
            response.request.extensions["timeout"]["read"] = timeouts.read

        super().__init__(host, event_hooks={"response": [begun]}, **_local(timeouts))

    async def uncut(
        self, path: str, body: Mapping[str, Any]
    ) -> AsyncGenerator[ollama.ChatResponse | ollama.GenerateResponse]:
        """Stream `/api/chat` or `/api/generate`; a prompt that would have to be cut is refused.

        Servers before 0.12.6 do not know the fields that say so, and pass over them.
        """
        parts = await self._request(
            _REPLIES[path],
            "POST",
            path,
            json={**body, "stream": True, "truncate": False, "shift": False},
            stream=True,
        )
        async for part in parts:
            yield part

    async def progress(
        self, path: str, body: Mapping[str, Any]
    ) -> AsyncGenerator[ollama.ProgressResponse]:
        """Stream `/api/pull` or `/api/create`; the body may have fields that the typed calls lack."""
        parts = await self._request(
            ollama.ProgressResponse, "POST", path, json={**body, "stream": True}, stream=True
        )
        async for part in parts:
            yield part

    async def has_blob(self, digest: str) -> bool:
        try:
            await self._request_raw("HEAD", f"/api/blobs/{digest}")  # type: ignore[no-untyped-call]
        except ollama.ResponseError as error:
            if error.status_code == 404:
                return False
            raise
        return True

    async def send_blob(self, digest: str, content: AsyncIterable[bytes]) -> None:
        await self._request_raw(  # type: ignore[no-untyped-call]
            "POST", f"/api/blobs/{digest}", content=content
        )


def _local(timeouts: Timeouts) -> dict[str, Any]:
    return {
        "trust_env": False,
        "follow_redirects": False,
        "timeout": httpx.Timeout(timeouts.load, connect=timeouts.connect, pool=None),
    }
