"""An HTTP server that speaks as much of Ollama's API as a chat needs, and says what it is told.

The real client talks to it over loopback; only the model's words are made up, so that a page can be
shown an answer that no honest model would give.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MODEL = "llama3.1"
DIGEST = "46e0c10c039e" + "0" * 52
CONTEXT = 8192


class ScriptedOllama:
    """`say` sets the pieces of the next answers, and the seconds between two of them."""

    def __init__(self, address: str = "127.0.0.1", port: int = 0) -> None:
        self._pieces: tuple[str, ...] = ()
        self._pause = 0.0
        self.abandoned = threading.Event()
        """Set when a client goes away in the middle of an answer."""
        handler = type("Handler", (_Handler,), {"script": self})
        self._server = ThreadingHTTPServer((address, port), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def say(self, pieces: Sequence[str], pause: float = 0.02) -> None:
        self._pieces, self._pause = tuple(pieces), pause

    def pieces(self):
        for piece in self._pieces:
            yield piece
            time.sleep(self._pause)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    script: ScriptedOllama

    def do_GET(self) -> None:
        if self.path == "/api/version":
            self._reply({"version": "0.9.6"})
        else:
            self._reply({"models": [{"model": f"{MODEL}:latest", "digest": DIGEST, "size": 1}]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/api/chat":
            self._chat(body)
        else:
            facts = {"llama.context_length": CONTEXT}
            self._reply({"details": {}, "model_info": facts, "capabilities": ["completion"]})

    def _chat(self, body: dict) -> None:
        self.send_response(200)
        self.end_headers()
        read = sum(len(message["content"]) for message in body["messages"]) // 4
        end = {"done_reason": "stop", "prompt_eval_count": read, "eval_count": 60}
        try:
            for piece in self.script.pieces():
                self._line(_part(piece))
            self._line({**_part("", done=True), **end})
        except (BrokenPipeError, ConnectionResetError):
            self.script.abandoned.set()

    def _reply(self, value: dict) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _line(self, value: dict) -> None:
        self.wfile.write(json.dumps(value).encode() + b"\n")
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        pass


def _part(text: str, done: bool = False) -> dict:
    return {"model": MODEL, "message": {"role": "assistant", "content": text}, "done": done}
