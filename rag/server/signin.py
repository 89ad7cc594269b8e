"""Sign-in as Jupyter does it: an address that carries a token, traded for a cookie.

The token is 256 random bits in the library's folder, readable by its owner alone: other people on
a shared machine reach the port, but not the documents. Knows nothing of accounts or passwords.
Cookies are not separated by port in browsers: other servers *of the same machine name* that the
same browser visits are sent it too; the cookie's name, which carries the port, only avoids mix-ups.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from rag.errors import HomeNotWritable
from rag.server.guard import POLICY_VIOLATION

TOKEN_BYTES = 32
COOKIE_SECONDS = 30 * 24 * 3600
_LONGEST = 256  # characters of a token that are looked at

PLEASE_SIGN_IN = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Vouch: sign in</title>
<style>
body { font: 1.05rem/1.6 system-ui, sans-serif; color: #1f2933; background: #f7f8f9;
       display: grid; place-items: center; min-height: 100vh; margin: 0; }
main { max-width: 30rem; margin: 1.5rem; padding: 2rem; background: #fff;
       border: 1px solid #dfe3e8; border-radius: .6rem; }
h1 { font-size: 1.25rem; margin: 0 0 .5rem; }
p { margin: 0; }
code { background: #eef1f4; padding: .1em .35em; border-radius: .25em; }
</style>
</head>
<body>
<main>
<h1>Not signed in</h1>
<p>Open the address that <code>rag serve</code> printed when it started; it signs you in.</p>
</main>
</body>
</html>
"""


def open_token(path: Path, new: bool = False) -> str:
    """The token kept in a file; made if there is none yet, or if a new one is wanted.

    Raises `HomeNotWritable` where the file can be neither read nor made.
    """
    try:
        if not new:
            with contextlib.suppress(FileNotFoundError):
                if kept := path.read_text(encoding="ascii", errors="replace").strip():
                    path.chmod(0o600)
                    return kept
        return _make_token(path)
    except OSError as error:
        raise HomeNotWritable(
            str(path),
            f"The sign-in token {path} cannot be kept: {error.strerror or error}.",
            "Give yourself write permission there, or set RAG_HOME to another folder.",
        ) from error


def _make_token(path: Path) -> str:
    token = secrets.token_urlsafe(TOKEN_BYTES)
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(token)
    fresh.replace(path)
    return token


def cookie_name(port: int) -> str:
    return f"vouch-{port}"


class SignIn:
    """Lets in who has the cookie, trades `?token=…` for it, and tells the others how to sign in."""

    def __init__(self, app: ASGIApp, token: str, port: int) -> None:
        self._app = app
        self._token = token
        self._cookie = cookie_name(port)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        visitor = HTTPConnection(scope)
        if "token" in visitor.query_params and scope["type"] == "http":
            await self._trade(visitor)(scope, receive, send)
        elif self._is_token(visitor.cookies.get(self._cookie)):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
        else:
            await HTMLResponse(PLEASE_SIGN_IN, 401)(scope, receive, send)

    def _trade(self, visitor: HTTPConnection) -> Response:
        if not self._is_token(visitor.query_params["token"]):
            return HTMLResponse(PLEASE_SIGN_IN, 401)
        # A path like //host would be an address elsewhere.
        answer = RedirectResponse("/" + visitor.url.path.lstrip("/\\"), 303)
        answer.set_cookie(
            self._cookie, self._token, COOKIE_SECONDS, path="/", httponly=True, samesite="strict"
        )
        answer.headers["cache-control"] = "no-store"
        return answer

    def _is_token(self, given: str | None) -> bool:
        if given is None or len(given) > _LONGEST:
            return False
        return secrets.compare_digest(given.encode(), self._token.encode())
