"""A process of our own and its two pipes: one question, one answer, and a sure end.

A thread of its own starts the child and speaks with it, so that whoever asks waits on a queue with
a time-out: that works on every platform, and no full or silent pipe can hold the program up. The
thread lives as long as the child: Linux sends the child its parent-death signal when the *thread*
that started it ends, not the process.

`take_pipes`, `die_with_parent` and `end_with_parent` are for the child. Knows nothing of what is asked.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from typing import IO

from rag.frames import Frame, receive, send
from rag.paths import PACKAGE

REAP_SECONDS = 5.0
"""How long to wait for a killed process to go; one stuck in the kernel is left behind."""
_LOOK_SECONDS = 1.0
_PR_SET_PDEATHSIG = 1


class Ended(Exception):
    """The child ended instead of answering. `code` as in `subprocess`: -n for signal n."""

    def __init__(self, code: int | None) -> None:
        super().__init__(f"the process ended with {code}")
        self.code = code


def module_command(name: str) -> tuple[str, ...]:
    """The command that runs a module of this package, never one in the current folder (-P)."""
    return (sys.executable, "-P", "-m", name)


def environment(**more: str) -> dict[str, str]:
    """Our own environment, in which a child finds this package by its place."""
    place = str(PACKAGE.parent)
    others = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": f"{place}{os.pathsep}{others}" if others else place, **more}


def take_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """In the child: its two pipes. What a library prints or reads goes nowhere from now on."""
    questions, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.close(null)
    return questions, answers


def die_with_parent(parent: int | None = None) -> None:
    """In the child: end at once when the program is killed, or hung work would outlive it. `parent`:
    its process id where that is known, for a kill before this call.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if parent is not None and os.getppid() != parent:
            os._exit(1)


def end_with_parent() -> None:
    """In the child: be interrupted once the program has ended. For a child that outlives the thread
    which started it, and has things to end.
    """
    parent = os.getppid()

    def look() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK_SECONDS)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=look, name="end-with-parent", daemon=True).start()


class ChildProcess:
    """A running child. For one asking thread at a time."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.answered = 0
        self._command = list(command)
        self._environment = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None
        self._questions: queue.SimpleQueue[Frame | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[Frame | Exception] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._converse, name="child-process", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def ended(self, seconds: float = 0.0) -> int | None:
        """How it ended, as in `subprocess`; None if it still runs after so many seconds."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(seconds) if self._process else None
        return None

    def ask(self, question: Frame, seconds: float) -> Frame:
        """The child's answer. After any exception the child must be killed.

        Raises `Ended`, TimeoutError after `seconds`, ValueError for an answer of a wrong form or
        size, OSError if the child could not be started.
        """
        self._questions.put(question)
        try:
            answer = self._answers.get(timeout=seconds)
        except queue.Empty:
            raise TimeoutError(f"no answer within {seconds:g} s") from None
        if isinstance(answer, Exception):
            raise answer
        self.answered += 1
        return answer

    def kill(self) -> None:
        """End the child and whatever it started. Returns within a few seconds, come what may."""
        self._questions.put(None)
        if self._process is not None:
            _kill_group(self._process)
        self._thread.join(REAP_SECONDS + 1)

    def _converse(self) -> None:
        try:
            process = self._process = _start(self._command, self._environment)
        except OSError as error:
            self._answers.put(error)
            return
        outcome: Exception | None = None
        try:
            self._answer_all(process)
        except ValueError as error:
            outcome = error
        except OSError:
            pass  # a broken pipe: how the child ended says why
        self._answers.put(outcome or Ended(_end(process)))
        if outcome:
            _end(process)

    def _answer_all(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin and process.stdout
        while (question := self._questions.get()) is not None:
            send(process.stdin, question)
            answer = receive(process.stdout)
            if answer is None:
                return
            self._answers.put(answer)


def _start(command: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start the child as the leader of a group of its own: Ctrl-C is not for it, a kill for all."""
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NO_WINDOW
    return subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        creationflags=flags,
    )


def _end(process: subprocess.Popen[bytes]) -> int | None:
    """Kill what is left of the child, close its pipes and tell how it ended."""
    _kill_group(process)
    for pipe in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):  # what was not yet written to it
            pipe.close() if pipe else None
    try:
        return process.wait(REAP_SECONDS)
    except subprocess.TimeoutExpired:
        return None


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    if process.returncode is not None:
        return  # reaped: its number may belong to another process by now
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
