"""Opening the catalog; reading in one snapshot, writing in one transaction.

Readers never wait (write-ahead log); a writer shows that it holds the
library's lock. Every commit is on disk when `write` returns (`synchronous=FULL`).
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

from rag.catalog import schema
from rag.errors import DiskFull, HomeNotWritable, LibraryBusy, LibraryDamaged, VouchError
from rag.locks import WriterLock
from rag.paths import Home, is_full

_PRAGMAS = """
PRAGMA foreign_keys = ON;
PRAGMA secure_delete = ON;
PRAGMA synchronous = FULL;
PRAGMA busy_timeout = 30000;
PRAGMA temp_store = MEMORY;
"""
T = TypeVar("T")


class Catalog:
    """The open catalog of a library. Safe to use from many threads; connections are reused."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._busy = threading.local()
        self._idle: list[sqlite3.Connection] = []

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """One snapshot for everything read inside. May be nested: the outer snapshot holds."""
        outer: sqlite3.Connection | None = getattr(self._busy, "db", None)
        if outer is not None:
            yield outer
            return
        with self._connection() as db:
            db.execute("BEGIN")
            try:
                yield db
            finally:
                db.execute("ROLLBACK")

    @contextmanager
    def write(self, lock: WriterLock) -> Iterator[sqlite3.Connection]:
        """One transaction, committed at the end and rolled back on any error. Not inside a read."""
        assert lock.held, "only the holder of the writer's lock writes"
        with self._connection() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    def checkpoint(self) -> None:
        """Fold the write-ahead log into the file, so that deleted text is gone from both."""
        with self._connection() as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """A connection for this thread alone until the end of the block, its errors mapped."""
        assert getattr(self._busy, "db", None) is None, "a transaction is open in this thread"
        with _mapped(self.path):
            try:
                db = self._idle.pop()
            except IndexError:
                db = connect(self.path)
            self._busy.db = db
            try:
                yield db
            finally:
                self._busy.db = None
                self._idle.append(db)


def connect(path: Path) -> sqlite3.Connection:
    """A connection with our settings; transactions are begun and ended by hand."""
    # check_same_thread=False: a connection serves one thread after another
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        return _prepared(db)
    except sqlite3.OperationalError as error:
        db.close()
        log = path.with_name(path.name + "-wal")
        written = log.exists() and log.stat().st_size > 0
        if not _name(error).startswith("SQLITE_IOERR_SHM") or written:
            raise
    # no room for the file that readers and writers share: the library is whole, and can be read
    address = f"{path.as_uri()}?immutable=1"
    return _prepared(
        sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)
    )


def peek(path: Path, look: Callable[[sqlite3.Connection], T]) -> T:
    """What `look` finds in one snapshot of a catalog, without leaving a trace: nothing is migrated,
    and no file is made, which even a read-only connection does in write-ahead mode.

    Raises `LibraryDamaged`, `HomeNotWritable` or `LibraryBusy`.
    """
    log = path.with_name(path.name + "-wal")
    while True:
        quiet = not log.exists()  # nobody has it open: there is no log to follow
        address = f"{path.as_uri()}?{'immutable=1' if quiet else 'mode=ro'}"
        try:
            with _mapped(path), closing(sqlite3.connect(address, uri=True)) as db:
                db.isolation_level = None
                db.row_factory = sqlite3.Row
                db.execute("BEGIN")
                return look(db)
        except LibraryDamaged:
            if not (quiet and log.exists()):
                raise
            # a writer came meanwhile, and what was read is of two moments: once more, with its log


def damage(db: sqlite3.Connection, thorough: bool) -> str | None:
    """What SQLite finds wrong with the file; `thorough` compares indexes with tables as well."""
    check = "integrity_check" if thorough else "quick_check"
    first = str(db.execute(f"PRAGMA {check}(1)").fetchone()[0])
    return None if first == "ok" else first


def _prepared(db: sqlite3.Connection) -> sqlite3.Connection:
    db.row_factory = sqlite3.Row
    db.executescript(_PRAGMAS)
    db.execute("SELECT count(*) FROM sqlite_schema")  # opens the files: here, not in mid-question
    return db


def _name(error: sqlite3.Error) -> str:
    return getattr(error, "sqlite_errorname", "") or ""


def open_catalog(home: Home) -> Catalog:
    """Open the catalog, making or migrating it first where needed.

    Raises `HomeNotWritable`, `NetworkHome`, `SchemaTooNew` or `LibraryDamaged`.
    """
    home.prepare()
    with _mapped(home.database):
        db = connect(home.database)
        try:
            if schema.version(db) < schema.LATEST:
                with WriterLock(home.writer_lock, "migrating the library").acquire():
                    db.execute("PRAGMA journal_mode = WAL")
                    schema.migrate(db, home.backups)
        finally:
            db.close()
    return Catalog(home.database)


@contextmanager
def _mapped(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ours. A mistake in our own SQL stays what it is."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        mapped = _map(error, path)
        if mapped is None:
            raise
        raise mapped from error


def _map(error: sqlite3.DatabaseError, path: Path) -> VouchError | None:
    name = _name(error)
    refused = name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_IOERR"))
    if name.startswith("SQLITE_FULL") or (refused and is_full(path)):
        return DiskFull(
            str(path),
            f"The disk that holds {path} is full; nothing committed was lost.",
            "Make room and run the same command again: it continues where it stopped.",
        )
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return LibraryDamaged(
            str(path),
            f"The library file {path} is damaged ({error}).",
            "Restore it from a backup, or move it away and ingest again.",
        )
    if refused:
        return HomeNotWritable(
            str(path),
            f"The library file {path} cannot be written ({error}).",
            "Give yourself write permission there, or set RAG_HOME to another folder.",
        )
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return LibraryBusy(
            str(path), f"The library {path} stayed locked by another process.", "Try again."
        )
    return None
