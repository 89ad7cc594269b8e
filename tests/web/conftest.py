"""Web apps to visit: started as people start them, by `rag serve` in a process of its own."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request, expect, sync_playwright

from rag.assistant import Assistant, open_assistant
from rag.config import load_settings

ROOT = Path(__file__).resolve().parents[2]
NOWHERE = "http://127.0.0.1:9"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]  # fmt: skip
IN_BROWSER = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium: apt-get install chromium"),
]
expect.set_options(timeout=30_000)


@dataclass(frozen=True)
class Site:
    """A running web app."""

    process: subprocess.Popen[str]
    address: str
    reached_at: str = "127.0.0.1"

    @property
    def port(self) -> int:
        port = urlsplit(self.address).port
        assert port
        return port

    @property
    def own(self) -> str:
        """What `Host` says for it."""
        return f"127.0.0.1:{self.port}"

    @property
    def cookie(self) -> dict[str, str]:
        return {"Cookie": f"vouch-{self.port}={self.address.partition('token=')[2]}"}

    def ask(
        self, path: str = "/", headers: dict[str, str] | None = None, method: str = "GET"
    ) -> http.client.HTTPResponse:
        """One request, with just these headers (and our own Host, if they have none)."""
        connection = http.client.HTTPConnection(self.reached_at, self.port, timeout=20)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in ({"Host": self.own} | (headers or {})).items():
            connection.putheader(name, value)
        connection.endheaders()
        with contextlib.closing(connection):
            answer = connection.getresponse()
            if answer.status != 101:
                answer.read()
            answer.close()
            return answer

    def knock(self, headers: dict[str, str]) -> int:
        """The status of a WebSocket handshake: 101 opens it."""
        handshake = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Protocol": "streamlit",
        }
        return self.ask("/_stcore/stream", handshake | headers).status

    def stop(self, how: signal.Signals = signal.SIGINT) -> int:
        """End it as a person or a system would. Returns its exit code."""
        self.process.send_signal(how)
        with self.process:
            return self.process.wait(30)


def start(home: Path, *flags: str) -> Site:
    """`rag serve` on a library, at any free port."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("RAG_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "rag", "serve", "--home", str(home), "--port", "0", *flags],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(r"http://\S+", line):
            return Site(process, found.group())
    raise AssertionError(f"rag serve ended with {process.wait()} and printed no address")


@pytest.fixture(scope="session")
def site(samples: Assistant) -> Iterator[Site]:
    """The web app of the sample documents, answering by quoting. To be read only."""
    site = start(samples.settings.home, "--engine", "embedded")
    yield site
    site.stop()


@pytest.fixture
def make_library(tmp_path: Path) -> Callable[..., Path]:
    """Ingest files (name to text) into a library of the test's own; returns its home."""

    def make(files: dict[str, str]) -> Path:
        folder = tmp_path / "files"
        folder.mkdir()
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
        settings = load_settings(
            {"home": tmp_path / "home", "engine": "embedded", "ollama_host": NOWHERE}, {}
        )
        assistant = open_assistant(settings)
        list(assistant.ingest(assistant.plan([folder])))
        assistant.close()
        return settings.home

    return make


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def foreign() -> list[str]:
    """Addresses outside the app that the browser asked for."""
    return []


@pytest.fixture
def page(chromium: Browser, foreign: list[str]) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(30_000)
    page = context.new_page()
    page.on("request", lambda request: _note(request, foreign))
    page.on("websocket", lambda socket: _note(socket, foreign))
    yield page
    context.close()


def _note(request: Request, foreign: list[str]) -> None:
    if not re.match(r"(https?|wss?)://127\.0\.0\.1:|data:|blob:", request.url):
        foreign.append(request.url)
