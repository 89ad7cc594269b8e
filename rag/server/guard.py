"""Who may speak to the server at all: our own addresses as Host, and our own pages as Origin.

Without this another web site could drive the app: by DNS rebinding (a foreign Host that resolves to
this machine), or from any other local web page (Streamlit lets every localhost port in, and calls
an outside host when a foreign page opens its WebSocket). So both are refused before Streamlit.
"""

from __future__ import annotations

from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

POLICY_VIOLATION = 1008  # RFC 6455; before the handshake is done, the browser sees it as a 403


def own_hosts(port: int) -> frozenset[str]:
    """The values of `Host` that mean this server."""
    return frozenset(f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]"))


class OwnPagesOnly:
    """Refuses a foreign Host with 421 and a foreign Origin with 403, WebSockets included."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        status = self._refusal(scope) if scope["type"] in ("http", "websocket") else None
        if status is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
        else:
            refusal = PlainTextResponse("Refused: not an address of this server.\n", status)
            await refusal(scope, receive, send)

    def _refusal(self, scope: Scope) -> int | None:
        headers = HTTPConnection(scope).headers
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            return 421
        # Exactly the page's own origin: http://localhost:8501 may not drive 127.0.0.1:8501 either.
        if any(origin != f"http://{hosts[0]}" for origin in headers.getlist("origin")):
            return 403
        return None
