"""Live chunks, and the log of changes that the indexes follow. Functions of an open connection.

Every commit that changes chunks takes the next sequence number; a chunk carries the number of the
commit that made it, a removal the number of the commit that removed it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence, Set
from typing import TypeVar

from rag.types import Chunk, Similar, StoredChunk

T = TypeVar("T")

_SELECT = """
SELECT c.id, c.document_id, d.path, d.name, d.title, d.sha256, d.stale, c.unit, u.kind, u.label,
       c.start, c."end", c.headings, substr(u.text, c.start + 1, c."end" - c.start) AS text,
       c.vector_key, u.ocr_confidence
FROM chunks c
JOIN documents d ON d.id = c.document_id
JOIN units u ON u.document_id = c.document_id AND u.number = c.unit
"""
_MOST_SIMILAR = 10
_BATCH = 500  # host parameters in one statement


def sequence(db: sqlite3.Connection) -> int:
    """The number of the last commit that changed chunks."""
    return int(db.execute("SELECT value FROM meta WHERE key = 'sequence'").fetchone()[0])


def next_sequence(db: sqlite3.Connection) -> int:
    """Number this commit. Inside a write transaction only."""
    number = sequence(db) + 1
    db.execute("UPDATE meta SET value = ? WHERE key = 'sequence'", (str(number),))
    return number


def add(
    db: sqlite3.Connection,
    document_id: str,
    chunks: Sequence[Chunk],
    vector_keys: Sequence[bytes],
    sequence: int,
) -> None:
    """Store the chunks of a document, in order, each with the key of its vector."""
    db.executemany(
        'INSERT INTO chunks (document_id, unit, start, "end", headings, vector_key, sequence) '
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (document_id, c.unit, c.start, c.end, json.dumps(c.headings), key, sequence)
            for c, key in zip(chunks, vector_keys, strict=True)
        ],
    )


def remove(
    db: sqlite3.Connection, document_id: str, sequence: int, keep: Set[bytes] = frozenset()
) -> None:
    """Remove all chunks of a document, logged for the indexes, and vectors that no chunk uses now.

    The vectors of every identity go. `keep`: keys whose vectors stay whatever, for the chunks about
    to take their place.
    """
    rows = db.execute(
        "DELETE FROM chunks WHERE document_id = ? RETURNING id, vector_key", (document_id,)
    ).fetchall()
    _log(db, [row[0] for row in rows], sequence)
    db.executemany(
        "DELETE FROM vectors WHERE key = ? "
        "AND NOT EXISTS (SELECT 1 FROM chunks WHERE vector_key = key)",
        [(key,) for key in {bytes(row[1]) for row in rows} - keep],
    )


def renamed(db: sqlite3.Connection, document_ids: Sequence[str], sequence: int) -> None:
    """Log that the file of these documents has another name, which the keyword index holds."""
    _log(db, sorted(ids_of_documents(db, document_ids)), sequence)


def count(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT count(*) FROM chunks").fetchone()[0])


def by_ids(db: sqlite3.Connection, ids: Sequence[int]) -> dict[int, StoredChunk]:
    """The live chunks among these ids."""
    found = {}
    for part in _parts(ids):
        for row in db.execute(_SELECT + f"WHERE c.id IN ({_marks(part)})", part):
            found[row["id"]] = _stored(row)
    return found


def alive(db: sqlite3.Connection, ids: Sequence[int]) -> set[int]:
    """Which of these chunk ids are live."""
    return {
        row[0]
        for part in _parts(ids)
        for row in db.execute(f"SELECT id FROM chunks WHERE id IN ({_marks(part)})", part)
    }


def ids_by_vector(db: sqlite3.Connection, keys: Sequence[bytes]) -> dict[bytes, list[int]]:
    """The live chunks that have one of these vectors, by its key."""
    found: dict[bytes, list[int]] = {}
    for part in _parts(keys):
        sql = f"SELECT vector_key, id FROM chunks WHERE vector_key IN ({_marks(part)}) ORDER BY id"
        for key, chunk_id in db.execute(sql, part):
            found.setdefault(key, []).append(chunk_id)
    return found


def ids_of_documents(db: sqlite3.Connection, document_ids: Iterable[str]) -> set[int]:
    """The ids of all live chunks of these documents."""
    return {
        row[0]
        for part in _parts(list(document_ids))
        for row in db.execute(f"SELECT id FROM chunks WHERE document_id IN ({_marks(part)})", part)
    }


def similar(db: sqlite3.Connection, document_id: str) -> list[Similar]:
    """The documents that share at least half of their texts with one, those that share most first.

    Whichever of the two has more texts is measured: a page that quotes another is not similar to it.
    """
    rows = db.execute(
        "WITH own AS (SELECT DISTINCT vector_key FROM chunks WHERE document_id = :id), "
        "shared AS (SELECT c.document_id, count(DISTINCT c.vector_key) AS same "
        "  FROM own JOIN chunks c USING (vector_key) WHERE c.document_id != :id GROUP BY 1) "
        "SELECT s.document_id, d.path, d.name, s.same, max((SELECT count(*) FROM own), "
        "  (SELECT count(DISTINCT vector_key) FROM chunks WHERE document_id = d.id)) AS texts "
        "FROM shared s JOIN documents d ON d.id = s.document_id "
        "WHERE 2 * s.same >= texts ORDER BY 1.0 * s.same / texts DESC, d.path LIMIT :most",
        {"id": document_id, "most": _MOST_SIMILAR},
    )
    return [Similar(*row) for row in rows]


def ids_in(
    db: sqlite3.Connection, collections: Sequence[str], document_ids: Sequence[str]
) -> Iterator[int]:
    """The ids of all live chunks of documents that are in any of these collections, or named."""
    rows = db.cursor()
    rows.row_factory = None
    return (
        row[0]
        for row in rows.execute(
            "SELECT id FROM chunks WHERE document_id IN ("
            "SELECT document_id FROM memberships WHERE collection IN (SELECT value FROM json_each(?)) "
            "UNION SELECT value FROM json_each(?))",
            (json.dumps(collections), json.dumps(document_ids)),
        )
    )


def any_live(db: sqlite3.Connection) -> bool:
    """Whether there is any chunk to be found."""
    return bool(db.execute("SELECT EXISTS (SELECT 1 FROM chunks)").fetchone()[0])


def after(db: sqlite3.Connection, sequence: int) -> Iterator[StoredChunk]:
    """The live chunks committed after a sequence number, in the order of their commits."""
    # ordered by their ids, SQLite would look through all chunks
    rows = db.execute(_SELECT + "WHERE c.sequence > ? ORDER BY c.sequence, c.id", (sequence,))
    return (_stored(row) for row in rows)


def not_embedded(
    db: sqlite3.Connection, identity: str, after_id: int, most: int
) -> list[StoredChunk]:
    """The first live chunks above an id whose text has no vector of an identity (its key)."""
    rows = db.execute(
        _SELECT + "WHERE c.id > ? AND NOT EXISTS "
        "(SELECT 1 FROM vectors v WHERE v.key = c.vector_key AND v.identity = ?) "
        "ORDER BY c.id LIMIT ?",
        (after_id, identity, most),
    )
    return [_stored(row) for row in rows]


def by_commit(db: sqlite3.Connection, after: int, up_to: int) -> list[tuple[int, int]]:
    """Sequence numbers of a stretch of commits, in order, each with how many live chunks it has."""
    rows = db.execute(
        "SELECT sequence, count(*) FROM chunks WHERE sequence > ? AND sequence <= ? "
        "GROUP BY 1 ORDER BY 1",
        (after, up_to),
    )
    return [(number, count) for number, count in rows]


def removed_after(db: sqlite3.Connection, sequence: int) -> list[int]:
    """The ids of chunks removed, or renamed, after a sequence number."""
    rows = db.execute("SELECT chunk_id FROM removals WHERE sequence > ?", (sequence,))
    return [row[0] for row in rows]


def any_removed_after(db: sqlite3.Connection, sequence: int) -> bool:
    """Whether chunks were removed, or renamed, after a sequence number."""
    sql = "SELECT EXISTS (SELECT 1 FROM removals WHERE sequence > ?)"
    return bool(db.execute(sql, (sequence,)).fetchone()[0])


def forget_removals(db: sqlite3.Connection, up_to: int) -> None:
    """Drop the log of removals that the keyword index has followed.

    The vector index needs no log: its hits are vector keys, and a key without a live chunk is none.
    """
    db.execute("DELETE FROM removals WHERE sequence <= ?", (up_to,))


def _log(db: sqlite3.Connection, chunk_ids: Sequence[int], sequence: int) -> None:
    db.executemany(
        "INSERT OR REPLACE INTO removals VALUES (?, ?)", [(i, sequence) for i in chunk_ids]
    )


def _stored(row: sqlite3.Row) -> StoredChunk:
    values = dict(row)
    values["headings"] = tuple(json.loads(values["headings"]))
    values["stale"] = bool(values["stale"])
    return StoredChunk(**values)


def _parts(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for i in range(0, len(items), _BATCH):
        yield items[i : i + _BATCH]


def _marks(part: Sequence[object]) -> str:
    return ",".join("?" * len(part))
