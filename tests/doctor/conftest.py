"""Desks, and servers that say what they are told."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.assistant import Assistant
from rag.catalog.connection import open_catalog
from rag.paths import Home
from tests.scripted_ollama import ScriptedOllama

from .desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """No library yet, and no Ollama that answers."""
    return Desk(tmp_path / "home")


@pytest.fixture
def filled(samples: Assistant, tmp_path: Path) -> Desk:
    """A copy of the sample library, to break; it is read without Ollama."""
    shutil.copytree(samples.settings.home, tmp_path / "home")
    catalog = open_catalog(Home(tmp_path / "home"))
    catalog.checkpoint()
    catalog.close()  # the log that was copied with it is gone
    return Desk(tmp_path / "home", RAG_ENGINE="embedded")


@pytest.fixture
def scripted() -> Iterator[ScriptedOllama]:
    server = ScriptedOllama()
    yield server
    server.close()


@pytest.fixture
def asking(tmp_path: Path, scripted: ScriptedOllama) -> Desk:
    """A desk that asks the scripted server."""
    return Desk(tmp_path / "home", RAG_OLLAMA_HOST=scripted.url)
