"""The writer's lock: one writer, named to whoever waits, and gone with its process."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import ROOT

from rag.errors import HomeNotWritable, LibraryBusy
from rag.locks import FileLock, Holder, WriterLock

HOLD = """
import sys
from pathlib import Path
from rag.locks import WriterLock
with WriterLock(Path(sys.argv[1]), "rag ingest").acquire():
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_process(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "writer.lock"


def test_a_second_writer_is_told_who_writes(path: Path) -> None:
    with another_process(path) as process, pytest.raises(LibraryBusy) as caught:
        WriterLock(path, "me").acquire(wait=False)
    assert f"process {process.pid} on " in caught.value.message
    assert "(rag ingest)" in caught.value.message
    assert "--no-wait" in caught.value.hint


def test_a_second_writer_waits_until_the_first_has_ended(path: Path) -> None:
    waiting: list[Holder | None] = []
    with another_process(path) as process:

        def end(holder: Holder | None) -> None:
            waiting.append(holder)
            assert process.stdin is not None
            process.stdin.close()

        with WriterLock(path, "me").acquire(on_wait=end) as lock:
            assert lock.held
    assert [holder and holder.pid for holder in waiting] == [process.pid]


def test_a_killed_writer_leaves_no_lock_behind(path: Path) -> None:
    with another_process(path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        with WriterLock(path, "me").acquire(wait=False) as lock:
            assert lock.held
    assert "rag ingest" not in path.read_text()


def test_a_lock_is_released_at_the_end_of_its_block_even_by_an_error(path: Path) -> None:
    lock = WriterLock(path, "me")
    with pytest.raises(ZeroDivisionError), lock:
        raise ZeroDivisionError
    assert not lock.held
    with WriterLock(path, "me").acquire(wait=False):
        pass


def test_two_threads_of_one_process_do_not_write_at_once(path: Path) -> None:
    busy: list[bool] = []

    def try_it() -> None:
        try:
            WriterLock(path, "thread").acquire(wait=False).release()
        except LibraryBusy:
            busy.append(True)

    with WriterLock(path, "me").acquire(wait=False):
        thread = threading.Thread(target=try_it)
        thread.start()
        thread.join()
    assert busy == [True]


def test_readers_share_a_lock_that_no_writer_can_take_meanwhile(path: Path) -> None:
    one, other, writer = FileLock(path), FileLock(path), FileLock(path)
    assert one.try_shared() and other.try_shared()
    assert not writer.try_exclusive()
    one.release()
    assert not writer.try_exclusive()
    other.release()
    assert writer.try_exclusive()
    assert not one.try_shared()
    writer.release()


def test_a_folder_that_cannot_be_written_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeNotWritable):
        WriterLock(tmp_path / "file" / "writer.lock", "me").acquire(wait=False)


def test_a_lock_whose_file_was_removed_is_noticed_before_anything_is_written(
    tmp_path: Path,
) -> None:
    lock = WriterLock(tmp_path / "writer.lock", "a test").acquire()
    lock.require()
    (tmp_path / "writer.lock").unlink()
    with pytest.raises(LibraryBusy, match="was lost"):
        lock.require()
    with WriterLock(tmp_path / "writer.lock", "another").acquire(wait=False):
        with pytest.raises(LibraryBusy, match="was lost"):
            lock.require()
    lock.release()
