"""Pages as OCR read them, by the hash of their file. Functions of an open connection.

Kept beside the units: a file that is renamed, copied or read by a better reader has its pages back
without recognising them again.
"""

from __future__ import annotations

import sqlite3
from dataclasses import astuple

from rag.types import Recognition


def put(db: sqlite3.Connection, sha256: str, page: int, recognised: Recognition) -> None:
    """Keep what a page was recognised as, in the place of an earlier try."""
    db.execute(
        "INSERT OR REPLACE INTO recognitions VALUES (?, ?, ?, ?, ?, ?)",
        (sha256, page, *astuple(recognised)),
    )


def of_file(db: sqlite3.Connection, sha256: str) -> dict[int, Recognition]:
    """What is known of the pages of a file, by their numbers."""
    rows = db.execute(
        "SELECT page, engine, confidence, text, boxes FROM recognitions WHERE sha256 = ?", (sha256,)
    )
    return {row[0]: Recognition(*row[1:]) for row in rows}


def untried(db: sqlite3.Connection) -> int:
    """How many pages are for OCR and have not been tried."""
    row = db.execute(
        "SELECT count(*) FROM units u JOIN documents d ON d.id = u.document_id "
        "WHERE u.state <> 'read' AND u.state IN ('garbled', 'needs_ocr') AND NOT EXISTS "
        "(SELECT 1 FROM recognitions r WHERE r.sha256 = d.sha256 AND r.page = u.number)"
    ).fetchone()
    return int(row[0])


def sweep(db: sqlite3.Connection) -> None:
    """Forget the pages of files that no document is any more."""
    db.execute("DELETE FROM recognitions WHERE sha256 NOT IN (SELECT sha256 FROM documents)")
