"""Starts the web app on loopback: the port, the token, the middleware, Streamlit, a clean end.

Prints nothing; tells the address when the page answers as it must, and refuses to go on if not.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rag.config import Settings
from rag.errors import ServerError
from rag.paths import bundled
from rag.server.ports import ADDRESS, choose_port

if TYPE_CHECKING:
    import streamlit as st


def serve(settings: Settings, *, on_ready: Callable[[str], None], new_token: bool = False) -> None:
    """Serve the library's web app until Ctrl-C or SIGTERM, then close it.

    `on_ready` is called once, from another thread, with the address that signs in; `new_token` ends
    all earlier addresses. Raises `ServerError` where the port is taken or the page does not answer
    with our security headers, and what opening a library raises.
    """
    from rag.server.headers import CSP, security_headers
    from rag.server.readiness import Readiness
    from rag.server.signin import cookie_name, open_token
    from rag.server.workspace import open_workspace

    port = choose_port(settings)
    with closing(open_workspace(settings)):
        token = open_token(settings.library.token, new_token)
        headers = security_headers(_streamlit_page())
        failures: list[str] = []
        readiness = Readiness(
            port,
            headers[CSP],
            f"{cookie_name(port)}={token}",
            on_ready=lambda: on_ready(f"http://{ADDRESS}:{port}/?token={token}"),
            on_failure=lambda problem: _end_with(failures, problem),
        )
        readiness.start()
        try:
            _run(make_app(port, token, headers), settings.bind, port)
        finally:
            readiness.stop()
        if failures:
            raise ServerError(
                str(port),
                f"The web app was not opened, because {failures[0]}.",
                "Please report this with the output of: rag doctor",
            )


def make_app(port: int, token: str, headers: dict[str, str]) -> st.App:
    """The web app with its middleware, outermost first."""
    import streamlit as st
    from starlette.middleware import Middleware

    from rag.server.guard import OwnPagesOnly, own_hosts
    from rag.server.headers import SecurityHeaders
    from rag.server.signin import SignIn

    pages = bundled("ui")
    _make_importable(pages)
    return st.App(
        pages / "app.py",
        middleware=[
            Middleware(SecurityHeaders, headers=headers),
            Middleware(OwnPagesOnly, hosts=own_hosts(port)),
            Middleware(SignIn, token=token, port=port),
        ],
    )


def _run(app: st.App, bind: str, port: int) -> None:
    from rag.server.streamlit_options import options

    with _as_if_started_by(app.script_path), _interrupted_by_sigterm():
        try:
            app.run(config=options(bind, port))
        except KeyboardInterrupt:
            pass  # the ordinary way to end
        except SystemExit as error:  # how Streamlit says that it could not start
            raise ServerError(
                str(port),
                f"The web app could not be started on port {port}.",
                "Choose another port: --port 0 takes any free one.",
            ) from error


def _make_importable(pages: Path) -> None:
    """Let the pages import one another as `ui.…`, from a checkout and from a wheel alike."""
    folder = str(pages.parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)


@contextmanager
def _as_if_started_by(script: Path) -> Iterator[None]:
    """Streamlit puts the folder of the program it was started by first on the import path.

    With `python -m rag` that is our package, whose types.py would then stand before Python's own.
    """
    arguments, path = sys.argv, list(sys.path)
    sys.argv = [str(script.parent)]
    try:
        yield
    finally:
        sys.argv, sys.path[:] = arguments, path


@contextmanager
def _interrupted_by_sigterm() -> Iterator[None]:
    """Let SIGTERM end the server as Ctrl-C does: the library is closed, the children are ended."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _end_with(failures: list[str], problem: str) -> None:
    failures.append(problem)
    signal.raise_signal(signal.SIGINT)


def _streamlit_page() -> Path:
    import streamlit

    return Path(streamlit.__file__).parent / "static" / "index.html"
