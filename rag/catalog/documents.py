"""Documents and their units: rows in, frozen data out. Functions of an open connection."""

from __future__ import annotations

import json
import os
import sqlite3
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import get_args

from rag.types import (
    Coverage,
    Document,
    ErrorInfo,
    LoadedDocument,
    Outcome,
    PageState,
    Unit,
    UnitState,
)

# in the order of Document's fields, which is what makes ten thousand of them quickly
_SELECT = """
SELECT d.id, d.path, d.name, d.format, d.title, d.sha256, d.size, d.mtime_ns, d.outcome,
       d.error_code, d.error_message, d.error_hint, d.reader, d.chunker, d.stale, d.pages,
       d.pages_without_text,
       (SELECT count(*) FROM chunks c WHERE c.document_id = d.id), d.updated_at,
       (SELECT json_group_array(collection)
          FROM memberships m WHERE m.document_id = d.id),
       d.date, d.language, d.container, d.hidden_characters,
       (SELECT json_group_array(state)
          FROM units u WHERE u.document_id = d.id AND state <> 'read')
FROM documents d
"""
_STATES: tuple[UnitState, ...] = get_args(UnitState)
_IS_UNREAD = "state <> 'read' AND state IN ('garbled', 'needs_ocr')"  # by the index of the others


@dataclass(frozen=True, slots=True)
class FileVersion:
    """One version of a file as it was found: what `replace` and `record_failure` write down."""

    path: str
    name: str
    root: str | None
    sha256: str
    size: int
    mtime_ns: int
    chunker: str
    container: str | None = None


def all_documents(db: sqlite3.Connection, collection: str | None = None) -> list[Document]:
    """Every known file, by path; of one collection if named."""
    if collection is None:
        return [_document(row) for row in db.execute(_SELECT + "ORDER BY d.path")]
    rows = db.execute(
        _SELECT + "JOIN memberships m ON m.document_id = d.id WHERE m.collection = ? "
        "ORDER BY d.path",
        (collection,),
    )
    return [_document(row) for row in rows]


def by_id(db: sqlite3.Connection, document_id: str) -> Document | None:
    row = db.execute(_SELECT + "WHERE d.id = ?", (document_id,)).fetchone()
    return _document(row) if row else None


def by_path(db: sqlite3.Connection, path: str) -> Document | None:
    row = db.execute(_SELECT + "WHERE d.path = ?", (path,)).fetchone()
    return _document(row) if row else None


def hashes(db: sqlite3.Connection) -> set[str]:
    """The SHA-256 of every document."""
    return {row[0] for row in db.execute("SELECT sha256 FROM documents")}


def found_below(db: sqlite3.Connection, folder: str) -> list[str]:
    """The paths below a folder that ingestions of folders found, not those named one by one."""
    return _paths_below(db, folder, "root IS NOT NULL")


def named_below(db: sqlite3.Connection, folder: str) -> list[str]:
    """The paths below a folder that were named one by one."""
    return _paths_below(db, folder, "root IS NULL")


def adopt(db: sqlite3.Connection, found: Iterable[tuple[str, str]]) -> None:
    """Documents, each after the folder whose ingestion has found it, are now those of that folder."""
    db.executemany("UPDATE documents SET root = ? WHERE id = ?", found)


def _paths_below(db: sqlite3.Connection, folder: str, condition: str) -> list[str]:
    start = folder.rstrip(os.sep) + os.sep
    rows = db.execute(
        f"SELECT path FROM documents WHERE {condition} AND substr(path, 1, ?) = ?",
        (len(start), start),
    )
    return [row[0] for row in rows]


def sources(db: sqlite3.Connection) -> list[str]:
    """The folders that were ingested, and the files that were named by themselves; no uploads."""
    rows = db.execute(
        "SELECT DISTINCT coalesce(root, path) FROM documents WHERE path NOT LIKE 'upload:%'"
    )
    return [row[0] for row in rows]


def units(db: sqlite3.Connection, document_id: str) -> list[Unit]:
    rows = db.execute("SELECT * FROM units WHERE document_id = ? ORDER BY number", (document_id,))
    return [_unit(row) for row in rows]


def unit(db: sqlite3.Connection, document_id: str, number: int) -> Unit | None:
    row = db.execute(
        "SELECT * FROM units WHERE document_id = ? AND number = ?", (document_id, number)
    ).fetchone()
    return _unit(row) if row else None


