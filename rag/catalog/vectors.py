"""Vectors by text and identity: float16 in the file, float32 outside. Functions of a connection.

A chunk carries the key of its text; each identity may have a vector for it, which is what lets a
library be embedded anew beside the vectors that answer. `identity` is always an identity's key.

A vector may be stored before the chunk that needs it, so that an interrupted run embeds nothing
twice; `sweep` removes what no chunk came to need.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Collection, Iterator, Sequence

import numpy as np

from rag.types import Vectors

LAST = 2**63 - 1
"""Above every sequence number."""
_BATCH = 500


def key_of(embedded_text: str) -> bytes:
    """The 16-byte name of a text as it is embedded, the same under every identity."""
    return hashlib.sha256(embedded_text.encode()).digest()[:16]


def put(db: sqlite3.Connection, identity: str, keys: Sequence[bytes], vectors: Vectors) -> None:
    """Store vectors of shape [len(keys), dims]; one that is there already stays as it is."""
    db.executemany(
        "INSERT OR IGNORE INTO vectors VALUES (?, ?, ?)",
        [
            (key, identity, row.tobytes())
            for key, row in zip(keys, vectors.astype("<f2"), strict=True)
        ],
    )


def known(db: sqlite3.Connection, identity: str, keys: Sequence[bytes]) -> set[bytes]:
    """Which of these texts have a vector."""
    found: set[bytes] = set()
    for i in range(0, len(keys), _BATCH):
        part = keys[i : i + _BATCH]
        marks = ",".join("?" * len(part))
        sql = f"SELECT key FROM vectors WHERE key IN ({marks}) AND identity = ?"
        found.update(row[0] for row in db.execute(sql, (*part, identity)))
    return found


def of_chunks_after(
    db: sqlite3.Connection, identity: str, sequence: int, up_to: int = LAST
) -> tuple[list[int], Vectors]:
    """The live chunks committed after a sequence number, and up to another: their ids and vectors,
    row for row.
    """
    return _matrix(
        db.execute(
            "SELECT c.id, v.vector FROM chunks c JOIN vectors v ON v.key = c.vector_key "
            "AND v.identity = ? WHERE c.sequence > ? AND c.sequence <= ?",
            (identity, sequence, up_to),
        )
    )


def of_chunks(
    db: sqlite3.Connection, identity: str, chunk_ids: Sequence[int]
) -> tuple[list[int], Vectors]:
    """These live chunks' ids and vectors, row for row."""
    rows: list[tuple[int, bytes]] = []
    for i in range(0, len(chunk_ids), _BATCH):
        part = chunk_ids[i : i + _BATCH]
        rows += db.execute(
            "SELECT c.id, v.vector FROM chunks c JOIN vectors v ON v.key = c.vector_key "
            f"AND v.identity = ? WHERE c.id IN ({','.join('?' * len(part))})",
            (identity, *part),
        )
    return _matrix(rows)


def live(
    db: sqlite3.Connection, identity: str, batch: int, after: int = 0, up_to: int = LAST
) -> Iterator[tuple[list[bytes], Vectors]]:
    """Every vector of an identity that a live chunk of these commits uses, once each, in batches of
    keys and rows. Sorted by key, as SQLite groups: texts that belong together come far apart.
    """
    cursor = db.execute(
        "SELECT v.key, v.vector FROM (SELECT vector_key FROM chunks "
        "WHERE sequence > ? AND sequence <= ? GROUP BY vector_key) c "
        "JOIN vectors v ON v.key = c.vector_key AND v.identity = ?",
        (after, up_to, identity),
    )
    while rows := cursor.fetchmany(batch):
        keys = [bytes(row[0]) for row in rows]
        yield keys, np.stack([_decode(row[1]) for row in rows])


def count_live(db: sqlite3.Connection, after: int = 0, up_to: int = LAST) -> int:
    """How many texts the live chunks of these commits have, each counted once."""
    row = db.execute(
        "SELECT count(DISTINCT vector_key) FROM chunks WHERE sequence > ? AND sequence <= ?",
        (after, up_to),
    ).fetchone()
    return int(row[0])


def count_embedded(db: sqlite3.Connection, identity: str) -> int:
    """How many texts of live chunks an identity has a vector for."""
    row = db.execute(
        "SELECT count(DISTINCT c.vector_key) FROM chunks c "
        "JOIN vectors v ON v.key = c.vector_key AND v.identity = ?",
        (identity,),
    ).fetchone()
    return int(row[0])


def sweep(db: sqlite3.Connection, identities: Collection[str]) -> int:
    """Remove the vectors of other identities and those no live chunk uses. Returns how many went."""
    marks = ",".join("?" * len(identities))
    return db.execute(
        f"DELETE FROM vectors WHERE identity NOT IN ({marks}) "
        "OR NOT EXISTS (SELECT 1 FROM chunks WHERE vector_key = key)",
        tuple(identities),
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
