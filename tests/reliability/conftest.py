"""A small library made once, and copies of it to break."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from .corpus import Corpus
from .crash import Known, ingest, opened


@dataclass(frozen=True, slots=True)
class Library:
    """A library and the files it was made of."""

    home: Path
    corpus: Corpus

    @property
    def docs(self) -> Path:
        return self.corpus.folder

    @property
    def known(self) -> Known:
        return Known(self.corpus.versions)

    def problems(self) -> list[str]:
        """What a fresh process finds wrong with it."""
        found: list[str] = opened(self.home, self.known)["problems"]
        return found


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """135 documents: one generation (Chroma has a graph above 100 vectors), and a tail after it."""
    folder = tmp_path_factory.mktemp("made")
    library = Library(folder / "home", Corpus(folder / "docs"))
    library.corpus.add_short(130)
    assert ingest(library.home, library.docs).code == 0
    library.corpus.add_short(5)
    assert ingest(library.home, library.docs).code == 0
    return library


@pytest.fixture
def copied(made: Library, tmp_path: Path) -> Library:
    """A copy of the library to break; its files are shared and stay as they are."""
    home = tmp_path / "home"
    shutil.copytree(made.home, home)
    return Library(home, made.corpus)


@pytest.fixture
def young(tmp_path: Path) -> Library:
    """A library of 25 documents, and files that a test may change."""
    library = Library(tmp_path / "home", Corpus(tmp_path / "docs", seed=7))
    library.corpus.add_short(25)
    assert ingest(library.home, library.docs).code == 0
    return library
