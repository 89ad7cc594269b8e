"""Starting, killing and reading the program, always as a process group of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

REPOSITORY = Path(__file__).resolve().parents[2]
SECONDS = 180.0  # longest run of anything here


@dataclass(frozen=True, slots=True)
class Ended:
    """A process that has ended. `code` as in `subprocess`: -n for signal n."""

    code: int
    stdout: str
    stderr: str
    seconds: float

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The whole lines of JSON that it printed; a line cut off by a kill is left out."""
        whole = self.stdout[: self.stdout.rfind("\n") + 1]
        return [json.loads(line) for line in whole.splitlines()]

    @property
    def results(self) -> list[dict[str, Any]]:
        """What an ingestion said of each file."""
        return [line for line in self.lines if "outcome" in line]

    @property
    def summary(self) -> dict[str, Any]:
        found: dict[str, Any] = self.lines[-1]["summary"]
        return found


class Running:
    """A process group that was started; its output goes to files, so no pipe can hold it up."""

    def __init__(self, command: list[str], environment: Mapping[str, str], said: Path) -> None:
        self._stdout = said.with_suffix(".out")
        self._stderr = said.with_suffix(".err")
        self._started = time.perf_counter()
        with self._stdout.open("w") as out, self._stderr.open("w") as err:
            self.process = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                start_new_session=True, cwd=said.parent,
            )  # fmt: skip

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    def output(self) -> str:
        return self._stdout.read_text()

    def wait(self, seconds: float = SECONDS) -> Ended:
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        taken = time.perf_counter() - self._started
        return Ended(code, self.output(), self._stderr.read_text(), taken)

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def kill(self, group: bool = True) -> list[int]:
        """kill -9, of the whole group or of the first process alone.

        Returns the pids of children that were still there five seconds later; they are ended.
        """
        children = _children(self.process.pid)
        if self.process.poll() is None:
            if group:
                os.killpg(self.process.pid, signal.SIGKILL)
            else:
                self.process.kill()
            self.process.wait()
        _, alive = psutil.wait_procs(children, timeout=5)
        for child in alive:
            child.kill()
        return [child.pid for child in alive]


def start(
    home: Path, *arguments: str, driver: bool = False, environment: Mapping[str, str] | None = None
) -> Running:
    """Start `rag` with these arguments on the library in `home`; `driver`: through driver.py."""
    module = f"{__package__}.driver" if driver else "rag"
    said = home.parent / f"{home.name}-{time.monotonic_ns()}"
    command = [sys.executable, "-m", module, *arguments]
    return Running(command, surroundings(home) | dict(environment or {}), said)


def run(home: Path, *arguments: str, **how: Any) -> Ended:
    """As `start`, and wait for the end."""
    return start(home, *arguments, **how).wait()


def surroundings(home: Path) -> dict[str, str]:
    """The environment of a run: the embedded engine, this checkout, no settings from outside."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("RAG_", "VOUCH_", "OLLAMA_"))}
    path = os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "tests")])
    return kept | {"PYTHONPATH": path, "RAG_HOME": str(home), "RAG_ENGINE": "embedded"}


def _children(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
