"""Word and PowerPoint 97-2003: named with what to do, converted where LibreOffice is installed."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rag.errors import Damaged, TimedOut, Unsupported
from rag.loaders import confined, libreoffice
from rag.loaders.formats import reader_version
from rag.loaders.loading import load
from rag.loaders.worker import ReaderProcess
from tests.loaders.samples import ole

Write = Callable[[str, str | bytes], Path]
ROOT = Path(__file__).resolve().parents[2]
WORD = ole({"WordDocument": bytes(600)})

posix = pytest.mark.skipif(os.name != "posix", reason="limits of POSIX")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that is the PATH."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    _forget()
    yield folder
    _forget()


def _forget() -> None:
    for known in (libreoffice.program, libreoffice.version, reader_version):
        known.cache_clear()


def install(folder: Path, script: str) -> None:
    """A program of our own in the place of LibreOffice."""
    program = folder / "soffice"
    program.write_text(f"#!{sys.executable}\nimport sys, os, time\n{script}")
    program.chmod(0o755)


@pytest.fixture
def real_reader() -> Iterator[ReaderProcess]:
    _forget()
    if libreoffice.program() is None:
        pytest.skip("LibreOffice is not installed")
    with ReaderProcess() as process:
        yield process


@pytest.mark.parametrize("streams", [{"WordDocument": bytes(600)}, {"PowerPoint Document": b"x"}])
def test_without_libreoffice_the_file_is_named_with_what_to_do(
    streams: dict[str, bytes], programs: Path, write: Write
) -> None:
    with ReaderProcess() as reader, pytest.raises(Unsupported, match="LibreOffice") as caught:
        reader.load(write("a.doc", ole(streams)))
    assert "Save it as docx or pptx" in caught.value.hint
    assert "LibreOffice" not in reader_version("doc")


@posix
def test_where_libreoffice_comes_or_changes_files_are_read_anew(programs: Path) -> None:
    before = reader_version("doc")
    install(programs, "")
    _forget()
    found = reader_version("doc")
    assert found != before
    assert found.endswith(reader_version("docx"))
    (programs / "versionrc").write_text("[Version]\nbuildid=40(Build:2)\n")
    _forget()
    assert "LibreOffice 40(Build:2)" in reader_version("doc")


@posix
def test_a_program_that_hangs_is_stopped_with_all_it_started(
    programs: Path, write: Write, tmp_path: Path
) -> None:
    alive = tmp_path / "alive"
    install(
        programs,
        f"if os.fork() == 0:\n    time.sleep(4)\n    open({str(alive)!r}, 'w')\ntime.sleep(60)",
    )
    with ReaderProcess(wall_seconds=3) as reader, pytest.raises(TimedOut, match="LibreOffice"):
        reader.load(write("a.doc", WORD))
    assert not threading.Event().wait(3) and not alive.exists()


@posix
def test_a_program_that_eats_processor_time_is_stopped(programs: Path, write: Write) -> None:
    install(programs, "while True: pass")
    with ReaderProcess(cpu_seconds=1, wall_seconds=50) as reader, pytest.raises(TimedOut):
        reader.load(write("a.doc", WORD))


@posix
def test_a_program_that_makes_nothing_means_damage(programs: Path, write: Write) -> None:
    install(programs, "")
    with ReaderProcess() as reader, pytest.raises(Damaged, match=r"a\.doc .*LibreOffice"):
        reader.load(write("a.doc", WORD))


@posix
def test_nothing_is_written_beside_the_file_and_nothing_is_left(
    programs: Path, write: Write, tmp_path: Path
) -> None:
    install(programs, "open(sys.argv[-1] + '.lock', 'w'); open('trace', 'w')")
    own = tmp_path / "copies"
    path = write("a.doc", WORD)
    beside = set(path.parent.iterdir())
    with ReaderProcess(folder=own) as reader, pytest.raises(Damaged):
        reader.load(path)
    assert set(path.parent.iterdir()) == beside | {own}
    assert list(own.iterdir()) == []


def test_a_confined_program_reaches_no_network() -> None:
    check = "from rag.loaders.confined import leave_network; raise SystemExit(not leave_network())"
    if subprocess.run([sys.executable, "-c", check], cwd=ROOT, check=False).returncode:
        pytest.skip("this system does not let programs leave the network")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        connect = f"import socket; socket.create_connection(('127.0.0.1', {port}), 3)"
        reached = [sys.executable, "-c", connect]
        assert subprocess.run(reached, check=False).returncode == 0
        command = [sys.executable, "-m", "rag.loaders.confined", "9", *reached]
        done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert "Network is unreachable" in done.stderr


@posix
def test_a_confined_program_has_its_limits() -> None:
    check = "import resource as r; print(r.getrlimit(r.RLIMIT_CPU), r.getrlimit(r.RLIMIT_CORE))"
    command = [sys.executable, "-m", "rag.loaders.confined", "7", sys.executable, "-c", check]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "(7, 8) (0, 0)"
    assert confined.MEMORY == 4 << 30


def test_a_real_word_document_is_converted_and_read(
    real_reader: ReaderProcess, write: Write, tmp_path: Path
) -> None:
    text = write("tides.txt", "The gauge measures the tide every six minutes.\n")
    program = libreoffice.program()
    assert program is not None
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    to_doc = [program, profile, "--headless", "--convert-to", "doc:MS Word 97", "--outdir"]
    subprocess.run([*to_doc, str(tmp_path), str(text)], check=True, capture_output=True)
    document = real_reader.load(tmp_path / "tides.doc")
    assert document.format == "doc"
    assert document.reader == reader_version("doc")
    assert "LibreOffice" in document.reader
    assert document.units[0].text == "The gauge measures the tide every six minutes."


def test_a_real_file_cut_off_is_damaged(real_reader: ReaderProcess, write: Write) -> None:
    with pytest.raises(Damaged):
        real_reader.load(write("a.doc", WORD))


def test_in_this_process_it_is_never_converted(write: Write) -> None:
    with pytest.raises(Unsupported):
        load(write("a.doc", WORD))
