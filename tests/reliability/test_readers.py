"""Readers in other processes, while a writer adds, changes and removes and generations come and go.

Whatever the moment, a text that is there is found by both searches, and one that was reported as
gone is not.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest

from .corpus import distinctive_word
from .crash import ingest
from .running import Running, surroundings

SECONDS = 12.0  # and at least:
VERSIONS = 2
FILES = 40  # below the depth of the dense search, so that each of them is always among its hits


def word_of(number: int, version: int) -> str:
    return distinctive_word(5_000_000 + 1000 * number + version)


def write_files(docs: Path, version: int) -> None:
    """Each file keeps its stable word; every third one gets a new text, one comes and goes."""
    docs.mkdir(exist_ok=True)
    for number in range(FILES):
        if version == 0 or number % 3 == version % 3:
            stable, new = distinctive_word(number), word_of(number, version)
            (docs / f"note-{number:02}.txt").write_text(f"The {stable} at the river saw {new}.\n")
    guest = docs / "guest.txt"
    if version % 2:
        guest.write_text(f"A guest called {word_of(99, version)} came over the bridge.\n")
    else:
        guest.unlink(missing_ok=True)


def words_in(docs: Path) -> set[str]:
    text = " ".join(path.read_text() for path in docs.iterdir())
    return {word.strip(".") for word in text.split() if word.startswith("zq")}


@pytest.fixture
def readers(tmp_path: Path) -> list[Running]:
    home, talk = tmp_path / "home", tmp_path / "talk"
    talk.mkdir()
    write_files(tmp_path / "docs", 0)
    assert ingest(home, tmp_path / "docs").code == 0
    (talk / "stable").write_text("\n".join(distinctive_word(n) for n in range(FILES)))
    (talk / "dead").touch()
    return [
        Running(
            [sys.executable, "-m", f"{__package__}.reader", str(home), str(talk), kind],
            surroundings(home),
            tmp_path / kind,
        )
        for kind in ("kept", "fresh")
    ]


def test_readers_always_find_what_is_there_and_never_what_was_removed(
    readers: list[Running], tmp_path: Path
) -> None:
    home, docs, talk = tmp_path / "home", tmp_path / "docs", tmp_path / "talk"
    end = time.monotonic() + SECONDS
    version = 0
    while time.monotonic() < end or version < VERSIONS:
        version += 1
        before = words_in(docs)
        write_files(docs, version)
        assert ingest(home, docs).code == 0
        with (talk / "dead").open("a") as dead:
            dead.write("".join(f"{word}\n" for word in before - words_in(docs)))
    (talk / "stop").touch()
    for reader in readers:
        ended = reader.wait(60)
        assert ended.code == 0, ended.stderr[-2000:]
        said = json.loads(ended.stdout)
        assert said["asked"] > 10
        assert said["problems"] == []
