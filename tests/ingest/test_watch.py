"""When to look again: after a change, once it is over, and never because a folder is gone."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rag.ingest import watch
from rag.ingest.watch import Back, Due, Lost, Watch

PATIENCE = 20.0  # seconds for what has to come
Happening = Due | Lost | Back


class Watched:
    """A watch in a thread of its own, and what it has told."""

    def __init__(self, *paths: Path, leave_out: Path) -> None:
        self._stop = threading.Event()
        self.watch = Watch(paths, leave_out, self._stop)
        self._told: queue.Queue[Happening] = queue.Queue()
        self._thread = threading.Thread(target=self._follow)
        self._thread.start()

    def _follow(self) -> None:
        for happening in self.watch:
            self._told.put(happening)

    def next(self) -> Happening:
        return self._told.get(timeout=PATIENCE)

    def nothing(self, seconds: float = 3.0) -> bool:
        time.sleep(seconds)
        return self._told.empty()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.txt").write_text("one")
    return folder


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Watched]]:
    with contextlib.ExitStack() as stack:

        def begin(*paths: Path) -> Watched:
            watched = Watched(*paths, leave_out=tmp_path / "docs" / "home")
            stack.callback(watched.stop)
            for path in paths:
                if path.exists():
                    assert watched.next() == Due(path)
            time.sleep(0.5)  # the system has begun to tell by now
            return watched

        yield begin


def rename_over(path: Path) -> None:
    """As editors save: into a file beside it, then over it."""
    beside = path.with_name(f".{path.name}.swp")
    beside.write_text("saved")
    beside.replace(path)


def move_away_and_back(path: Path) -> None:
    """As others save: the old file aside, then a new one under its name."""
    path.rename(path.with_name(path.name + "~"))
    path.write_text("saved anew")


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "a.txt").write_text("two"),
        lambda folder: rename_over(folder / "a.txt"),
        lambda folder: move_away_and_back(folder / "a.txt"),
        lambda folder: (folder / "deep" / "b.txt").write_text("new"),
        lambda folder: (folder / "a.txt").unlink(),
        lambda folder: (folder / "deep").rename(folder / "deeper"),
    ],
    ids=["written", "saved over", "saved anew", "made below", "deleted", "folder renamed"],
)
def test_a_change_makes_its_folder_due_once(
    start: Callable[..., Watched], folder: Path, change: Callable[[Path], object]
) -> None:
    watched = start(folder)
    change(folder)
    assert watched.next() == Due(folder)
    assert watched.nothing(1.5)


def test_a_file_that_is_written_for_a_while_is_looked_at_when_it_is_quiet(
    start: Callable[..., Watched], folder: Path
) -> None:
    watched = start(folder)
    with (folder / "a.txt").open("a") as file:
        for _ in range(8):
            file.write("more")
            file.flush()
            assert watched.nothing(0.2)
    assert watched.next() == Due(folder)


def test_hidden_files_and_the_librarys_own_are_no_change(
    start: Callable[..., Watched], folder: Path
) -> None:
    (folder / "home").mkdir()
    (folder / ".git").mkdir()
    watched = start(folder)
    (folder / "home" / "library.db").write_text("pages")
    (folder / ".git" / "index").write_text("objects")
    (folder / "~$letter.docx").write_text("locked")
    assert watched.nothing()


def test_a_folder_that_vanishes_is_lost_and_followed_again_when_it_is_back(
    start: Callable[..., Watched], folder: Path
) -> None:
    watched = start(folder)
    folder.rename(folder.with_name("away"))
    happenings = [watched.next()]
    if happenings == [Due(folder)]:  # its last events came first: looking finds that it is gone
        happenings = [watched.next()]
    assert happenings == [Lost(folder)]
    assert watched.nothing(1.5)
    folder.with_name("away").rename(folder)
    assert [watched.next(), watched.next()] == [Back(folder), Due(folder)]
    time.sleep(0.5)
    (folder / "b.txt").write_text("after its return")
    assert watched.next() == Due(folder)


def test_a_folder_that_is_not_there_yet_is_followed_from_when_it_is(
    start: Callable[..., Watched], tmp_path: Path
) -> None:
    watched = start(tmp_path / "mount")
    assert watched.nothing(1.5)
    (tmp_path / "mount").mkdir()
    assert [watched.next(), watched.next()] == [Back(tmp_path / "mount"), Due(tmp_path / "mount")]


def test_a_file_named_by_itself_is_followed_through_a_save_by_renaming(
    start: Callable[..., Watched], folder: Path
) -> None:
    file = folder / "a.txt"
    watched = start(file)
    for change in (rename_over, move_away_and_back):
        change(file)
        assert watched.next() == Due(file)
        assert watched.nothing(1.5)


def test_where_the_system_tells_nothing_a_folder_is_looked_at_by_the_clock(
    start: Callable[..., Watched], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_is_remote", lambda path: True)
    monkeypatch.setattr(watch, "OFTEN", 2.0)
    watched = start(folder)
    started = time.monotonic()
    assert watched.next() == Due(folder)
    assert watched.next() == Due(folder)
    assert time.monotonic() - started > 2


def test_more_folders_than_the_system_watches_are_looked_at_by_the_clock(
    start: Callable[..., Watched], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*paths: os.PathLike[str], **how: object) -> Iterator[set[tuple[int, str]]]:
        raise OSError("OS file watch limit reached.")
        yield

    monkeypatch.setattr("watchfiles.watch", refuse)
    monkeypatch.setattr(watch, "OFTEN", 2.0)
    monkeypatch.setattr(watch, "SELDOM", 2.0)
    watched = start(folder)
    assert watched.next() == Due(folder)


def test_what_could_not_be_done_is_due_again_when_asked_for(
    start: Callable[..., Watched], folder: Path
) -> None:
    watched = start(folder)
    watched.watch.again(folder, 2.0)
    assert watched.nothing(0.5)
    assert watched.next() == Due(folder)
