"""Everything runs where there is no network but loopback."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engines.gguf_files import ModelFiles

from .airlock import LOOPBACK_ONLY, UNSHARE, desk
from .traces import addresses

pytestmark = pytest.mark.usefixtures("namespaces")


def rag(home: Path, *arguments: str) -> str:
    """The output of a command that was run with loopback alone; it must end well."""
    command = [*LOOPBACK_ONLY, sys.executable, "-m", "rag", *arguments]
    done = subprocess.run(command, env=desk(home), capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_there_is_nothing_but_loopback_in_there() -> None:
    done = subprocess.run([*LOOPBACK_ONLY, "ip", "-o", "link"], capture_output=True, text=True)
    assert [line.split()[1] for line in done.stdout.splitlines()] == ["lo:"]


def test_the_demo_and_every_command_run_with_loopback_alone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    shown = rag(home, "demo", "--no-serve")
    assert "19 days" in shown and "petrel-4-manual.pdf, page 10" in shown
    answer = json.loads(rag(home, "ask", "How long does the warranty run?", "--json"))
    assert answer["answered"] and "36 months" in answer["text"]
    assert json.loads(rag(home, "search", "warranty", "--json"))["hits"]
    assert json.loads(rag(home, "status", "--json"))["documents"] == 11
    assert "petrel-4-manual.pdf" in rag(home, "documents", "list")
    note = tmp_path / "note.txt"
    note.write_text("The spare key hangs behind the clock.\n")
    assert json.loads(rag(home, "ingest", str(note), "--json").splitlines()[0])["chunks"] == 1


def test_a_model_file_writes_its_answer_without_a_port_and_without_any_network(
    tmp_path: Path, model_files: ModelFiles
) -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    home, trace = tmp_path / "home", tmp_path / "trace"
    (tmp_path / "terms.txt").write_text("The warranty lasts 36 months. It covers all parts.")
    rag(home, "ingest", str(tmp_path / "terms.txt"))
    # a namespace whose loopback is down: nothing could be reached, and nothing is tried
    command = [*UNSHARE, "strace", "-f", "-qq", "-e", "trace=%network", "-o", str(trace)]
    command += [sys.executable, "-m", "rag", "ask", "How long does the warranty last?", "--json"]
    command += ["--chat-model", str(model_files.chat), "--num-ctx", "1024", "--threads", "1"]
    command += ["--num-predict", "40"]
    done = subprocess.run(command, env=desk(home), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    answer = json.loads(done.stdout)
    assert answer["answered"] and answer["receipt"]["chat_model"] == "gemma-few-shot.gguf"
    calls = trace.read_text().splitlines()
    # urllib3 (of Chroma) tries once, by a bind to ::1, whether there is IPv6; it never listens
    calls = [call for call in calls if "sin6_port=htons(0)" not in call]
    assert addresses(calls) == []
    (bound,), (listening,) = ([c for c in calls if name in c] for name in (" bind(", " listen("))
    assert "AF_UNIX" in bound and "vouch-" in bound
    assert listening.split()[0] == bound.split()[0]
