"""A library with readers in other processes, which ask until they are told to stop (reader.py)."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from .corpus import distinctive_word
from .crash import ingest
from .running import Running, surroundings

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


@dataclass(frozen=True, slots=True)
class Watched:
    """The library, the files it was made of, and what is said to its readers: files in `talk`."""

    home: Path
    docs: Path
    talk: Path
    readers: tuple[Running, ...]

    def require_nothing_wrong(self) -> None:
        """Stop the readers; each has asked a good deal, and found nothing wrong."""
        (self.talk / "stop").touch()
        for reader in self.readers:
            ended = reader.wait(60)
            assert ended.code == 0, ended.stderr[-2000:]
            said = json.loads(ended.stdout)
            assert said["asked"] > 10
            assert said["problems"] == []


def watch(folder: Path) -> Watched:
    """Make a library in a folder and start two readers: one that stays open, one that does not."""
    home, docs, talk = folder / "home", folder / "docs", folder / "talk"
    talk.mkdir()
    write_files(docs, 0)
    assert ingest(home, docs).code == 0
    (talk / "stable").write_text("\n".join(distinctive_word(n) for n in range(FILES)))
    (talk / "dead").touch()
    readers = tuple(
        Running(
            [sys.executable, "-m", f"{__package__}.reader", str(home), str(talk), kind],
            surroundings(home),
            folder / kind,
        )
        for kind in ("kept", "fresh")
    )
    return Watched(home, docs, talk, readers)
