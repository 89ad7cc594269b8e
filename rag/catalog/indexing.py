"""How far each index has followed, and the identities whose vectors the library has.

A library answers with one identity. Beside it there may be the next one, which a re-embedding is
on its way to, and the former one, kept for the way back. Functions of an open connection.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from rag.types import EmbeddingIdentity

Commits = tuple[int, int]
"""A stretch of commits: those after the first sequence number, up to and with the second."""


@dataclass(frozen=True, slots=True)
class Generation:
    """A published vector index: holds every chunk of a stretch of commits. Those of an identity
    follow one another.

    `files`: size in bytes and checksum of each of its files, by path inside its folder.
    """

    name: str
    identity: str
    commits: Commits
    vectors: int
    files: Mapping[str, tuple[int, int]] = field(default_factory=dict, compare=False)


def identity(db: sqlite3.Connection) -> EmbeddingIdentity | None:
    """What the library answers with; None before its first commit."""
    return _get(db, "identity")


def next_identity(db: sqlite3.Connection) -> EmbeddingIdentity | None:
    """What a re-embedding that has not come to its end leads to."""
    return _get(db, "next_identity")


def former_identity(db: sqlite3.Connection) -> EmbeddingIdentity | None:
    """What the library answered with before; its vectors are kept for the way back."""
    return _get(db, "former_identity")


def kept(db: sqlite3.Connection) -> set[str]:
    """The keys of the identities whose vectors and generations stay."""
    found = (identity(db), next_identity(db), former_identity(db))
    return {one.key for one in found if one is not None}


def set_identity(db: sqlite3.Connection, identity: EmbeddingIdentity) -> None:
    _set(db, "identity", identity)


def set_next_identity(db: sqlite3.Connection, identity: EmbeddingIdentity) -> None:
    _set(db, "next_identity", identity)


def swap(db: sqlite3.Connection) -> None:
    """Answer with the next identity from this commit on; today's becomes the former one.

    Not where a model has changed under its name: what it was can embed no question any more.
    """
    today, coming = identity(db), next_identity(db)
    assert today is not None and coming is not None, "there is something to swap"
    if today.key != coming.key and (today.engine, today.model) != (coming.engine, coming.model):
        _set(db, "former_identity", today)
    _set(db, "identity", coming)
    _forget(db, "next_identity")


def forget_former(db: sqlite3.Connection) -> None:
    """Give up the way back. The caller sweeps the vectors."""
    _forget(db, "former_identity")


def generations(db: sqlite3.Connection) -> list[Generation]:
    """The published generations of every identity, in the order of their commits."""
    rows = db.execute(
        'SELECT name, identity, "after", sequence, vectors, files FROM generations '
        "ORDER BY sequence"
    )
    return [
        Generation(name, identity, (after, sequence), vectors, _files(files))
        for name, identity, after, sequence, vectors, files in rows
    ]


def _files(stored: str) -> dict[str, tuple[int, int]]:
    """Those of an older form, without checksums, count as damaged: the index is built anew."""
    table = json.loads(stored).items()
    return {name: tuple(mark) if isinstance(mark, list) else (-1, 0) for name, mark in table}


def publish(db: sqlite3.Connection, generation: Generation) -> None:
    now = datetime.now(UTC).isoformat(timespec="microseconds")
    db.execute(
        'INSERT INTO generations (name, identity, "after", sequence, vectors, files, published_at) '
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            generation.name,
            generation.identity,
            *generation.commits,
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


def _get(db: sqlite3.Connection, name: str) -> EmbeddingIdentity | None:
    row = db.execute("SELECT value FROM meta WHERE key = ?", (name,)).fetchone()
    return EmbeddingIdentity.from_json(row[0]) if row else None


def _set(db: sqlite3.Connection, name: str, identity: EmbeddingIdentity) -> None:
    db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, identity.to_json()))


def _forget(db: sqlite3.Connection, name: str) -> None:
    db.execute("DELETE FROM meta WHERE key = ?", (name,))
