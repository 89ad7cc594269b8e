"""kill -9 in the middle of OCR: pages that were recognised stay so, and the next run goes on."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.pictures import counted, needs_tesseract, scanned

from .running import Running, run, start

PAGES = [f"The heron number {number} stands in the reeds" for number in range(6)]
linux = pytest.mark.skipif(
    sys.platform != "linux", reason="children die with their parent on Linux"
)


def rows(home: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(f"file:{home / 'library.db'}?mode=ro", uri=True)) as db:
        return db.execute(sql).fetchall()


def wait_for_pages(home: Path, running: Running, pages: int) -> None:
    """Wait until so many pages are kept."""
    end = time.monotonic() + 120
    while time.monotonic() < end and not running.ended:
        try:
            if len(rows(home, "SELECT page FROM recognitions")) >= pages:
                return
        except sqlite3.OperationalError:
            pass  # the library is being made
        time.sleep(0.02)
    raise AssertionError(f"no {pages} pages were recognised: {running.wait().stderr[-2000:]}")


@linux
@pytest.mark.parametrize("group", [False, True], ids=["the program alone", "its whole group"])
def test_a_kill_during_ocr_loses_no_page_and_the_next_run_reads_only_the_rest(
    tmp_path: Path, group: bool
) -> None:
    needs_tesseract()
    home, log = tmp_path / "home", tmp_path / "log"
    counted(tmp_path / "programs", log)
    path = os.pathsep.join([str(tmp_path / "programs"), os.environ["PATH"]])
    how = {"driver": False, "environment": {"PATH": path}}
    pdf = scanned(tmp_path / "docs" / "scan.pdf", PAGES)
    (tmp_path / "docs" / "typed.txt").write_text("Typed notes about the boat.")
    running = start(home, "ingest", str(pdf.parent), "--json", **how)
    wait_for_pages(home, running, 2)
    assert running.kill(group=group) == []
    kept = len(rows(home, "SELECT page FROM recognitions"))
    tried = len(log.read_text().splitlines())
    assert 2 <= kept < len(PAGES) and tried <= kept + 1
    assert rows(
        home, "SELECT name FROM documents WHERE id IN (SELECT document_id FROM chunks)"
    ) == [("typed.txt",)]
    log.unlink()
    ended = run(home, "ingest", str(pdf.parent), "--json", **how)
    assert ended.code == 0
    assert [r["outcome"] for r in ended.results if r["path"].endswith("scan.pdf")] == ["added"]
    assert len(log.read_text().splitlines()) == len(PAGES) - kept
    assert rows(home, "SELECT state, count(*) FROM units GROUP BY state") == [
        ("ocr", 6),
        ("read", 1),
    ]
    assert not (home / "taken-out").exists() or not list((home / "taken-out").iterdir())
    log.unlink()
    again = run(home, "ingest", str(pdf.parent), "--json", **how)
    assert {r["outcome"] for r in again.results} == {"unchanged"}
    assert not log.exists()
    shutil.rmtree(home)
