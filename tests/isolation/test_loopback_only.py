"""Everything runs where there is no network but loopback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .airlock import LOOPBACK_ONLY, desk

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
