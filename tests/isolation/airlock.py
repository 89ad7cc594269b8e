"""Runs a command where nothing can leave: a network namespace whose every address leads to a sink.

    with Airlock(folder).start(["rag", "ask", …], environment) as passage: …
    passage = Airlock(folder).run([…], environment)   # waits for the end
    assert passage.code == 0 and passage.heard == []

Needs no root, but a kernel that lets a user make namespaces (`unavailable()` says why not).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from rag import egress

from .sink import ADDRESS, PROXY_PORT, READY

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
SECONDS = 180.0
UNSHARE = ("unshare", "--map-root-user", "--net", "--mount")
LOOPBACK_ONLY = (
    "unshare",
    "--map-root-user",
    "--net",
    "sh",
    "-c",
    'ip link set lo up && "$@"',
    "_",
)
"""Before a command: a namespace with nothing but loopback; whatever leaves it fails."""
_CI = ("CI", "GITHUB_ACTIONS", "TF_BUILD", "GITLAB_CI", "JENKINS_URL", "BUILD_ID", "BUILDKITE",
       "CIRCLECI", "TRAVIS", "APPVEYOR", "TEAMCITY_VERSION", "BITBUCKET_BUILD_NUMBER",
       "CODEBUILD_BUILD_ID", "CONTINUOUS_INTEGRATION")  # fmt: skip
"""Variables under which a library may keep still that would call home on a desk."""


def unavailable() -> str | None:
    """Why there can be no airlock on this machine; None if there can."""
    try:
        done = subprocess.run([*UNSHARE, "ip", "link"], capture_output=True, text=True)
    except FileNotFoundError as error:
        return f"{error.filename} is not installed (package util-linux)"
    if done.returncode != 0:
        return f"this system forbids namespaces, or has no ip: {done.stderr.strip()}"
    return None


def desk(home: Path, **more: str) -> dict[str, str]:
    """The environment of somebody's desk: nothing silenced, and a proxy, which is the sink."""
    left_out = {*egress.SILENCED, *_CI}
    kept = {k: v for k, v in os.environ.items() if k not in left_out and not k.startswith("RAG_")}
    proxy = f"http://{ADDRESS}:{PROXY_PORT}"
    proxies = {f"{name}_PROXY": proxy for name in ("HTTP", "HTTPS", "ALL")}
    proxies |= {name.lower(): proxy for name in proxies}
    path = os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "tests")])
    own = {"PYTHONPATH": path, "RAG_HOME": str(home), "HOME": str(home.parent)}
    return kept | proxies | own | more


@dataclass(frozen=True, slots=True)
class Passage:
    """What a command in an airlock said, and what the sink heard."""

    code: int
    stdout: str
    stderr: str
    heard: list[str]


class Inside:
    """A command that runs in an airlock. A context manager: what is left of it ends with it."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self.process = process
        self._folder = folder

    def stdout(self) -> str:
        return (self._folder / "stdout").read_text()

    def heard(self) -> list[str]:
        """What the sink has heard so far. Fails if the sink was never ready."""
        lines = (self._folder / "sink.log").read_text().splitlines()
        stderr = (self._folder / "stderr").read_text()
        assert lines[:1] == [READY], f"the sink was not ready: {stderr[-2000:]}"
        return lines[1:]

    def wait(self, seconds: float = SECONDS) -> Passage:
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.end()
            raise
        stderr = (self._folder / "stderr").read_text()
        return Passage(code, self.stdout(), stderr, self.heard())

    def end(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


class Airlock:
    """Makes namespaces, one for each command; `folder` keeps what was said and heard."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def start(self, command: Sequence[str], environment: Mapping[str, str]) -> Inside:
        folder = self._folder / f"passage-{time.monotonic_ns()}"
        folder.mkdir(parents=True)
        resolver = folder / "resolv.conf"
        resolver.write_text("nameserver 127.0.0.1\noptions timeout:2 attempts:2\n")
        (folder / "sink.log").touch()
        inside = [sys.executable, str(HERE / "inside.py"), str(folder / "sink.log"), str(resolver)]
        with (folder / "stdout").open("w") as out, (folder / "stderr").open("w") as err:
            process = subprocess.Popen(
                [*UNSHARE, *inside, *command], env=dict(environment), cwd=folder,
                stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True,
            )  # fmt: skip
        return Inside(process, folder)

    def run(
        self, command: Sequence[str], environment: Mapping[str, str], seconds: float = SECONDS
    ) -> Passage:
        with self.start(command, environment) as inside:
            return inside.wait(seconds)