def replace(
    db: sqlite3.Connection,
    file: FileVersion,
    loaded: LoadedDocument,
    outcome: Outcome,
    sequence: int,
    error: ErrorInfo | None = None,
) -> str:
    """Make `loaded` the live version of its file, without chunks yet. Returns the document's id.

    The old version's units go; its chunks must have been removed before. `error`: why no text of it
    answers questions, though it has pages.
    """
    document_id = _upsert(
        db,
        file,
        {
            "format": loaded.format,
            "title": loaded.title,
            "date": loaded.date,
            "language": loaded.language,
            "reader": loaded.reader,
            "outcome": outcome,
            "error_code": error.code if error else None,
            "error_message": error.message if error else None,
            "error_hint": error.hint if error else None,
            "stale": 0,
            "pages": len(loaded.units),
            "pages_without_text": loaded.pages_without_text,
            "hidden_characters": loaded.hidden_characters,
            "sequence": sequence,
        },
    )
    db.execute("DELETE FROM units WHERE document_id = ?", (document_id,))
    db.executemany(
        "INSERT INTO units (document_id, number, kind, label, headings, state, text, char_map, "
        "ocr_confidence) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (document_id, u.number, u.kind, u.label, json.dumps(u.headings), u.state, u.text,
             u.char_map, u.ocr_confidence)
            for u in loaded.units
        ],
    )  # fmt: skip
    return document_id


def record_failure(
    db: sqlite3.Connection,
    file: FileVersion,
    outcome: Outcome,
    error: ErrorInfo,
    reader: str,
    sequence: int,
    keeps_old_text: bool,
) -> str:
    """Write down why a file was not read. Returns the document's id.

    With `keeps_old_text` an older version goes on answering, marked stale (and keeps its hash);
    otherwise it is retired: its units go, its chunks must have been removed before.
    """
    old = by_path(db, file.path)
    if keeps_old_text and old is not None and old.searchable:
        db.execute(
            "UPDATE documents SET outcome = ?, error_code = ?, error_message = ?, "
            "error_hint = ?, stale = 1, updated_at = ? WHERE id = ?",
            (outcome, error.code, error.message, error.hint, _now(), old.id),
        )
        return old.id
    document_id = _upsert(
        db,
        file,
        {
            "format": None,
            "title": None,
            "date": None,
            "language": None,
            "reader": reader,
            "outcome": outcome,
            "error_code": error.code,
            "error_message": error.message,
            "error_hint": error.hint,
            "stale": 0,
            "pages": 0,
            "pages_without_text": 0,
            "hidden_characters": 0,
            "sequence": sequence,
        },
    )
    db.execute("DELETE FROM units WHERE document_id = ?", (document_id,))
    return document_id


def touch(db: sqlite3.Connection, document_id: str, file: FileVersion) -> None:
    """The file is unchanged in content: remember its new times and folder, and that it is fresh."""
    db.execute(
        "UPDATE documents SET size = ?, mtime_ns = ?, root = coalesce(?, root), stale = 0, "
        "error_code = CASE WHEN stale THEN NULL ELSE error_code END, "
        "error_message = CASE WHEN stale THEN NULL ELSE error_message END, "
        "error_hint = CASE WHEN stale THEN NULL ELSE error_hint END, "
        "outcome = CASE WHEN stale THEN 'updated' ELSE outcome END WHERE id = ?",
        (file.size, file.mtime_ns, file.root, document_id),
    )


def move(db: sqlite3.Connection, document: Document, file: FileVersion) -> list[str]:
    """The same file now lies elsewhere: its document and those in it go by the new path.

    Returns their ids.
    """
    db.execute(
        "UPDATE documents SET path = ?, name = ?, root = coalesce(?, root) WHERE id = ?",
        (file.path, file.name, file.root, document.id),
    )
    inside = db.execute(
        "UPDATE documents SET path = ? || substr(path, ?), container = ? WHERE container = ? "
        "RETURNING id",
        (file.path, len(document.path) + 1, file.path, document.path),
    )
    return [document.id, *(row[0] for row in inside)]


def delete(db: sqlite3.Connection, document_id: str) -> None:
    """Forget a document, its units and memberships. Its chunks must have been removed before."""
    db.execute("DELETE FROM documents WHERE id = ?", (document_id,))


def add_to_collection(db: sqlite3.Connection, document_ids: Iterable[str], collection: str) -> bool:
    """Returns whether any was not in it before. The caller numbers the commit then."""
    added = db.executemany(
        "INSERT OR IGNORE INTO memberships VALUES (?, ?)",
        [(document_id, collection) for document_id in document_ids],
    )
    return added.rowcount > 0


