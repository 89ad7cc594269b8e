"""The reading process: what a file can do to it, and what never reaches the program."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from rag.errors import (
    Damaged,
    LoadError,
    NeedsPassword,
    NoText,
    TimedOut,
    TooLarge,
    Unreadable,
    Unsupported,
)
from rag.loaders import worker
from rag.loaders.loading import load
from rag.loaders.worker import ReaderProcess

Write = Callable[[str, str | bytes], Path]
MakePdf = Callable[..., Path]
TEXT = "The committee met on 3 May and decided to renew the contract."

posix = pytest.mark.skipif(os.name != "posix", reason="signals and limits of POSIX")
linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@pytest.fixture
def own() -> Iterator[ReaderProcess]:
    """A process of this test alone, with little patience."""
    with ReaderProcess(cpu_seconds=1, wall_seconds=20) as process:
        yield process


@pytest.fixture
def slow_page(write: Write) -> Path:
    """Nested so deeply that parsing it takes many seconds (the parser is quadratic)."""
    return write("slow.html", "<div><b>" * 200_000 + "x")


def test_a_document_is_the_same_as_read_without_the_process(
    reader: ReaderProcess, make_pdf: MakePdf, write: Write
) -> None:
    for path in (
        make_pdf([TEXT] * 3),
        write("a.md", "# A\n\n| x |\n|---|\n| 1 |"),
        write("a", "b"),
    ):
        assert reader.load(path) == load(path)


def test_one_process_reads_file_after_file(own: ReaderProcess, write: Write) -> None:
    path = write("a.txt", TEXT)
    own.load(path)
    first = own.pid
    with pytest.raises(NoText):
        own.load(write("blank.txt", " "))
    own.load(path)
    assert own.pid == first


def test_the_errors_of_readers_come_through(
    reader: ReaderProcess, make_pdf: MakePdf, write: Write
) -> None:
    with pytest.raises(NoText):
        reader.load(write("zero.pdf", b""))
    with pytest.raises(NeedsPassword):
        reader.load(make_pdf([TEXT], password="secret"))
    with pytest.raises(Damaged):
        reader.load(write("a.pdf", b"%PDF-1.7 and no more"))
    with pytest.raises(Unsupported):
        reader.load(write("a.gz", b"\x1f\x8b\x08"))
    page = write("page.pdf", "<!doctype html><h1>Not found</h1>")
    assert reader.load(page).format == "html"


def test_a_file_that_is_gone_is_unreadable(reader: ReaderProcess, tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="gone") as caught:
        reader.load(tmp_path / "gone.txt")
    assert caught.value.subject == str(tmp_path / "gone.txt")


def test_a_folder_and_a_named_pipe_are_unreadable(reader: ReaderProcess, tmp_path: Path) -> None:
    with pytest.raises(Unreadable):
        reader.load(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.txt")
        with pytest.raises(Unreadable):
            reader.load(tmp_path / "pipe.txt")


@posix
def test_a_file_without_permission_is_unreadable(reader: ReaderProcess, write: Write) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read every file")
    path = write("closed.txt", TEXT)
    path.chmod(0)
    with pytest.raises(Unreadable, match="ermission"):
        reader.load(path)


@posix
def test_a_name_that_is_no_unicode_is_read(reader: ReaderProcess, tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.txt")
    try:
        path.write_text(TEXT)
    except OSError:
        pytest.skip("this file system takes only Unicode names")
    assert reader.load(path).units[0].text == TEXT


@posix
def test_a_file_that_eats_processor_time_is_timed_out_and_the_next_is_read(
    own: ReaderProcess, slow_page: Path, write: Write
) -> None:
    with pytest.raises(TimedOut):
        own.load(slow_page)
    assert own.load(write("a.txt", TEXT)).units[0].text == TEXT


@posix
def test_a_process_that_stands_still_is_timed_out_and_replaced(write: Write) -> None:
    path = write("a.txt", TEXT)
    with ReaderProcess(wall_seconds=1) as process:
        process.load(path)
        first = process.pid
        os.kill(first, signal.SIGSTOP)
        with pytest.raises(TimedOut):
            process.load(path)
        assert process.load(path).units[0].text == TEXT
        assert process.pid != first
        assert not psutil.pid_exists(first)


@posix
def test_a_process_killed_between_two_files_is_replaced_without_an_error(
    own: ReaderProcess, write: Write
) -> None:
    path = write("a.txt", TEXT)
    own.load(path)
    os.kill(own.pid, signal.SIGKILL)
    assert own.load(path).units[0].text == TEXT


@posix
def test_a_process_killed_again_and_again_from_outside_is_no_fault_of_the_file(
    slow_page: Path,
) -> None:
    with ReaderProcess() as process:
        over = threading.Event()

        def killer() -> None:
            while not over.wait(0.3):
                if process.pid and psutil.pid_exists(process.pid):
                    os.kill(process.pid, signal.SIGKILL)

        thread = threading.Thread(target=killer)
        thread.start()
        try:
            with pytest.raises(LoadError) as caught:
                process.load(slow_page)
        finally:
            over.set()
            thread.join()
    assert caught.value.outcome == "failed"


def test_a_crash_is_damage_and_the_next_file_is_read(
    reader: ReaderProcess, shared: Callable[[str], Path], write: Write
) -> None:
    with pytest.raises(Damaged, match="crashed"):
        reader.load(shared("corpus/hostile/gen__form_recursion.pdf"))
    assert reader.load(write("a.txt", TEXT)).units[0].text == TEXT


@pytest.mark.parametrize(
    "script",
    [
        "print('no frame at all, only words ' * 99, flush=True); input()",
        "import os; os.write(1, bytes([255] * 8)); input()",
        "import os; os.write(1, (2).to_bytes(4, 'big') + bytes(4) + b'{}'); input()",
        "import os; os.write(1, (12).to_bytes(4, 'big') + bytes(4) + b'{\"error\": 1}'); input()",
        "import os; os.abort()",
        "raise SystemExit(3)",
        "import os; os.close(1); input()",
    ],
)
def test_no_reply_of_a_broken_process_harms_the_program(
    script: str, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_COMMAND", (sys.executable, "-c", script))
    with ReaderProcess(wall_seconds=10) as process, pytest.raises(LoadError) as caught:
        process.load(write("a.txt", TEXT))
    assert caught.value.subject.endswith("a.txt")


def test_a_process_out_of_memory_makes_the_file_too_large(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = (
        "import sys; from rag.frames import *; receive(sys.stdin.buffer); "
        "send(sys.stdout.buffer, Frame({'out_of_memory': True})); input()"
    )
    monkeypatch.setattr(worker, "_COMMAND", (sys.executable, "-c", script))
    with ReaderProcess(wall_seconds=10) as process, pytest.raises(TooLarge, match="memory"):
        process.load(write("a.txt", TEXT))


def test_a_process_that_cannot_start_is_a_failure_not_damage(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_COMMAND", ("/no/such/python",))
    with ReaderProcess() as process, pytest.raises(LoadError) as caught:
        process.load(write("a.txt", TEXT))
    assert caught.value.outcome == "failed"


def test_threads_take_turns(own: ReaderProcess, write: Write) -> None:
    paths = [write(f"{n}.txt", f"{n} {TEXT}") for n in range(8)]
    found: dict[Path, str] = {}
    threads = [
        threading.Thread(target=lambda p=path: found.update({p: own.load(p).units[0].text}))
        for path in paths
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {path: f"{n} {TEXT}" for n, path in enumerate(paths)}


def test_a_page_is_drawn_by_the_process(
    own: ReaderProcess, make_pdf: MakePdf, write: Write
) -> None:
    path = make_pdf([TEXT])
    (unit,) = own.load(path).units
    marked = own.render(path, unit, [(4, 13)])
    assert marked.startswith(b"\x89PNG")
    assert marked != own.render(path, unit)
    with pytest.raises(Unreadable):
        own.render(path, replace(unit, number=2))
    with pytest.raises(Damaged):
        own.render(path, replace(unit, char_map=b"no map"), [(0, 1)])
    with pytest.raises(Damaged):
        own.render(write("a.txt", TEXT), unit)


def test_closing_ends_the_process_and_reading_starts_another(write: Write) -> None:
    process = ReaderProcess()
    path = write("a.txt", TEXT)
    process.load(path)
    first = process.pid
    process.close()
    assert first is not None and not psutil.pid_exists(first)
    assert process.pid is None
    process.load(path)
    process.close()


@linux
def test_the_process_has_its_limits_and_none_of_the_heavy_packages(
    own: ReaderProcess, make_pdf: MakePdf
) -> None:
    path = make_pdf([TEXT])
    own.render(path, own.load(path).units[0], [(0, 3)])
    lines = Path(f"/proc/{own.pid}/limits").read_text().splitlines()
    limits = {line[:26].strip(): line[26:].split()[:2] for line in lines}
    assert limits["Max address space"] == [str(1 << 30)] * 2
    assert limits["Max file size"] == ["0", "0"]
    assert limits["Max core file size"] == ["0", "0"]
    assert int(limits["Max cpu time"][0]) <= 3
    assert os.getsid(own.pid) == own.pid
    mapped = Path(f"/proc/{own.pid}/maps").read_text()
    assert "pypdfium2" in mapped
    assert not [name for name in ("onnxruntime", "chromadb", "tantivy") if name in mapped]


@linux
def test_a_small_file_may_take_less_processor_time_than_a_large_one(
    tmp_path: Path, write: Write
) -> None:
    def allowed(process: ReaderProcess, path: Path) -> int:
        process.load(path)
        (line,) = [
            line
            for line in Path(f"/proc/{process.pid}/limits").read_text().splitlines()
            if line.startswith("Max cpu time")
        ]
        return int(line.split()[3])

    large = write("large.csv", ("word,1\n" * 100 + "\n") * 8000)
    assert large.stat().st_size > worker.SMALL
    with ReaderProcess() as process:
        assert allowed(process, write("a.txt", TEXT)) <= 8
        assert 18 <= allowed(process, large) <= 22


@linux
def test_the_process_does_without_numpy(own: ReaderProcess, write: Write) -> None:
    own.load(write("a.txt", TEXT))
    assert "numpy" not in Path(f"/proc/{own.pid}/maps").read_text()


@linux
def test_the_process_does_not_outlive_a_killed_program(slow_page: Path) -> None:
    program = (
        "import sys, threading, time\n"
        "from pathlib import Path\n"
        "from rag.loaders.worker import ReaderProcess\n"
        "reader = ReaderProcess()\n"
        "threading.Thread(target=reader.load, args=(Path(sys.argv[1]),)).start()\n"
        "while not reader.pid: time.sleep(0.01)\n"
        "time.sleep(0.8)\n"
        "print(reader.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    place = str(Path(worker.__file__).parents[2])
    command = [sys.executable, "-c", program, str(slow_page)]
    environment = {**os.environ, "PYTHONPATH": place}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        assert psutil.Process(pid).cpu_times().user > 0, "it is at work"
        parent.kill()
    deadline = time.monotonic() + 5
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "the reading process outlived the program"
        time.sleep(0.05)
