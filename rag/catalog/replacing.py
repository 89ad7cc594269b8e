"""Another catalog in the place of the one that is there: of a backup, or of another machine.

The numbers that the library has given out since are never given again: an index or a process that
remembers a chunk by its number would find another text under it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from rag.catalog import schema
from rag.catalog.connection import connect, damage, mapped, peek
from rag.errors import HomeError, LibraryDamaged
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


def prepare(path: Path, former: Path) -> None:
    """Make a copy of a catalog ready to take the place of another one: of today's form, and with
    numbers far above those of both.

    Its keyword index is to be built anew: what there is was made of other numbers.
    """
    gap = STRIDE * (1 + secrets.randbelow(_GAPS))  # by chance: `former` may be past reading
    commit, chunk = _last_numbers(former)
    with mapped(path), contextlib.closing(connect(path)) as db:
        schema.migrate(db, None)
        db.execute("BEGIN IMMEDIATE")
        db.execute(
            "UPDATE meta SET value = max(CAST(value AS INTEGER), ?) + ? WHERE key = 'sequence'",
            (commit, gap),
        )
        db.execute(
            "UPDATE sqlite_sequence SET seq = max(seq, ?) + ? WHERE name = 'chunks'", (chunk, gap)
        )
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
    put_on_disk(new)
    logs = [home.database.with_name(home.database.name + ending) for ending in ("-wal", "-shm")]
    aside = None
    if home.database.exists():
        _fold_log(home.database)
        aside = _set_aside(home)
    try:
        for log in logs:  # it must not be taken for the new one's
            with contextlib.suppress(FileNotFoundError):
                log.rename(aside / log.name) if aside else log.unlink()
        new.replace(home.database)
    except BaseException:
        for log in logs:
            if aside and new.exists() and (aside / log.name).exists():
                (aside / log.name).rename(log)
        raise
    put_on_disk(home.root)
    return aside


def _last_numbers(database: Path) -> tuple[int, int]:
    """The last commit and the last chunk of a catalog; 0 of one that cannot be read."""
    sql = (
        "SELECT (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'sequence'), "
        "(SELECT max(seq) FROM sqlite_sequence WHERE name = 'chunks')"
    )
    if not database.exists():
        return 0, 0
    try:
        commit, chunk = peek(database, lambda db: tuple(db.execute(sql).fetchone()))
    except (HomeError, sqlite3.Error, OSError):
        return 0, 0
    return commit or 0, chunk or 0


def _fold_log(database: Path) -> None:
    """Bring into a catalog what only its log has: whatever happens then, it is whole alone. One that
    is damaged stays as it is.
    """
    with contextlib.suppress(sqlite3.DatabaseError), contextlib.closing(connect(database)) as db:
        db.execute("PRAGMA wal_checkpoint(PASSIVE)")


def _set_aside(home: Home) -> Path:
    """Keep the catalog as it is."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    aside = home.aside / f"{stamp}-{secrets.token_hex(2)}"
    aside.mkdir(parents=True, mode=0o700)
    kept = aside / home.database.name
    try:
        os.link(home.database, kept)
    except OSError:  # a file system without links
        shutil.copyfile(home.database, kept)
    return aside
