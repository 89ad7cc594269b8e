"""Both engines under test, the second on a real Ollama where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest

from rag.engines.embedded import MODEL, EmbeddedEngine
from rag.engines.ollama.engine import OllamaEngine
from rag.types import Engine
from tests.engines import ollama_server
from tests.engines.ollama_server import OllamaServer


@dataclass(frozen=True)
class Subject:
    """An engine under test and its embedding model."""

    engine: Engine
    model: str


@pytest.fixture
def ollama_engine(ollama_models: OllamaServer) -> Iterator[OllamaEngine]:
    with closing(OllamaEngine(ollama_models.url)) as engine:
        yield engine


@pytest.fixture(params=["embedded", pytest.param("ollama", marks=pytest.mark.ollama)])
def subject(request: pytest.FixtureRequest) -> Subject:
    if request.param == "embedded":
        return Subject(EmbeddedEngine(threads=1), MODEL)
    return Subject(request.getfixturevalue("ollama_engine"), ollama_server.EMBED_MODEL)
