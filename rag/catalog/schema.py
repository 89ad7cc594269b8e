"""The tables of the catalog and the ordered steps that lead to them.

`PRAGMA user_version` counts the steps applied. A step, once released, is never edited: add one.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from rag.catalog import backups
from rag.errors import SchemaTooNew
from rag.types import EmbeddingIdentity

_FIRST = """
CREATE TABLE meta (            -- 'sequence': number of the last commit; 'identity': JSON
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES ('sequence', '0');

CREATE TABLE documents (
    id TEXT PRIMARY KEY,       -- stays when the file changes
    path TEXT NOT NULL UNIQUE, -- absolute, or upload:<name>
    name TEXT NOT NULL,
    root TEXT,                 -- the folder whose ingestion found it; NULL: named by itself
    format TEXT,
    title TEXT,
    sha256 TEXT NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    error_code TEXT, error_message TEXT, error_hint TEXT,
    reader TEXT NOT NULL,      -- what read it; another version makes it `updated`
    chunker TEXT NOT NULL,
    stale INTEGER NOT NULL DEFAULT 0,  -- 1: the file could not be read anew, this is the old text
    pages INTEGER NOT NULL DEFAULT 0,
    pages_without_text INTEGER NOT NULL DEFAULT 0,
    sequence INTEGER NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;
CREATE INDEX documents_by_root ON documents (root);

CREATE TABLE memberships (     -- which documents are in which collection
    document_id TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    collection TEXT NOT NULL,
    PRIMARY KEY (document_id, collection)
) STRICT, WITHOUT ROWID;

CREATE TABLE units (
    document_id TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    kind TEXT NOT NULL,
    label TEXT NOT NULL,
    headings TEXT NOT NULL,    -- JSON list
    state TEXT NOT NULL,
    text TEXT NOT NULL,
    char_map BLOB NOT NULL,
    PRIMARY KEY (document_id, number)
) STRICT;

CREATE TABLE chunks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used twice: the keyword index relies on it
    document_id TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    unit INTEGER NOT NULL,
    start INTEGER NOT NULL,    -- code points into units.text
    "end" INTEGER NOT NULL,
    headings TEXT NOT NULL,    -- JSON list
    vector_key BLOB NOT NULL,
    sequence INTEGER NOT NULL
) STRICT;
CREATE INDEX chunks_by_document ON chunks (document_id);
CREATE INDEX chunks_by_vector ON chunks (vector_key);
CREATE INDEX chunks_by_sequence ON chunks (sequence);

CREATE TABLE removals (        -- chunks that the indexes may still hold
    chunk_id INTEGER PRIMARY KEY,
    sequence INTEGER NOT NULL
) STRICT;

CREATE TABLE vectors (
    key BLOB PRIMARY KEY,      -- of the identity and the embedded text
    vector BLOB NOT NULL       -- float16, little-endian, unit length
) STRICT, WITHOUT ROWID;

CREATE TABLE generations (     -- published vector indexes; a folder without its row is rubbish
    name TEXT PRIMARY KEY,
    identity TEXT NOT NULL,
    sequence INTEGER NOT NULL, -- holds every chunk committed up to here
    vectors INTEGER NOT NULL,
    files TEXT NOT NULL,       -- JSON: the size of each of its files; another size is damage
    published_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE watermarks (      -- up to which commit an index that is changed in place has come
    name TEXT PRIMARY KEY,
    sequence INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    command TEXT NOT NULL,
    started_at TEXT NOT NULL,
    ended_at TEXT,             -- NULL: still running, or killed
    summary TEXT               -- JSON
) STRICT;
"""

# Several identities may have a vector for the same text: `chunks.vector_key` names the text alone.
# Keys given before this step hash the identity too; they stay, and only a text that comes anew gets
# another. meta has 'next_identity' and 'former_identity' beside 'identity' (indexing.py).
_SHADOW = """
CREATE TABLE vectors_of_identities (
    key BLOB NOT NULL,         -- of the embedded text
    identity TEXT NOT NULL,    -- key of what made the vector
    vector BLOB NOT NULL,      -- float16, little-endian, unit length
    PRIMARY KEY (key, identity)
) STRICT, WITHOUT ROWID;
INSERT INTO vectors_of_identities
    SELECT v.key, identity_key(m.value), v.vector FROM vectors v, meta m WHERE m.key = 'identity';
DROP TABLE vectors;
ALTER TABLE vectors_of_identities RENAME TO vectors;
"""

_CONTAINERS = """
ALTER TABLE documents ADD COLUMN container TEXT;  -- path of the file a member was found in
ALTER TABLE documents ADD COLUMN date TEXT;       -- as the document states it, YYYY-MM-DD
ALTER TABLE documents ADD COLUMN language TEXT;   -- as the document states it, a BCP 47 tag
"""

# Text of a PDF that nobody sees is left out; a document says how much that was.
_HIDDEN = """
ALTER TABLE documents ADD COLUMN hidden_characters INTEGER NOT NULL DEFAULT 0;
"""

# Most units are read: an index of the others alone counts the pages of each state at once.
_RECOGNITIONS = """
ALTER TABLE units ADD COLUMN ocr_confidence INTEGER;  -- 0 to 100; NULL: not read by OCR
CREATE INDEX units_not_read ON units (document_id, state) WHERE state <> 'read';
CREATE TABLE recognitions (    -- pages as OCR read them: none is recognised twice
    sha256 TEXT NOT NULL,      -- of the file, whatever it is called
    page INTEGER NOT NULL,
    engine TEXT NOT NULL,      -- version and languages of what recognised it
    confidence INTEGER,        -- 0 to 100; NULL: it failed
    text TEXT NOT NULL,
    boxes BLOB NOT NULL,       -- of its words (word_boxes.py)
    PRIMARY KEY (sha256, page)
) STRICT;
"""

# A vector index holds the commits of a stretch; until this step each held all before it, and of
# several only the newest was read.
_STRETCHES = """
ALTER TABLE generations ADD COLUMN "after" INTEGER NOT NULL DEFAULT 0;  -- the last commit before it
DELETE FROM generations WHERE EXISTS (
    SELECT 1 FROM generations g WHERE g.identity = generations.identity
    AND (g.sequence, g.published_at) > (generations.sequence, generations.published_at)
);
"""

MIGRATIONS: tuple[str, ...] = (
    _FIRST, _SHADOW, _CONTAINERS, _HIDDEN, _RECOGNITIONS, _STRETCHES,
)  # fmt: skip
LATEST = len(MIGRATIONS)


def version(db: sqlite3.Connection) -> int:
    """How many migrations the file has seen. Raises `SchemaTooNew` above what we know."""
    found = int(db.execute("PRAGMA user_version").fetchone()[0])
    if found > LATEST:
        raise SchemaTooNew(
            "library.db",
            f"The library was written by a newer version of Vouch (schema {found}, "
            f"this version knows {LATEST}).",
            "Install that version, or set RAG_HOME to another folder.",
        )
    return found


def migrate(db: sqlite3.Connection, folder: Path | None) -> None:
    """Bring the file up to date, each step in a transaction, a copy kept in a folder before it.

    The caller holds the writer's lock.
    """
    found = version(db)
    for step in range(found, LATEST):
        if found > 0 and folder is not None:  # else it is new, or a copy itself
            db.execute("VACUUM INTO ?", (str(backups.next_path(folder, step)),))
        _apply(db, step)


def is_ours(db: sqlite3.Connection) -> bool:
    """Whether a file has the very tables of its version, no others, and nothing that acts."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
        for step in range(version(db)):
            _apply(fresh, step)
        return _tables(db) == _tables(fresh)


def _apply(db: sqlite3.Connection, step: int) -> None:
    db.create_function("identity_key", 1, lambda json: EmbeddingIdentity.from_json(json).key)
    db.executescript(
        f"BEGIN IMMEDIATE; {MIGRATIONS[step]}; PRAGMA user_version={step + 1}; COMMIT;"
    )


def _tables(db: sqlite3.Connection) -> set[tuple[str, ...]]:
    rows = db.execute("SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema")
    return {tuple(row) for row in rows}
