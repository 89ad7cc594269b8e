"""How far each index has followed, and the identity that all vectors of the library share.

Functions of an open connection.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from rag.types import EmbeddingIdentity


@dataclass(frozen=True, slots=True)
class Generation:
    """A published vector index: holds every chunk committed up to `sequence`.

    `files`: the size in bytes of each of its files, by path inside its folder.
    """

    name: str
    identity: str
    sequence: int
    vectors: int
    files: Mapping[str, int] = field(default_factory=dict, compare=False)


def identity(db: sqlite3.Connection) -> EmbeddingIdentity | None:
    """What the library's vectors were made by; None before its first commit."""
    row = db.execute("SELECT value FROM meta WHERE key = 'identity'").fetchone()
    return EmbeddingIdentity.from_json(row[0]) if row else None


def set_identity(db: sqlite3.Connection, identity: EmbeddingIdentity) -> None:
    db.execute("INSERT OR REPLACE INTO meta VALUES ('identity', ?)", (identity.to_json(),))


def generations(db: sqlite3.Connection) -> list[Generation]:
    """The published generations, newest first."""
    rows = db.execute(
        "SELECT name, identity, sequence, vectors, files FROM generations "
        "ORDER BY sequence DESC, name DESC"
    )
    return [
        Generation(name, identity, sequence, vectors, json.loads(files))
        for name, identity, sequence, vectors, files in rows
    ]


def publish(db: sqlite3.Connection, generation: Generation) -> None:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    db.execute(
        "INSERT INTO generations VALUES (?, ?, ?, ?, ?, ?)",
        (
            generation.name,
            generation.identity,
            generation.sequence,
            generation.vectors,
            json.dumps(dict(generation.files)),
            now,
        ),
    )


def withdraw(db: sqlite3.Connection, name: str) -> None:
    db.execute("DELETE FROM generations WHERE name = ?", (name,))


def watermark(db: sqlite3.Connection, name: str) -> int:
    """Up to which commit the index of this name has followed (0: nothing yet)."""
    row = db.execute("SELECT sequence FROM watermarks WHERE name = ?", (name,)).fetchone()
    return int(row[0]) if row else 0


def set_watermark(db: sqlite3.Connection, name: str, sequence: int) -> None:
    db.execute("INSERT OR REPLACE INTO watermarks VALUES (?, ?)", (name, sequence))
