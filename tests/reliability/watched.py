"""A library with readers in other processes, which ask until they are told to stop (reader.py)."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .corpus import distinctive_word
from .crash import ingest
from .running import SECONDS, Running, surroundings

GUEST, PASSING = 98, 99  # numbers of words beside those of the files
FILES = 40  # below the depth of the dense search, so that each of them is always among its hits


def word_of(number: int, version: int) -> str:
    return distinctive_word(5_000_000 + 100_000 * number + version)


def words_in(docs: Path) -> set[str]:
    """The distinctive words of the files as they are now."""
    text = " ".join(path.read_text() for path in docs.iterdir())
    return {word.strip(".") for word in text.split() if word.startswith("zq")}


def write_files(docs: Path, version: int) -> None:
    """Each file keeps its stable word; every third one gets a new text, one comes and goes."""
    docs.mkdir(exist_ok=True)
    for number in range(FILES):
        if version == 0 or number % 3 == version % 3:
            stable, new = distinctive_word(number), word_of(number, version)
            (docs / f"note-{number:02}.txt").write_text(f"The {stable} at the river saw {new}.\n")
    guest = docs / "guest.txt"
    if version % 2:
        guest.write_text(f"A guest called {word_of(GUEST, version)} came over the bridge.\n")
    else:
        guest.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Watched:
    """The library, the files it was made of, and what is said to its readers: files in `talk`."""

    home: Path
    docs: Path
    talk: Path
    readers: tuple[Running, ...]

    def written_to(self, seconds: float) -> dict[str, Any]:
        """What a process says that has added, changed and removed for so long (writer.py)."""
        command = [
            sys.executable, "-m", f"{__package__}.writer", *map(str, (self.home, self.docs, self.talk)),
            str(seconds),
        ]  # fmt: skip
        writer = Running(command, surroundings(self.home), self.talk / "writer")
        ended = writer.wait(seconds + SECONDS)
        assert ended.code == 0, ended.stderr[-2000:]
        said: dict[str, Any] = json.loads(ended.stdout)
        return said

    def stop(self) -> list[dict[str, Any]]:
        """Stop the readers. Returns what each says: {"asked": n, "problems": […]}."""
        (self.talk / "stop").touch()
        ended = [reader.wait(60) for reader in self.readers]
        assert [e.code for e in ended] == [0] * len(ended), [e.stderr[-2000:] for e in ended]
        return [json.loads(e.stdout) for e in ended]

    def require_nothing_wrong(self) -> None:
        """Each reader has asked a good deal, and found nothing wrong."""
        for said in self.stop():
            assert said["asked"] > 10
            assert said["problems"] == []


def watch(folder: Path, kinds: Sequence[str] = ("kept", "fresh")) -> Watched:
    """Make a library in a folder and start readers: some stay open, some do not."""
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
            folder / f"{kind}-{number}",
        )
        for number, kind in enumerate(kinds)
    )
    return Watched(home, docs, talk, readers)
