"""Indexes are derived: whatever happens to their files, answers stay right and the next run mends.

A reader may refuse with one clear sentence, but never dies of a signal, shows a traceback or finds
the wrong text; and what the sentence advises helps.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .conftest import Library
from .running import Ended, run

REFUSED = 14
NOT_PROVEN = (
    "vector.Generation trusts the folder: sizes are not checked, Chroma's errors not mapped"
)
NOT_REBUILT = "publish.is_due does not look whether the newest generation is there and whole"


def generation(library: Library) -> Path:
    """The folder of the one generation."""
    (folder,) = (p for p in (library.home / "indexes" / "vector").glob("*/*") if p.is_dir())
    return folder


def truncate(path: Path) -> None:
    """Leave the first half of a file, as a failing disk does."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def search(library: Library) -> Ended:
    return run(library.home, "search", library.corpus.words_now()[0], "-k", "100", "--json")


def assert_right_or_refused(library: Library) -> None:
    """Either a fresh process finds nothing wrong, or the search says in one sentence what to do."""
    ended = search(library)
    assert ended.code in (0, REFUSED), (ended.code, ended.stderr[-1000:])
    if ended.code == REFUSED:
        assert ended.lines[0]["error"]["code"] == "library_damaged"
        assert "rag ingest" in ended.lines[0]["error"]["hint"]
    else:
        assert library.problems() == []


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


@pytest.mark.parametrize("file", ["chroma.sqlite3", "data_level0.bin", "index_metadata.pickle"])
def test_a_truncated_file_of_a_generation_makes_no_wrong_answer(copied: Library, file: str) -> None:
    (path,) = generation(copied).rglob(file)
    truncate(path)
    assert_right_or_refused(copied)


def test_a_truncated_generation_is_built_again_by_the_next_run(copied: Library) -> None:
    (path,) = generation(copied).rglob("data_level0.bin")
    truncate(path)
    assert_mended(copied)


def test_search_goes_on_without_the_keyword_folder_and_the_next_run_builds_it(
    copied: Library,
) -> None:
    shutil.rmtree(copied.home / "indexes" / "keyword")
    assert copied.problems() == []
    assert_mended(copied)
    assert (copied.home / "indexes" / "keyword" / "meta.json").exists()


@pytest.mark.parametrize("files", ["meta.json", "*.term"])
def test_a_corrupted_keyword_index_is_refused_or_answers_rightly(
    copied: Library, files: str
) -> None:
    for path in (copied.home / "indexes" / "keyword").glob(files):
        truncate(path)
    assert_right_or_refused(copied)


@pytest.mark.parametrize("files", ["meta.json", "*.term"])
def test_a_corrupted_keyword_index_is_built_again_by_the_next_run(
    copied: Library, files: str
) -> None:
    for path in (copied.home / "indexes" / "keyword").glob(files):
        truncate(path)
    assert_mended(copied)
