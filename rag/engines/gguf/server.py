"""llama.cpp in a process of our own, from outside: started with one model, asked, ended.

It is asked over HTTP (llama.cpp's own server, tools/server/README.md there) through a Unix socket in a
folder that only this user may enter. Every failure is mapped to our errors here, once.

Knows nothing of prompts and windows.
"""

from __future__ import annotations

import json
import re
import signal
import tempfile
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from rag.errors import EngineError, EngineTimeout, InputTooLong, StreamBroken
from rag.frames import Frame
from rag.process import ChildProcess, Ended, environment, module_command

_COMMAND = module_command("rag.engines.gguf.child")
_ENVIRONMENT = {"GGML_NO_BACKTRACE": "1"}  # or it would start a debugger when it aborts
_NONE_KEPT = httpx.Limits(max_keepalive_connections=0)  # one might be closed as it is used again
_EVENT = b"data: "
_LAST_EVENT = b"data: [DONE]"
_GRACE = 1.0  # seconds for a process to be seen to have ended, and for its log to be written
_LOG_MARKS = re.compile(r"^[\d.]+ [A-Z] ")  # time and level


class LlamaServer:
    """A model that is loaded and answers. Safe to share; questions take turns.

    `template` is a chat template in place of the file's own ('': the file's); after `idle_seconds`
    without a question the memory is given back until the next one (-1: never). `load_timeout` and
    `read_timeout` (the longest silence) are seconds.
    """

    def __init__(
        self,
        path: Path,
        *,
        num_ctx: int,
        template: str,
        threads: int,
        idle_seconds: int,
        load_timeout: float,
        read_timeout: float,
    ) -> None:
        self._name = path.name
        self._folder = tempfile.TemporaryDirectory(prefix="vouch-")
        self._log = Path(self._folder.name, "log")
        socket = str(Path(self._folder.name, "s.sock"))
        self._http = httpx.Client(
            transport=httpx.HTTPTransport(uds=socket, limits=_NONE_KEPT),
            base_url="http://llama.cpp",
            timeout=httpx.Timeout(read_timeout, connect=5),
        )
        self._child = ChildProcess(_COMMAND, environment(**_ENVIRONMENT))
        wanted = {
            "path": str(path),
            "socket": socket,
            "log": str(self._log),
            "num_ctx": num_ctx,
            "template": template,
            "threads": threads,
            "idle_seconds": idle_seconds,
        }
        try:
            self._load(wanted, load_timeout)
        except BaseException:
            self.close()
            raise

    @property
    def alive(self) -> bool:
        return self._child.pid is not None and self._child.ended() is None

    @property
    def pid(self) -> int | None:
        return self._child.pid

    def ask(self, route: str, body: dict[str, Any]) -> dict[str, Any]:
        """The answer of a route. Raises an `EngineError`."""
        with self._mapped():
            reply = self._http.post(route, json=body)
            self._check(reply)
            answer: dict[str, Any] = reply.json()
            return answer

    def stream(self, route: str, body: dict[str, Any]) -> Generator[dict[str, Any]]:
        """The events of a route. Closing the iterator stops the model. Raises an `EngineError`."""
        with self._mapped(), self._http.stream("POST", route, json=body) as reply:
            if not reply.is_success:
                reply.read()
            self._check(reply)
            for line in _lines(reply.iter_bytes()):
                if line == _LAST_EVENT:
                    return
                if line.startswith(_EVENT):
                    event = json.loads(line.removeprefix(_EVENT))
                    if "error" in event:
                        raise self._refused(event["error"])
                    yield event
        raise self._broken("its answer has no end")

    def close(self) -> None:
        """End the process; a stream that is still read ends with `StreamBroken`."""
        self._child.kill()
        self._http.close()
        self._folder.cleanup()

    def _load(self, wanted: dict[str, Any], seconds: float) -> None:
        try:
            answer = self._child.ask(Frame(wanted), seconds)
        except Ended as end:
            raise self._unusable(f"llama.cpp crashed on it ({_how(end.code)})") from end
        except TimeoutError as late:
            raise self._silent("to load") from late
        except (OSError, ValueError) as error:
            raise self._unusable(f"the process for it could not start ({error})") from error
        if not answer.message["loaded"]:
            raise self._unusable("llama.cpp refused it")

    def _check(self, reply: httpx.Response) -> None:
        if reply.is_success:
            return
        try:
            error = dict(reply.json()["error"])
        except (ValueError, KeyError, TypeError):
            error = {"message": f"HTTP {reply.status_code}"}
        raise self._refused(error)

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        try:
            yield
        except httpx.TimeoutException as late:
            raise self._silent("to answer") from late
        except (httpx.TransportError, RuntimeError) as error:  # RuntimeError: closed meanwhile
            raise self._broken(_how(self._child.ended(_GRACE))) from error

    def _refused(self, error: dict[str, Any]) -> EngineError:
        if error.get("type") == "exceed_context_size_error":
            return InputTooLong(
                self._name,
                f"The prompt of {error.get('n_prompt_tokens')} tokens is longer than the window of "
                f"{error.get('n_ctx')} that {self._name} was loaded with.",
                "Raise num_ctx, or ask more briefly.",
            )
        return EngineError(
            self._name,
            f"{self._name} could not answer: {error.get('message')}",
            "If that is about its chat template, choose another file of the model.",
        )

    def _unusable(self, why: str) -> EngineError:
        said = self._first_words()
        return EngineError(
            self._name,
            f"{self._name} could not be loaded: {why}.{f' It said: {said}' if said else ''}",
            "The file may be damaged, or newer than xllamacpp: fetch it again, or upgrade that.",
        )

    def _silent(self, doing: str) -> EngineTimeout:
        return EngineTimeout(
            self._name,
            f"{self._name} took too long {doing}.",
            "Raise read_timeout, or choose a smaller model.",
        )

    def _broken(self, how: str) -> StreamBroken:
        return StreamBroken(
            self._name,
            f"llama.cpp stopped in the middle of its answer ({how}).",
            "Ask again; if it was for lack of memory, lower num_ctx or choose a smaller model.",
        )

    def _first_words(self) -> str:
        """The first error that llama.cpp logged (a little later): the others follow from it."""
        patience = time.monotonic() + _GRACE
        while True:
            text = self._log.read_text("utf-8", "replace") if self._log.exists() else ""
            line, end, _ = text.lstrip().partition("\n")
            if end or time.monotonic() > patience:
                return _LOG_MARKS.sub("", line).strip()
            time.sleep(0.02)


def _how(code: int | None) -> str:
    """How a process ended, in words; -n is signal n."""
    if code is None:
        return "the connection broke"
    if code == -signal.SIGKILL:
        return "signal 9: the machine may be out of memory"
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Lines of bytes: a text in an answer may hold what Unicode takes for the end of a line."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
