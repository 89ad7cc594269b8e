"""When a kill comes: at random, or aimed at what a run is doing. Sees only the library's files."""

from __future__ import annotations

import random
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from .running import Running

_POLL = 0.0005
Sign = Callable[[Path], object]
"""Something in a library's folder that changes when a run does what is aimed at."""


def at_random(home: Path, running: Running, chance: random.Random, seconds: float) -> None:
    """Any moment of a run that takes about so many seconds."""
    _sleep(running, chance.uniform(0.15, 0.95) * seconds)


def in_generation(home: Path, running: Running, chance: random.Random, seconds: float) -> None:
    """From the moment a generation's folder appears until about when its row is written."""
    if _wait_for_change(home, running, generations, 1):
        _sleep(running, chance.uniform(0.0, 3.0))


def in_graph(home: Path, running: Running, chance: random.Random, seconds: float) -> None:
    """While Chroma writes the files of its graph: what tears them."""
    if _wait_for_change(home, running, _graph_files, chance.randint(1, 3)):
        _sleep(running, chance.uniform(0.0, 0.01))


def in_tantivy(home: Path, running: Running, chance: random.Random, seconds: float) -> None:
    """While files of the keyword index are written or replaced."""
    if _wait_for_change(home, running, _keyword_files, chance.randint(1, 12)):
        _sleep(running, chance.uniform(0.0, 0.01))


def in_sqlite(home: Path, running: Running, chance: random.Random, seconds: float) -> None:
    """While the write-ahead log grows."""
    if _wait_for_change(home, running, _log_size, chance.randint(1, 12)):
        _sleep(running, chance.uniform(0.0, 0.002))


AIMS: dict[str, Callable[[Path, Running, random.Random, float], None]] = {
    "random": at_random,
    "generation": in_generation,
    "graph": in_graph,
    "tantivy": in_tantivy,
    "sqlite": in_sqlite,
}


def generations(home: Path) -> set[str]:
    """The folders of generations, published or not."""
    return {p.name for p in (home / "indexes" / "vector").glob("*/*") if p.is_dir()}


def where_it_hit(home: Path, before: set[str]) -> str:
    """What a kill has left half done, read from the files before anything opens the library.

    `before`: the generations that were there when the run began.
    """
    database = home / "library.db"
    if not database.exists():
        return "before the first commit"
    with tempfile.TemporaryDirectory() as folder:  # a copy: what the kill left stays as it is
        for file in (database, database.with_name("library.db-wal")):
            if file.exists():
                shutil.copy(file, folder)
        with closing(sqlite3.connect(Path(folder, database.name))) as db:
            try:
                return _marks(db, before, generations(home)) or "between two steps"
            except sqlite3.OperationalError as error:
                return f"before the first table ({error})"


def _number(db: sqlite3.Connection, sql: str) -> int:
    return int((db.execute(sql).fetchone() or [0])[0] or 0)


def _marks(db: sqlite3.Connection, before: set[str], now: set[str]) -> str:
    published = {row[0] for row in db.execute("SELECT name FROM generations")}
    sequence = _number(db, "SELECT value FROM meta WHERE key = 'sequence'")
    behind = sequence - _number(db, "SELECT sequence FROM watermarks")
    spare = _number(
        db, "SELECT count(*) FROM vectors WHERE key NOT IN (SELECT vector_key FROM chunks)"
    )
    marks = []
    if now - before - published:
        marks.append("generation not yet published")
    if (now & before) - published:
        marks.append("old generation not removed")
    if spare:
        marks.append(f"{spare} vectors before their chunks")
    if behind:
        marks.append(f"keyword index {behind} commits behind")
    return ", ".join(marks)


def _wait_for_change(home: Path, running: Running, sign: Sign, times: int) -> bool:
    """Wait until the sign has changed so many times; False where the run ended before."""
    seen = sign(home)
    while times:
        if running.ended:
            return False
        now = sign(home)
        if now != seen:
            seen, times = now, times - 1
        time.sleep(_POLL)
    return True


def _sleep(running: Running, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and not running.ended:
        time.sleep(min(0.01, max(0.0, end - time.monotonic())))


def _graph_files(home: Path) -> object:
    return sorted(
        (p.name, _size(p)) for p in (home / "indexes" / "vector").glob("*/*/*/*") if _size(p)
    )


def _keyword_files(home: Path) -> object:
    return sorted((p.name, _changed(p)) for p in (home / "indexes" / "keyword").glob("*"))


def _log_size(home: Path) -> object:
    return _size(home / "library.db-wal")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
