"""Starting and ending the web app: ports, the token file, refusing to start unguarded, signals."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import psutil
import pytest

from rag.config import load_settings
from rag.errors import HomeNotWritable, ServerError
from rag.server.ports import choose_port
from rag.server.readiness import Readiness
from rag.server.signin import open_token

from .conftest import start


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that another program listens on."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_named_port_that_is_taken_is_an_error(taken: int) -> None:
    with pytest.raises(ServerError, match=str(taken)):
        choose_port(load_settings({"port": taken}, {}))


def test_the_default_port_gives_way_to_the_next_free_one(
    taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load_settings({"port": taken}, {})
    monkeypatch.setitem(settings.origins, "port", "default")  # type: ignore[arg-type]
    assert taken < choose_port(settings) < taken + 50


def test_port_0_is_any_free_one() -> None:
    assert choose_port(load_settings({"port": 0}, {})) > 1023


def test_the_token_is_kept_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "token"
    token = open_token(path)
    assert len(token) >= 43  # 256 bits in base64
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    assert open_token(path) == token
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_new_token_ends_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "token"
    old = open_token(path)
    new = open_token(path, new=True)
    assert new != old
    assert open_token(path) == new
    assert [p.name for p in tmp_path.iterdir()] == ["token"]


def test_an_empty_token_file_does_not_open_the_door(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.touch()
    assert len(open_token(path)) >= 43


def test_a_token_that_cannot_be_kept_is_an_error_of_the_home(tmp_path: Path) -> None:
    with pytest.raises(HomeNotWritable):
        open_token(tmp_path / "missing" / "token")


class _Unguarded(BaseHTTPRequestHandler):
    """A page as Streamlit would serve it without our middleware."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_a_page_without_our_middleware_is_refused() -> None:
    server = HTTPServer(("127.0.0.1", 0), _Unguarded)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    told: list[str] = []
    done = threading.Event()
    try:
        Readiness(
            server.server_address[1],
            policy="default-src 'self'",
            cookie="vouch=x",
            on_ready=done.set,
            on_failure=lambda problem: (told.append(problem), done.set()),
        ).start()
        assert done.wait(20)
    finally:
        server.shutdown()
        server.server_close()
    assert told == ["it answered 200 to a visitor who has not signed in"]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly_with_all_its_children(
    tmp_path: Path, how: signal.Signals
) -> None:
    site = start(tmp_path / "home", "--engine", "embedded")
    children = psutil.Process(site.process.pid).children(recursive=True)
    assert site.stop(how) == 0
    assert not any(child.is_running() for child in children)


def test_new_token_ends_the_addresses_of_before(tmp_path: Path) -> None:
    first = start(tmp_path / "home", "--engine", "embedded")
    first.stop()
    second = start(tmp_path / "home", "--engine", "embedded", "--new-token")
    try:
        old = first.address.partition("?")[2]
        assert second.ask(f"/?{old}").status == 401
        assert second.ask("/", second.cookie).status == 200
    finally:
        second.stop()
