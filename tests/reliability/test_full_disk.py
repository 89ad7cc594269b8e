"""A full disk: the run says so, reading goes on, and after room is made the next run completes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.small_disk import SmallDisk, mounted

from .corpus import Corpus
from .crash import Known, opened
from .running import Ended, Running, surroundings

DISK_FULL = 15


class Disk(SmallDisk):
    """A small disk with a library on it; the documents lie elsewhere."""

    def __init__(self, mount: Path, folder: Path) -> None:
        super().__init__(mount)
        self.home = mount / "home"
        self.corpus = Corpus(folder / "docs")
        self._said = folder / "said"

    def rag(self, *arguments: str) -> Ended:
        command = [sys.executable, "-m", "rag", *arguments]
        return Running(command, surroundings(self.home), self._said).wait()

    def ingest(self) -> Ended:
        return self.rag("ingest", str(self.corpus.folder), "--json")

    def search(self) -> Ended:
        return self.rag("search", self.corpus.words_now()[0], "--json")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with mounted(tmp_path) as small:
        yield Disk(small.mount, tmp_path)


def assert_said_full(ended: Ended) -> None:
    assert ended.code == DISK_FULL, (ended.code, ended.stdout[-500:], ended.stderr[-1500:])
    assert "Traceback" not in ended.stderr
    assert ended.lines[-1]["error"]["code"] == "disk_full"


def test_a_run_that_fills_the_disk_says_so_and_goes_on_when_there_is_room(
    disk: Disk,
) -> None:
    disk.resize("1m")
    disk.corpus.add_short(250)
    ended = disk.ingest()
    assert_said_full(ended)
    known = Known(disk.corpus.versions)
    assert ended.results
    assert disk.search().code == 0
    assert opened(disk.home, known, ended.results)["problems"] == []
    disk.resize("200m")
    again = disk.ingest()
    assert again.code == 0, again.stderr[-1500:]
    assert opened(disk.home, known, again.results)["problems"] == []


def test_reading_goes_on_while_the_disk_is_full(disk: Disk) -> None:
    disk.corpus.add_short(10)
    assert disk.ingest().code == 0
    disk.fill()
    ended = disk.search()
    assert ended.code == 0, ended.stderr[-1500:]


def test_a_run_on_a_disk_that_is_full_from_the_start_says_so(disk: Disk) -> None:
    disk.corpus.add_short(10)
    assert disk.ingest().code == 0
    disk.fill()
    disk.corpus.add_short(10)
    assert_said_full(disk.ingest())
    disk.empty()
    assert disk.ingest().code == 0
    assert opened(disk.home, Known(disk.corpus.versions))["problems"] == []


def test_a_new_library_on_a_full_disk_says_so(disk: Disk) -> None:
    disk.corpus.add_short(10)
    disk.fill()
    assert_said_full(disk.ingest())
