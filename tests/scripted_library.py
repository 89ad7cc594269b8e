"""An HTTP server that speaks Ollama's API for managing models, with a registry of its own behind it.

The real client talks to it over loopback; a pull, which the real server could only make from the
internet, goes as it is scripted: in pieces, interrupted, taken up again, or refused.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

GB = 10**9
DIGEST = "667b0c1932bc" + "0" * 52
NO_NETWORK = (
    'pull model manifest: Get "https://registry.example/v2/library/x/manifests/latest": dial tcp: '
    "lookup registry.example on 127.0.0.53:53: no such host"
)
LLAMA = {
    "general.architecture": "llama", "general.parameter_count": 8_030_261_312,
    "llama.block_count": 32, "llama.context_length": 131_072, "llama.embedding_length": 4096,
    "llama.attention.head_count": 32, "llama.attention.head_count_kv": 8,
    "llama.vocab_size": 128_256,
}  # fmt: skip


@dataclass
class Model:
    """A model of the server."""

    size: int = 4_920_753_328
    facts: dict[str, Any] = field(default_factory=lambda: dict(LLAMA))
    capabilities: tuple[str, ...] = ("completion",)
    system: str = ""
    remote_host: str = ""
    digest: str = field(default_factory=lambda: secrets.token_hex(32))


class ScriptedLibrary:
    """`registry`: what can be pulled, in bytes; a pull takes `pieces` steps with a pause between.

    `breaks_at`: the share of a download at which the connection is lost, once; `fails`: what the
    server complains of instead of pulling.
    """

    def __init__(self) -> None:
        self.models: dict[str, Model] = {"llama3.1:latest": Model()}
        self.running: dict[str, dict[str, Any]] = {}
        self.registry: dict[str, int] = {"llama3.2:latest": 2 * GB, "llama3.2:3b": 2 * GB}
        self.pieces, self.pause = 10, 0.01
        self.breaks_at: float | None = None
        self.fails: str | None = None
        self.silent = threading.Event()
        """While it is set, a pull hangs in the middle of its download."""
        self.pulling = threading.Event()
        """Set when a pull has told of its first bytes."""
        self.fetched: dict[str, int] = {}
        self.abandoned = threading.Event()
        """Set when a client goes away in the middle of a pull."""
        self.created: list[dict[str, Any]] = []
        handler = type("Handler", (_Handler,), {"script": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def pull(self, name: str) -> Iterator[dict[str, Any]]:
        """The parts of a pull; what an earlier one has fetched is not fetched again."""
        yield {"status": "pulling manifest"}
        if self.fails:
            yield {"error": self.fails}
            return
        if name not in self.registry:
            yield {"error": "pull model manifest: file does not exist"}
            return
        total = self.registry[name]
        step = total // self.pieces
        while (done := self.fetched.get(name, 0)) < total:
            share = done / total
            if self.breaks_at is not None and share >= self.breaks_at:
                self.breaks_at = None
                raise ConnectionAbortedError
            yield _layer(done, total)
            self.pulling.set()
            while self.silent.is_set():
                time.sleep(0.01)
            time.sleep(self.pause)
            self.fetched[name] = min(total, done + step)
        yield _layer(total, total)
        yield {"status": "verifying sha256 digest"}
        yield {"status": "writing manifest"}
        self.models[name] = Model(total)
        yield {"status": "success"}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _layer(done: int, total: int) -> dict[str, Any]:
    return {"status": f"pulling {DIGEST[:12]}", "digest": f"sha256:{DIGEST}", "total": total,
            "completed": done}  # fmt: skip


def _full(name: str) -> str:
    return name if ":" in name else f"{name}:latest"


class _Handler(BaseHTTPRequestHandler):
    script: ScriptedLibrary

    def do_GET(self) -> None:
        script = self.script
        if self.path == "/api/version":
            self._reply({"version": "0.9.6"})
        elif self.path == "/api/ps":
            self._reply({"models": list(script.running.values())})
        else:
            self._reply({"models": [_listed(n, m) for n, m in script.models.items()]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/api/pull":
            self._pull(_full(body["model"]))
        elif self.path == "/api/create":
            self.script.created.append(body)
            self.script.models[_full(body["model"])] = Model()
            self._reply({"status": "success"})
        else:
            model = self.script.models.get(_full(body["model"]))
            if model is None:
                self._reply({"error": f"model '{body['model']}' not found"}, 404)
            else:
                self._reply(_shown(model))

    def do_DELETE(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.script.models.pop(_full(body["model"]))
        self._reply({})

    def _pull(self, name: str) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            for part in self.script.pull(name):
                line = json.dumps(part).encode() + b"\n"
                self.wfile.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")
        except ConnectionAbortedError:
            self.close_connection = True  # without the last chunk: the client sees a broken stream
        except (BrokenPipeError, ConnectionResetError):
            self.script.abandoned.set()

    def _reply(self, value: dict[str, Any], status: int = 200) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def _listed(name: str, model: Model) -> dict[str, Any]:
    listed: dict[str, Any] = {
        "name": name, "model": name, "size": model.size, "digest": model.digest,
        "modified_at": "2026-11-20T10:00:00Z",
        "details": {"family": "llama", "parameter_size": "8.0B", "quantization_level": "Q4_K_M"},
    }  # fmt: skip
    return listed | ({"remote_host": model.remote_host} if model.remote_host else {})


def _shown(model: Model) -> dict[str, Any]:
    return {
        "modelfile": "FROM llama3.1\n", "parameters": 'stop    "<|eot_id|>"', "template": "",
        "system": model.system, "details": {}, "model_info": model.facts,
        "capabilities": list(model.capabilities),
    }  # fmt: skip
