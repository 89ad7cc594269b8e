"""Another catalog in the place of the one that is there: of a backup, or of another machine.

The numbers that the library has given out since are never given again: an index or a process that
remembers a chunk by its number would find another text under it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from datetime import UTC, datetime
from pathlib import Path

from rag.catalog import schema
from rag.catalog.connection import connect, damage, mapped
from rag.errors import LibraryDamaged
from rag.locks import WriterLock
from rag.paths import Home, put_on_disk

STRIDE = 10**6
"""More chunks and commits than a library sees between two backups."""
_GAPS = 1000


def require_whole(path: Path) -> None:
    """Raises `LibraryDamaged` where a file is no whole catalog, `SchemaTooNew` where it is of a
    newer program.
    """
    with mapped(path), contextlib.closing(connect(path)) as db:
        if schema.version(db) == 0:
            raise LibraryDamaged(str(path), f"{path} is no library.", "Choose another one.")
        wrong = damage(db, thorough=False)
        if wrong is not None or not schema.is_ours(db):
            why = wrong or "it has tables that no library has"
            raise LibraryDamaged(str(path), f"{path} is damaged ({why}).", "Choose another one.")


def prepare(path: Path) -> None:
    """Make a copy of a catalog ready to take the place of a later one: of today's form, and with a
    gap in its numbers.

    Its keyword index is to be built anew: what there is was made of other numbers.
    """
    gap = STRIDE * (1 + secrets.randbelow(_GAPS))
    with mapped(path), contextlib.closing(connect(path)) as db:
        schema.migrate(db, None)
        db.execute("BEGIN IMMEDIATE")
        db.execute("UPDATE meta SET value = value + ? WHERE key = 'sequence'", (gap,))
        db.execute("UPDATE sqlite_sequence SET seq = seq + ? WHERE name = 'chunks'", (gap,))
        db.execute("DELETE FROM watermarks")
        db.execute("DELETE FROM removals")
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def put_in_place(home: Home, new: Path, lock: WriterLock) -> Path | None:
    """Make a whole catalog file the library's, in one step. Returns the folder that keeps the
    old one.

    A kill before that step leaves the old one in its place. Processes that have it open read it to
    the end of their question and open the new one for the next (`Catalog`).
    """
    lock.require()
    aside = _set_aside(home) if home.database.exists() else None
    put_on_disk(new)
    new.replace(home.database)
    put_on_disk(home.root)
    return aside


def _set_aside(home: Home) -> Path:
    """Keep the catalog as it is, with its log: that must not be taken for the new one's."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    aside = home.aside / f"{stamp}-{secrets.token_hex(2)}"
    aside.mkdir(parents=True, mode=0o700)
    kept = aside / home.database.name
    try:
        os.link(home.database, kept)
    except OSError:  # a file system without links
        shutil.copyfile(home.database, kept)
    for ending in ("-wal", "-shm"):
        log = home.database.with_name(home.database.name + ending)
        with contextlib.suppress(FileNotFoundError):
            log.rename(aside / log.name)
    return aside
