"""The history of ingestion runs. Functions of an open connection."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime


def begin(db: sqlite3.Connection, command: str) -> int:
    """Note that a run has begun. Returns its number."""
    cursor = db.execute("INSERT INTO runs (command, started_at) VALUES (?, ?)", (command, _now()))
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def end(db: sqlite3.Connection, run: int, summary: Mapping[str, object]) -> None:
    db.execute(
        "UPDATE runs SET ended_at = ?, summary = ? WHERE id = ?", (_now(), json.dumps(summary), run)
    )


def last(db: sqlite3.Connection) -> dict[str, object] | None:
    """The newest run: command, started_at, ended_at (None: interrupted) and summary."""
    row = db.execute("SELECT * FROM runs ORDER BY id DESC LIMIT 1").fetchone()
    if row is None:
        return None
    return {**dict(row), "summary": json.loads(row["summary"]) if row["summary"] else None}


def moment(db: sqlite3.Connection) -> tuple[object, ...]:
    """The same at two times if no document was added, changed, touched or removed between them.

    Inside a run it does not change until its end.
    """
    return tuple(
        db.execute(
            "SELECT (SELECT value FROM meta WHERE key = 'sequence'), count(*), count(ended_at) "
            "FROM runs"
        ).fetchone()
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
