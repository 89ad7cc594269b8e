"""`rag doctor` as it is run: what it prints, how it ends, and that it leaves no trace."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from test_locks import another_process

from rag.catalog.connection import open_catalog
from rag.doctor.words import WORDS
from rag.paths import Home
from tests.scripted_ollama import ScriptedOllama

from .desk import Desk
from .test_engine import listening


def run(desk: Desk, *flags: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """The real program, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "rag", "doctor", *flags],
        env={**desk.environ, "COLUMNS": "80", **environ},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def findings(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    (line,) = done.stdout.splitlines()
    return {finding["code"]: finding for finding in json.loads(line)["findings"]}


def test_nothing_worse_than_a_warning_ends_well(desk: Desk) -> None:
    done = run(desk, "--json")
    found = findings(done)
    assert (done.returncode, done.stderr) == (0, "")
    assert {"warning", "note", "ok"} == {finding["status"] for finding in found.values()}
    missing = next(finding for code, finding in found.items() if code.startswith("ollama_not"))
    assert missing.keys() == {
        "code", "group", "status", "message", "why", "advice", "command", "hint",
    }  # fmt: skip
    assert missing["hint"] == f"{missing['advice']}: {missing['command']}"


def test_a_problem_has_an_exit_code_of_its_own(desk: Desk) -> None:
    done = run(desk, "--engine", "ollama", "--json")
    assert done.returncode == 32
    assert "problem" in {finding["status"] for finding in findings(done).values()}


def test_people_get_a_mark_the_reason_and_the_command_on_a_line_of_its_own(desk: Desk) -> None:
    lines = run(
        desk, "--ollama-host", "http://127.0.0.1:9", "--chat-model", "x"
    ).stdout.splitlines()
    place = next(i for i, line in enumerate(lines) if line.startswith("  ! No Ollama answers"))
    assert lines[0] == "Engine"
    after = lines[place:]
    assert any(line == "      ollama serve" or line.endswith("install.sh | sh") for line in after)
    assert lines[-1] == "1 warning, 1 note."
    assert max(len(line) for line in lines) <= 80


def test_a_command_is_never_broken_into_lines(desk: Desk) -> None:
    home = desk.home / ("a long name " * 10)
    home.mkdir(parents=True)
    (home / "rag.toml").write_text("no TOML")
    lines = run(desk, RAG_HOME=str(home)).stdout.splitlines()
    (command,) = [line.strip() for line in lines if line.strip().startswith("mv ")]
    assert command == shlex.join(["mv", f"{home}/rag.toml", f"{home}/rag.toml.wrong"])


def test_proxy_variables_are_named_but_never_their_values(desk: Desk) -> None:
    proxies = {"HTTP_PROXY": "http://user:secret@proxy.test", "https_proxy": "http://proxy.test"}
    done = run(desk, "--json", **proxies)
    found = findings(done)["proxies"]
    assert found["status"] == "note"
    assert "HTTP_PROXY and https_proxy are set" in found["message"]
    assert "secret" not in done.stdout
    assert found["command"] == "unset HTTP_PROXY https_proxy"
    script = f'{found["command"]}\nexec "{sys.executable}" -m rag doctor --json'
    mended = subprocess.run(
        ["sh", "-ec", script], env={**desk.environ, **proxies}, capture_output=True, text=True
    )
    assert "proxies" not in findings(mended)


def test_a_wrong_flag_is_named_and_the_rest_is_examined(desk: Desk) -> None:
    done = run(desk, "--num-ctx", "many", "--json")
    found = findings(done)
    assert done.returncode == 32
    assert "num_ctx from flag has the value 'many'" in found["bad_setting"]["message"]
    assert found["bad_setting"]["command"] == ""
    assert "program" in found


def test_with_everything_broken_at_once_everything_is_named(filled: Desk) -> None:
    home = Home(filled.home)
    home.settings.write_text("passages = 'many'\nnum_ctx = 1\n")
    home.database.write_bytes(b"no database")
    with listening() as silent, another_process(home.writer_lock):
        filled.environ |= {"RAG_OLLAMA_HOST": silent, "RAG_ENGINE": "ollama", "ALL_PROXY": "x"}
        done = run(filled, "--json", "--deep")
    found = findings(done)
    assert (done.returncode, done.stderr) == (32, "")
    assert {
        "ollama_silent", "bad_setting", "library_damaged_backup", "library_busy", "proxies", "disk",
    } <= found.keys()  # fmt: skip


def snapshot(home: Path) -> dict[str, tuple[int, int, int]]:
    """Every file and folder with its size and times."""
    stats = {path: path.stat() for path in [home, *home.rglob("*")]}
    return {str(p): (s.st_size, s.st_mtime_ns, s.st_ctime_ns) for p, s in stats.items()}


@pytest.mark.parametrize("deep", [False, True])
def test_a_library_is_looked_at_without_a_trace(filled: Desk, deep: bool) -> None:
    before = snapshot(filled.home)
    assert "library" in filled.examine(deep=deep)
    assert snapshot(filled.home) == before


def test_a_trial_leaves_no_trace_in_the_library(filled: Desk, scripted: ScriptedOllama) -> None:
    filled.environ |= {"RAG_OLLAMA_HOST": scripted.url, "RAG_ENGINE": "auto"}
    scripted.say(["tea"])
    before = snapshot(filled.home)
    filled.examine(deep=True)
    assert scripted.received
    assert snapshot(filled.home) == before


def test_a_library_in_use_is_read_with_what_was_committed_last(filled: Desk) -> None:
    catalog = open_catalog(Home(filled.home))
    with catalog.read() as db:
        db.execute("SELECT count(*) FROM chunks").fetchone()
        assert Path(f"{catalog.path}-wal").exists()
        before = {path.name for path in filled.home.iterdir()}
        assert "library" in filled.examine()
        assert {path.name for path in filled.home.iterdir()} == before
    catalog.close()


def test_no_folder_is_made_where_there_is_none(desk: Desk) -> None:
    desk.examine(deep=True)
    assert not desk.home.exists()


def test_a_writer_is_not_kept_from_beginning(filled: Desk) -> None:
    """Looked at over and over, the lock is still to be had by who waits a moment for it."""
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            filled.examine()

    looking = threading.Thread(target=look)
    looking.start()
    try:
        with another_process(Home(filled.home).writer_lock):
            pass
    finally:
        stop.set()
        looking.join()


def test_the_order_of_groups_is_that_of_the_words(desk: Desk) -> None:
    groups = [finding["group"] for finding in findings(run(desk, "--json")).values()]
    order = list(dict.fromkeys(words.group for words in WORDS.values()))
    assert groups == sorted(groups, key=order.index)
