"""Indexes are derived: whatever happens to their files, answers stay right and the next run mends.

A reader never dies of a signal, shows a traceback, refuses or finds the wrong text.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from rag.indexes.keyword import KeywordIndex

from .conftest import Library
from .crash import Known, opened
from .running import run


def generation(library: Library) -> Path:
    """The folder of the one generation."""
    (folder,) = (p for p in (library.home / "indexes" / "vector").glob("*/*") if p.is_dir())
    return folder


def truncate(path: Path) -> None:
    """Leave the first half of a file, as a failing disk does."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def overwrite(path: Path) -> None:
    """Other bytes in three places, the size as it was: what no look at sizes finds."""
    content = bytearray(path.read_bytes())
    chance = random.Random(len(content))
    for _ in range(3):
        length = min(len(content), chance.choice([8, 64, 512]))
        start = chance.randrange(len(content) - length + 1)
        content[start : start + length] = chance.randbytes(length)
    path.write_bytes(content)


def overwrite_beginning(path: Path) -> None:
    """Other bytes where a file says what it is."""
    content = path.read_bytes()
    path.write_bytes(random.Random(len(content)).randbytes(64) + content[64:])


def assert_mended(library: Library) -> None:
    """A run that finds nothing new to read brings the indexes back, without embedding."""
    ended = run(library.home, "ingest", str(library.docs), "--json")
    assert ended.code == 0, ended.stderr[-2000:]
    assert ended.summary["chunks_embedded"] == 0
    assert library.problems() == []


def test_search_goes_on_without_the_folder_of_the_generation(copied: Library) -> None:
    shutil.rmtree(generation(copied))
    assert copied.problems() == []


def test_a_removed_generation_is_built_again_by_the_next_run(copied: Library) -> None:
    shutil.rmtree(generation(copied))
    assert_mended(copied)
    assert generation(copied).is_dir()


@pytest.mark.slow
@pytest.mark.parametrize("how", [truncate, overwrite])
def test_whatever_file_of_an_index_is_damaged_answers_stay_right(
    copied: Library, how: Callable[[Path], None]
) -> None:
    """One after the other, each whole again before the next."""
    known = Known(copied.corpus.versions)
    indexes = copied.home / "indexes"
    files = [p for p in indexes.rglob("*") if p.is_file() and p.stat().st_size > 1]
    assert len(files) > 10
    for path in files:
        before = path.read_bytes()
        how(path)
        assert opened(copied.home, known)["problems"] == [], path
        path.write_bytes(before)


@pytest.mark.parametrize(
    # what a database holds has no checksum: a letter in it goes unnoticed, and does no harm
    ("file", "damage"),
    [("data_level0.bin", overwrite), ("chroma.sqlite3", overwrite_beginning)],
)
def test_a_damaged_generation_is_built_again_by_the_next_run(
    copied: Library, file: str, damage: Callable[[Path], None]
) -> None:
    before = generation(copied)
    (path,) = before.rglob(file)
    damage(path)
    assert_mended(copied)
    assert generation(copied) != before


def test_search_goes_on_without_the_keyword_folder_and_the_next_run_builds_it(
    copied: Library,
) -> None:
    shutil.rmtree(copied.home / "indexes" / "keyword")
    assert copied.problems() == []
    assert_mended(copied)
    assert (copied.home / "indexes" / "keyword" / "meta.json").exists()


@pytest.mark.parametrize("how", [truncate, overwrite])
@pytest.mark.parametrize("files", ["meta.json", "*.term"])
def test_a_damaged_keyword_index_is_built_again_by_the_next_run(
    copied: Library, files: str, how: Callable[[Path], None]
) -> None:
    for path in (copied.home / "indexes" / "keyword").glob(files):
        how(path)
    assert_mended(copied)
    assert KeywordIndex.is_sound(copied.home / "indexes" / "keyword")
