"""A machine with Docker on it, and both containers running as compose.yaml says."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines import ollama_server
from tests.engines.ollama_server import OllamaServer
from tests.isolation import airlock

from . import root
from .engine import OLLAMA_IMAGE, Docker, compose_program, new_docker
from .machine import new_machine

NEEDED = ("docker", "dockerd", "mmdebstrap", "nft", "nsenter", "ss", "sysctl")
NOTE = "The spare key of the boat house hangs behind the clock in the office.\n"


def _unavailable() -> str | None:
    if reason := airlock.unavailable():
        return reason
    if os.geteuid() != 0:
        return "a Docker Engine of our own needs root"
    missing = [name for name in NEEDED if not shutil.which(name)]
    if compose_program() is None:
        missing.append("Docker Compose")
    return f"not installed (see .ci/run): {', '.join(missing)}" if missing else None


@pytest.fixture(scope="session")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of somebody's documents."""
    folder = tmp_path_factory.mktemp("documents")
    folder.chmod(0o755)
    (folder / "note.txt").write_text(NOTE)
    return folder


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory, documents: Path) -> Iterator[Docker]:
    """A Docker Engine with the image that the Dockerfile makes."""
    if reason := _unavailable():
        pytest.skip(reason)
    choices = {
        "OLLAMA_IMAGE": OLLAMA_IMAGE,
        "VOUCH_DOCUMENTS": str(documents),
        "VOUCH_CHAT_MODEL": ollama_server.CHAT_MODEL,
        "VOUCH_EMBED_MODEL": ollama_server.EMBED_MODEL,
    }
    log = tmp_path_factory.mktemp("outside") / "log"
    with tempfile.TemporaryDirectory(prefix="vouch-", dir=root.MEMORY) as folder:
        with new_machine(log) as machine, new_docker(machine, Path(folder), choices) as docker:
            docker.build()
            yield docker


@pytest.fixture(scope="session")
def stack(
    image: Docker, ollama_models: OllamaServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Docker]:
    """Vouch and Ollama, up and well, with the small models of the tests."""
    program = ollama_server.binary()
    assert program
    image.build_ollama(Path(program), tmp_path_factory.mktemp("ollama-image"))
    image.docker("volume", "create", "vouch_models")
    models = f"{ollama_models.home}/models:/from:ro"
    copy = ["sh", OLLAMA_IMAGE, "-c", "cp -r /from/. /models"]
    image.docker("run", "--rm", "--volume", models, "--volume", "vouch_models:/models",
                 "--entrypoint", *copy)  # fmt: skip
    image.compose("up", "--detach", "--wait", "--no-build")
    yield image
    image.compose("down", "--volumes")
