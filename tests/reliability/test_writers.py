"""One writer at a time: the second waits or refuses, and a lock goes with its holder."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from rag.locks import WriterLock

from .conftest import Library
from .corpus import Corpus
from .crash import Known, opened, start_ingest
from .running import Running, run, start

BUSY = 13
INTERRUPTED = 130


def wait_for(running: Running, text: str, path: Path) -> None:
    """Until a file holds a text; fails where the process ends before."""
    end = time.monotonic() + 60
    while not (path.exists() and text in path.read_text()):
        assert not running.ended and time.monotonic() < end, running.wait().stderr[-2000:]
        time.sleep(0.02)


def wait_for_output(running: Running, text: str) -> None:
    end = time.monotonic() + 60
    while text not in running.output():
        assert not running.ended and time.monotonic() < end, running.wait().stderr[-2000:]
        time.sleep(0.02)


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    """Enough pages that a run is still busy while another one starts."""
    corpus = Corpus(tmp_path / "docs")
    corpus.add_long(160)
    corpus.add_short(20)
    return corpus


def test_a_second_writer_waits_with_the_holders_name_and_both_complete(
    tmp_path: Path, corpus: Corpus
) -> None:
    """The second is given the files of the first as well: they are not read into it twice."""
    other = Corpus(tmp_path / "other", seed=2)
    other.add_short(20)
    home = tmp_path / "home"
    first = start_ingest(home, corpus.folder)
    wait_for(first, str(first.process.pid), home / "writer.lock")
    second = start_ingest(home, corpus.folder, other.folder)
    ended = [first.wait(), second.wait()]
    assert [e.code for e in ended] == [0, 0], [e.stderr for e in ended]
    assert f"process {first.process.pid}" in ended[1].stderr
    known = Known(corpus.versions | other.versions)
    assert opened(home, known, ended[0].results + ended[1].results)["problems"] == []
    outcomes = [Counter(r["outcome"] for r in e.results) for e in ended]
    assert outcomes == [{"added": 21}, {"unchanged": 21, "added": 20}]
    assert ended[1].summary["chunks_embedded"] == 20


def test_no_wait_refuses_at_once_with_its_own_exit_code(copied: Library) -> None:
    with WriterLock(copied.home / "writer.lock", "a test").acquire():
        ended = run(copied.home, "ingest", str(copied.docs), "--json", "--no-wait")
        found = run(copied.home, "search", copied.corpus.words_now()[0], "--json")
    assert ended.code == BUSY
    assert ended.lines[-1]["error"]["code"] == "library_busy"
    assert str(os.getpid()) in ended.lines[-1]["error"]["message"]
    assert found.code == 0, "readers never wait for a writer"


@pytest.mark.parametrize(
    "left", [b'{"pid": 1, "host": "h", "command": "c"}', b'{"pid": 1, "ho', b"\xff\x00"]
)
def test_what_a_killed_holder_left_in_the_lock_file_locks_nothing(
    copied: Library, left: bytes
) -> None:
    (copied.home / "writer.lock").write_bytes(left)
    ended = run(copied.home, "ingest", str(copied.docs), "--json", "--no-wait")
    assert ended.code == 0, ended.stderr[-2000:]


def test_a_holder_that_is_killed_lets_the_waiting_writer_go_on(
    tmp_path: Path, corpus: Corpus
) -> None:
    home = tmp_path / "home"
    first = start_ingest(home, corpus.folder)
    wait_for(first, str(first.process.pid), home / "writer.lock")
    second = start_ingest(home, corpus.folder)
    time.sleep(1.5)
    assert first.kill() == []
    ended = second.wait()
    assert ended.code == 0, ended.stderr[-2000:]
    assert opened(home, Known(corpus.versions))["problems"] == []


def test_ctrl_c_keeps_what_was_reported_and_the_next_run_goes_on(
    tmp_path: Path, corpus: Corpus
) -> None:
    corpus.add_short(250)
    home = tmp_path / "home"
    running = start_ingest(home, corpus.folder)
    wait_for_output(running, "outcome")
    running.signal(signal.SIGINT)
    ended = running.wait()
    assert ended.code == INTERRUPTED
    assert "Traceback" not in ended.stderr
    known = Known(corpus.versions)
    assert opened(home, known, ended.results)["problems"] == []
    assert run(home, "ingest", str(corpus.folder), "--json").code == 0
    assert opened(home, known)["problems"] == []


def test_a_run_that_had_to_wait_removes_no_document_whose_file_is_back(tmp_path: Path) -> None:
    corpus = Corpus(tmp_path / "docs")
    corpus.add_short(4)
    home = tmp_path / "home"
    assert run(home, "ingest", str(corpus.folder), "--json").code == 0
    path = corpus.files()[0]
    content = path.read_bytes()
    path.unlink()
    with WriterLock(home / "writer.lock", "a test").acquire():
        waiting = start(home, "ingest", str(corpus.folder), "--json")
        time.sleep(3)
        path.write_bytes(content)
    ended = waiting.wait()
    assert ended.code == 0
    assert not [r for r in ended.results if r["outcome"] == "removed"]
