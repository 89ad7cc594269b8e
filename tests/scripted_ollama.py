"""An HTTP server that speaks as much of Ollama's API as a chat needs, and says what it is told.

The real client talks to it over loopback; only the model's words and the server's faults are made
up: an answer that no honest model would give, a queue that is full, a connection that is reset.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MODEL = "llama3.1"
DIGEST = "46e0c10c039e" + "0" * 52
CONTEXT = 8192


class Fault(Enum):
    """What may happen instead of a piece of an answer."""

    BUSY = auto()
    """HTTP 503, as an Ollama whose queue is full; only as the first thing."""
    RESET = auto()
    """The connection is reset."""


Step = str | float | Fault
"""A piece of text, seconds of silence, or a fault."""
Plan = Callable[[str, int], Sequence[Step]]
"""What to do with a prompt, by its text and the number of the attempt (from 1)."""


class ScriptedOllama:
    """`say` sets the pieces of the next answers; `act` what to do with each prompt."""

    def __init__(self, address: str = "127.0.0.1", port: int = 0) -> None:
        self.act: Plan = lambda prompt, attempt: ()
        self.model: dict[str, object] = {"model": f"{MODEL}:latest", "digest": DIGEST, "size": 1}
        self.version = "0.9.6"
        self.cloud: bool | None = None
        """Whether cloud features are on; None: the server does not know the question."""
        self.capabilities = ["completion"]
        self.facts: dict[str, object] = {"llama.context_length": CONTEXT}
        self.running: list[dict[str, object]] = []
        self.durations: dict[str, int] = {}
        """What the last piece says of where the time went, in nanoseconds."""
        self.tokens_read: int | None = None
        """What is said to have been read of each prompt; without it, a token for four letters."""
        self.received: list[dict] = []
        self.attempts: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self.serving = self.most_serving = 0
        self.abandoned = threading.Event()
        """Set when a client goes away in the middle of an answer."""
        self.guard = threading.Lock()
        handler = type("Handler", (_Handler,), {"script": self})
        self._server = _Server((address, port), handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def say(self, pieces: Sequence[str], pause: float = 0.02) -> None:
        """Answer every prompt with these pieces, so many seconds apart."""
        steps = [step for piece in pieces for step in (piece, pause)]
        self.act = lambda prompt, attempt: steps

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # clients that go away are a part of the tests


class _Handler(BaseHTTPRequestHandler):
    script: ScriptedOllama
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # as Ollama has it: small replies would wait 40 ms each

    def do_GET(self) -> None:
        script = self.script
        if self.path == "/api/version":
            self._reply({"version": script.version})
        elif self.path == "/api/status":
            known = script.cloud is not None
            cloud = {"cloud": {"disabled": not script.cloud, "source": "none"}}
            self._reply(cloud if known else {"error": "404"}, 200 if known else 404)
        elif self.path == "/api/ps":
            self._reply({"models": script.running})
        else:
            self._reply({"models": [script.model]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path in ("/api/chat", "/api/generate"):
            self._write(body)
        else:
            facts, able = self.script.facts, self.script.capabilities
            self._reply({"details": {}, "model_info": facts, "capabilities": able})

    def _write(self, body: dict) -> None:
        script = self.script
        prompt = body["prompt"] if "prompt" in body else body["messages"][-1]["content"]
        with script.guard:
            script.received.append(body)
            script.attempts[prompt] += 1
            attempt = script.attempts[prompt]
            script.serving += 1
            script.most_serving = max(script.most_serving, script.serving)
        try:
            if self._act(script.act(prompt, attempt), body):
                script.answered[prompt] += 1
        except (BrokenPipeError, ConnectionResetError):
            script.abandoned.set()
        finally:
            with script.guard:
                script.serving -= 1

    def _act(self, steps: Sequence[Step], body: dict) -> bool:
        """Take the steps; whether they led to the end of an answer."""
        begun = False
        for step in steps:
            if step is Fault.BUSY:
                self._reply({"error": "server busy, please try again."}, status=503)
                return False
            if step is Fault.RESET:
                # a socket closed with a linger of zero sends a reset
                self.connection.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                )
                self.close_connection = True
                self.connection.close()
                return False
            if isinstance(step, float):
                time.sleep(step)
                continue
            begun = begun or self._begin()
            self._line(self._part(step))
        begun or self._begin()
        texts = [body.get("system", ""), body.get("prompt", "")]
        text = "".join([*texts, *(m["content"] for m in body.get("messages", ()))])
        read = len(text) // 4 if self.script.tokens_read is None else self.script.tokens_read
        end = {"done": True, "done_reason": "stop", "eval_count": 60, "prompt_eval_count": read}
        self._line({**self._part(""), **end, **self.script.durations})
        self.wfile.write(b"0\r\n\r\n")
        return True

    def _begin(self) -> bool:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        return True

    def _part(self, text: str) -> dict:
        if self.path == "/api/generate":
            return {"model": MODEL, "response": text, "done": False}
        return {"model": MODEL, "message": {"role": "assistant", "content": text}, "done": False}

    def _reply(self, value: dict, status: int = 200) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _line(self, value: dict) -> None:
        line = json.dumps(value).encode() + b"\n"
        self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        pass
