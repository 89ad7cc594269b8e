"""Readers in other processes, while a writer adds, changes and removes and generations come and go.

Whatever the moment, a text that is there is found by both searches, and one that was reported as
gone is not.
"""

from __future__ import annotations

import time
from pathlib import Path

from .crash import ingest
from .watched import watch, write_files

SECONDS = 12.0  # and at least:
VERSIONS = 2


def words_in(docs: Path) -> set[str]:
    text = " ".join(path.read_text() for path in docs.iterdir())
    return {word.strip(".") for word in text.split() if word.startswith("zq")}


def test_readers_always_find_what_is_there_and_never_what_was_removed(
    tmp_path: Path,
) -> None:
    watched = watch(tmp_path)
    end = time.monotonic() + SECONDS
    version = 0
    while time.monotonic() < end or version < VERSIONS:
        version += 1
        before = words_in(watched.docs)
        write_files(watched.docs, version)
        assert ingest(watched.home, watched.docs).code == 0
        with (watched.talk / "dead").open("a") as dead:
            dead.write("".join(f"{word}\n" for word in before - words_in(watched.docs)))
    watched.require_nothing_wrong()
