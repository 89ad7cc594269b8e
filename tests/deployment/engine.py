"""A Docker Engine of our own on a machine of our own, and Compose with the project's own file."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import root
from .machine import OUTSIDE, Machine

PYTHON_IMAGE, OLLAMA_IMAGE = "local/python", "local/ollama"
OLLAMA_DOCKERFILE = f"""
FROM {PYTHON_IMAGE}
COPY ollama /bin/ollama
ENV OLLAMA_HOST=0.0.0.0:11434
ENTRYPOINT ["/bin/ollama"]
CMD ["serve"]
"""
"""Like the official image in what compose.yaml relies on, around the program that is installed."""


def compose_program() -> list[str] | None:
    """The command of Compose, if a version that knows today's specification is installed."""
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]):
            said = subprocess.run(
                [*command, "version"], capture_output=True, text=True, check=False
            )
            if said.returncode == 0 and "Docker Compose version" in said.stdout:
                return command
    return None


@dataclass(frozen=True)
class Docker:
    """A running engine."""

    machine: Machine
    socket: str
    choices: Mapping[str, str]
    """What a person would write into .env."""

    def docker(self, *arguments: str) -> str:
        """The output of a docker command that must end well."""
        return self._run("docker", *arguments)

    def compose(self, *arguments: str) -> str:
        program = compose_program()
        assert program
        return self._run(*program, *arguments)

    def inspect(self, service: str) -> dict[str, Any]:
        [found] = json.loads(self.docker("inspect", f"vouch-{service}-1"))
        return dict(found)

    def python(self, service: str, code: str, *arguments: str) -> str:
        """The output of code that runs in a service's container, outside Vouch and its guard."""
        return self.docker("exec", f"vouch-{service}-1", "python", "-c", code, *arguments)

    def build(self) -> None:
        """The Dockerfile's steps, without a network, on a clean root folder."""
        settings = f"ENV PIP_NO_INDEX=1 PIP_FIND_LINKS={root.WHEELS}"
        self.docker("import", "--change", settings, str(root.archive()), PYTHON_IMAGE)
        python = f"PYTHON_IMAGE={PYTHON_IMAGE}"
        self.docker("build", "--network", "none", "--build-arg", python, "--tag", "vouch", ".")

    def build_ollama(self, program: Path, folder: Path) -> None:
        (folder / "Dockerfile").write_text(OLLAMA_DOCKERFILE)
        shutil.copy(program, folder / "ollama")
        self.docker("build", "--tag", OLLAMA_IMAGE, str(folder))

    def _run(self, *command: str) -> str:
        environment = {"DOCKER_HOST": self.socket, "DOCKER_BUILDKIT": "0", **self.choices}
        done = subprocess.run(
            command, cwd=root.ROOT, env={**os.environ, **environment}, timeout=600,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout


@contextmanager
def new_docker(machine: Machine, folder: Path, choices: Mapping[str, str]) -> Iterator[Docker]:
    """An engine that keeps everything in `folder`, which must have a short name."""
    socket = f"unix://{folder}/socket"
    command = ["dockerd", "--data-root", f"{folder}/data", "--exec-root", f"{folder}/run",
               "--pidfile", f"{folder}/pid", "--host", socket, "--dns", OUTSIDE]  # fmt: skip
    with (folder / "log").open("w") as log:
        with subprocess.Popen(
            [*machine.place.enter, "unshare", "--mount", *command], stdout=log, stderr=log
        ) as engine:
            try:
                while not (folder / "pid").exists() or not (folder / "socket").exists():
                    assert engine.poll() is None, (folder / "log").read_text()[-3000:]
                    time.sleep(0.1)
                yield Docker(machine, socket, choices)
            finally:
                engine.terminate()  # ends its containers
