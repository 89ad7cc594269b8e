"""Vectors by key: float16 in the file, float32 outside. Functions of an open connection.

A vector may be stored before the chunk that needs it, so that an interrupted run embeds nothing
twice; `sweep` removes what no chunk came to need.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

import numpy as np

from rag.types import Vectors

_BATCH = 500


def put(db: sqlite3.Connection, keys: Sequence[bytes], vectors: Vectors) -> None:
    """Store vectors of shape [len(keys), dims]; a key that is there already stays as it is."""
    db.executemany(
        "INSERT OR IGNORE INTO vectors VALUES (?, ?)",
        [(key, row.tobytes()) for key, row in zip(keys, vectors.astype("<f2"), strict=True)],
    )


def known(db: sqlite3.Connection, keys: Sequence[bytes]) -> set[bytes]:
    """Which of these keys have a vector."""
    found: set[bytes] = set()
    for i in range(0, len(keys), _BATCH):
        part = keys[i : i + _BATCH]
        marks = ",".join("?" * len(part))
        found.update(
            row[0] for row in db.execute(f"SELECT key FROM vectors WHERE key IN ({marks})", part)
        )
    return found


def of_chunks_after(db: sqlite3.Connection, sequence: int) -> tuple[list[int], Vectors]:
    """The live chunks committed after a sequence number: their ids and vectors, row for row."""
    return _matrix(
        db.execute(
            "SELECT c.id, v.vector FROM chunks c JOIN vectors v ON v.key = c.vector_key "
            "WHERE c.sequence > ?",
            (sequence,),
        )
    )


def of_chunks(db: sqlite3.Connection, chunk_ids: Sequence[int]) -> tuple[list[int], Vectors]:
    """These live chunks' ids and vectors, row for row."""
    rows: list[tuple[int, bytes]] = []
    for i in range(0, len(chunk_ids), _BATCH):
        part = chunk_ids[i : i + _BATCH]
        rows += db.execute(
            "SELECT c.id, v.vector FROM chunks c JOIN vectors v ON v.key = c.vector_key "
            f"WHERE c.id IN ({','.join('?' * len(part))})",
            part,
        )
    return _matrix(rows)


def live(db: sqlite3.Connection, batch: int) -> Iterator[tuple[list[bytes], Vectors]]:
    """Every vector that a live chunk uses, once each, in batches of keys and rows."""
    cursor = db.execute(
        "SELECT key, vector FROM vectors v "
        "WHERE EXISTS (SELECT 1 FROM chunks c WHERE c.vector_key = v.key)"
    )
    while rows := cursor.fetchmany(batch):
        keys = [bytes(row[0]) for row in rows]
        yield keys, np.stack([_decode(row[1]) for row in rows])


def count_live(db: sqlite3.Connection, up_to: int | None = None) -> int:
    """How many vectors live chunks use; with `up_to`, chunks committed until then."""
    condition = "" if up_to is None else "WHERE sequence <= ?"
    values = () if up_to is None else (up_to,)
    row = db.execute(
        f"SELECT count(DISTINCT vector_key) FROM chunks {condition}", values
    ).fetchone()
    return int(row[0])


def sweep(db: sqlite3.Connection) -> int:
    """Remove the vectors that no live chunk uses. Returns how many went."""
    return db.execute(
        "DELETE FROM vectors WHERE NOT EXISTS (SELECT 1 FROM chunks WHERE vector_key = key)"
    ).rowcount


def _matrix(rows: sqlite3.Cursor | list[tuple[int, bytes]]) -> tuple[list[int], Vectors]:
    ids, blobs = [], []
    for chunk_id, blob in rows:
        ids.append(chunk_id)
        blobs.append(blob)
    if not ids:
        return [], np.empty((0, 0), np.float32)
    flat = np.frombuffer(b"".join(blobs), "<f2").astype(np.float32)
    return ids, flat.reshape(len(ids), -1)


def _decode(blob: bytes) -> Vectors:
    return np.frombuffer(blob, "<f2").astype(np.float32)
