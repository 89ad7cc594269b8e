"""A full disk: the run says so, reading goes on, and after room is made the next run completes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .corpus import Corpus
from .crash import Known, opened
from .running import Ended, Running, surroundings

DISK_FULL = 15
UNMAPPED = (
    "SQLite cannot make library.db-shm: SQLITE_IOERR_SHMSIZE is not mapped, no reading either"
)


class SmallDisk:
    """A file system in memory, of a few hundred kilobytes, with a library in it."""

    def __init__(self, folder: Path) -> None:
        self.mount = folder / "disk"
        self.mount.mkdir()
        self.home = self.mount / "home"
        self.corpus = Corpus(folder / "docs")
        self._said = folder / "said"

    def resize(self, size: str) -> None:
        subprocess.run(["mount", "-o", f"remount,size={size}", self.mount], check=True)

    def fill(self) -> None:
        """Take every byte that is left."""
        with (self.mount / "filler").open("wb", buffering=0) as file:
            size = 65536
            while size:
                try:
                    os.write(file.fileno(), bytes(size))
                except OSError:
                    size //= 2

    def rag(self, *arguments: str) -> Ended:
        command = [sys.executable, "-m", "rag", *arguments]
        return Running(command, surroundings(self.home), self._said).wait()

    def ingest(self) -> Ended:
        return self.rag("ingest", str(self.corpus.folder), "--json")

    def search(self) -> Ended:
        return self.rag("search", self.corpus.words_now()[0], "--json")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    small = SmallDisk(tmp_path)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", small.mount], capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.decode()}")
    try:
        yield small
    finally:
        subprocess.run(["umount", "-l", small.mount], check=True)


def assert_said_full(ended: Ended) -> None:
    assert ended.code == DISK_FULL, (ended.code, ended.stdout[-500:], ended.stderr[-1500:])
    assert "Traceback" not in ended.stderr
    assert ended.lines[-1]["error"]["code"] == "disk_full"


def test_a_run_that_fills_the_disk_says_so_and_goes_on_when_there_is_room(
    disk: SmallDisk,
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


def test_reading_goes_on_while_the_disk_is_full(disk: SmallDisk) -> None:
    disk.corpus.add_short(10)
    assert disk.ingest().code == 0
    disk.fill()
    ended = disk.search()
    assert ended.code == 0, ended.stderr[-1500:]


def test_a_run_on_a_disk_that_is_full_from_the_start_says_so(disk: SmallDisk) -> None:
    disk.corpus.add_short(10)
    assert disk.ingest().code == 0
    disk.fill()
    disk.corpus.add_short(10)
    assert_said_full(disk.ingest())
    (disk.mount / "filler").unlink()
    assert disk.ingest().code == 0
    assert opened(disk.home, Known(disk.corpus.versions))["problems"] == []


def test_a_new_library_on_a_full_disk_says_so(disk: SmallDisk) -> None:
    disk.corpus.add_short(10)
    disk.fill()
    assert_said_full(disk.ingest())