def collections(db: sqlite3.Connection) -> list[str]:
    rows = db.execute("SELECT DISTINCT collection FROM memberships ORDER BY collection")
    return [row[0] for row in rows]


def coverage(db: sqlite3.Connection) -> Coverage:
    """How many files and pages of the library answers can draw on."""
    row = db.execute(
        "SELECT count(*), "
        "coalesce(sum(EXISTS (SELECT 1 FROM chunks WHERE document_id = documents.id)), 0), "
        "coalesce(sum(pages), 0), coalesce(sum(pages_without_text), 0) FROM documents"
    ).fetchone()
    counts = db.execute("SELECT state, count(*) FROM units WHERE state <> 'read' GROUP BY state")
    states = _states(row[2], dict(counts.fetchall()))
    return Coverage(row[0], row[1], row[2], row[3], states)


def with_unread_pages(db: sqlite3.Connection) -> list[Document]:
    """The documents that have pages for OCR, by path."""
    rows = db.execute(
        _SELECT + f"WHERE d.id IN (SELECT document_id FROM units WHERE {_IS_UNREAD}) "
        "ORDER BY d.path"
    )
    return [_document(row) for row in rows]


def unread_pages(db: sqlite3.Connection, document_id: str) -> list[int]:
    """The numbers of the pages of a document that are for OCR."""
    rows = db.execute(
        f"SELECT number FROM units WHERE document_id = ? AND {_IS_UNREAD} ORDER BY number",
        (document_id,),
    )
    return [row[0] for row in rows]


def not_read(db: sqlite3.Connection, document_id: str) -> list[PageState]:
    """The pages of a document that are not simply read, in order."""
    rows = db.execute(
        "SELECT number, kind, state, ocr_confidence FROM units "
        "WHERE document_id = ? AND state <> 'read' ORDER BY number",
        (document_id,),
    )
    return [PageState(*row) for row in rows]


def beginning(db: sqlite3.Connection, document_id: str, characters: int) -> str:
    """The first text of a document that has any: enough to tell its language."""
    row = db.execute(
        "SELECT substr(text, 1, ?) FROM units WHERE document_id = ? AND state IN ('read', 'ocr') "
        "AND trim(text) <> '' ORDER BY number LIMIT 1",
        (characters, document_id),
    ).fetchone()
    return str(row[0]) if row else ""


def _upsert(db: sqlite3.Connection, file: FileVersion, values: dict[str, object]) -> str:
    """Insert or overwrite the row of a path; its id, once given, stays."""
    row = {
        "id": uuid.uuid4().hex,
        "path": file.path,
        "name": file.name,
        "root": file.root,
        "sha256": file.sha256,
        "size": file.size,
        "mtime_ns": file.mtime_ns,
        "chunker": file.chunker,
        "container": file.container,
        "updated_at": _now(),
        **values,
    }
    changed = [f"{name} = excluded.{name}" for name in row if name not in ("id", "root")]
    sql = (
        f"INSERT INTO documents ({', '.join(row)}) VALUES ({', '.join('?' * len(row))}) "
        f"ON CONFLICT (path) DO UPDATE SET {', '.join(changed)}, "
        "root = coalesce(excluded.root, root) RETURNING id"
    )
    return str(db.execute(sql, list(row.values())).fetchone()[0])


def _document(row: sqlite3.Row) -> Document:
    error = ErrorInfo(*row[9:12]) if row[9] else None
    collections = () if row[19] == "[]" else tuple(sorted(json.loads(row[19])))
    states = _states(row[15], Counter(json.loads(row[24])) if row[24] != "[]" else {})
    values = (
        *row[:9],
        error,
        *row[12:14],
        bool(row[14]),
        *row[15:19],
        collections,
        *row[20:24],
        states,
    )
    return Document(*values)


def _unit(row: sqlite3.Row) -> Unit:
    return Unit(
        number=row["number"],
        kind=row["kind"],
        label=row["label"],
        text=row["text"],
        headings=tuple(json.loads(row["headings"])),
        state=row["state"],
        char_map=row["char_map"],
        ocr_confidence=row["ocr_confidence"],
    )


def _states(pages: int, not_read: Mapping[str, int]) -> dict[UnitState, int]:
    """Pages by state, those of no state left out; `not_read`: the others than `read`."""
    if not not_read:  # as nearly all are
        return {"read": pages} if pages else {}
    counts = {"read": pages - sum(not_read.values()), **not_read}
    return {state: counts[state] for state in _STATES if counts.get(state)}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
