"""A generation in real Chroma: built once, proven, asked."""

from pathlib import Path

import numpy as np
import pytest

from rag.errors import LibraryDamaged
from rag.indexes import vector
from rag.indexes.vector import Generation
from rag.types import Vectors

COUNT = 300


def rows(count: int = COUNT, dims: int = 32) -> Vectors:
    made = np.random.default_rng(7).normal(size=(count, dims)).astype(np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def key(i: int) -> bytes:
    return i.to_bytes(16, "big")


def build(folder: Path, made: Vectors) -> None:
    keys = [key(i) for i in range(len(made))]
    half = len(made) // 2
    batches = [(keys[:half], made[:half]), (keys[half:], made[half:])]
    vector.build(folder, [b for b in batches if b[0]], len(made))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vector") / "generation"
    build(folder, rows())
    return folder


def test_the_nearest_vectors_are_those_of_an_exact_scan(folder: Path) -> None:
    generation = Generation(folder)
    assert generation.count == COUNT
    made = rows()
    for query in made[:20]:
        scores = made @ query
        exact = [key(int(i)) for i in np.argsort(-scores)[:10]]
        found = generation.query(query, 10)
        assert [k for k, _ in found] == exact
        np.testing.assert_allclose([s for _, s in found], np.sort(scores)[::-1][:10], atol=1e-4)
    generation.close()


def test_more_than_there_are_gives_all_there_are(folder: Path) -> None:
    generation = Generation(folder)
    assert len(generation.query(rows()[0], COUNT * 2)) == COUNT
    generation.close()


def test_a_whole_generation_passes_its_probe(folder: Path) -> None:
    samples = [(key(i), rows()[i]) for i in range(20)]
    assert vector.probe(folder, COUNT, samples) is None


def test_a_probe_notices_missing_and_wrong_vectors(folder: Path) -> None:
    assert "instead of 301" in (vector.probe(folder, COUNT + 1, []) or "")
    stranger = -rows()[:1].sum(axis=0)
    assert "0 of 1 vectors find themselves" in (
        vector.probe(folder, COUNT, [(key(0), stranger)]) or ""
    )


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_smallest_libraries_have_an_index_too(tmp_path: Path, count: int) -> None:
    build(tmp_path / "small", rows(count))
    assert vector.probe(tmp_path / "small", count, [(key(0), rows(count)[0])]) is None


def test_an_empty_folder_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(LibraryDamaged):
        Generation(tmp_path / "nothing")
