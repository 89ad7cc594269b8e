"""`rag ingest --watch` as a process: the library follows the folder, others get their turn."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .corpus import Corpus
from .crash import Known, opened
from .running import Running, run, start

PATIENCE = 60.0


class Follower:
    """A running watch; what it said can be waited for."""

    def __init__(self, home: Path, *docs: Path) -> None:
        self.running: Running = start(home, "ingest", *map(str, docs), "--watch", "--json")
        self._read = 0

    def until(self, wanted: str) -> dict[str, Any]:
        """The next line that has so much in it, the lines before it passed over."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and not self.running.ended:
            lines = self.lines()
            for number in range(self._read, len(lines)):
                if wanted in str(lines[number]):
                    self._read = number + 1
                    return lines[number]
            time.sleep(0.05)
        raise AssertionError(f"no {wanted} in {self.lines()[self._read :]}")

    def lines(self) -> list[dict[str, Any]]:
        import json

        text = self.running.output()
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    corpus = Corpus(tmp_path / "docs")
    corpus.add_short(8)
    return corpus


@pytest.fixture
def follower(tmp_path: Path, corpus: Corpus) -> Iterator[Follower]:
    follower = Follower(tmp_path / "home", corpus.folder)
    try:
        follower.until("'summary'")  # the ordinary run
        follower.until("watching")
        time.sleep(1.5)
        yield follower
    finally:
        follower.running.kill()


def test_what_is_made_saved_and_deleted_is_followed_and_ctrl_c_ends_it(
    follower: Follower, corpus: Corpus, tmp_path: Path
) -> None:
    (new,) = corpus.add_short(1)
    assert follower.until(new.name)["outcome"] == "added"
    (saved,) = corpus.rewrite(1)
    content = saved.read_bytes()
    beside = saved.with_name(f".{saved.name}.tmp")  # over itself, by way of another name
    beside.write_bytes(content)
    beside.replace(saved)
    assert follower.until(saved.name)["outcome"] == "updated"
    (gone,) = corpus.delete(1)
    assert follower.until(gone.name)["outcome"] == "removed"
    follower.until("'summary'")
    follower.running.signal(signal.SIGINT)
    ended = follower.running.wait(20)
    assert ended.code == 0
    assert "Stopped watching" in ended.stderr and "Traceback" not in ended.stderr
    assert opened(tmp_path / "home", Known(corpus.versions))["problems"] == []


def test_a_folder_that_vanishes_loses_no_document_and_is_followed_when_it_is_back(
    follower: Follower, corpus: Corpus, tmp_path: Path
) -> None:
    away = tmp_path / "away"
    corpus.folder.rename(away)
    follower.until("lost")
    time.sleep(2)
    corpus.folder.mkdir()  # a mount point without its drive
    follower.until("back")
    (corpus.folder / "other.txt").write_text("Something else lies here now.")
    follower.until("kept")
    corpus.folder.joinpath("other.txt").unlink()
    corpus.folder.rmdir()
    away.rename(corpus.folder)
    follower.until("back")
    (new,) = corpus.add_short(1)
    follower.until(new.name)
    removed = [line["path"] for line in follower.lines() if line.get("outcome") == "removed"]
    assert removed in ([], [str(corpus.folder / "other.txt")])


def test_another_writer_gets_its_turn_while_a_folder_is_watched(
    follower: Follower, corpus: Corpus, tmp_path: Path
) -> None:
    other = Corpus(tmp_path / "other", seed=3)
    other.add_short(3)
    ended = run(tmp_path / "home", "ingest", str(other.folder), "--json", "--no-wait")
    assert ended.code == 0, ended.stderr
    (new,) = corpus.add_short(1)
    follower.until(new.name)
    follower.until("'summary'")
    known = Known(corpus.versions | other.versions)
    assert opened(tmp_path / "home", known)["problems"] == []
