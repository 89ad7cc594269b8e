"""Opening the catalog; reading in one snapshot, writing in one transaction.

Readers never wait (write-ahead log); a writer shows that it holds the
library's lock. Every commit is on disk when `write` returns (`synchronous=FULL`).
"""

from __future__ import annotations

import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

from rag.catalog import backups, schema
from rag.errors import DiskFull, HomeNotWritable, LibraryBusy, LibraryDamaged, VouchError
from rag.locks import WriterLock
from rag.paths import Home, is_full, put_on_disk

_PRAGMAS = """
PRAGMA foreign_keys = ON;
PRAGMA secure_delete = ON;
PRAGMA synchronous = FULL;
PRAGMA busy_timeout = 30000;
PRAGMA temp_store = MEMORY;
"""
T = TypeVar("T")
FileId = tuple[int, int]
"""Device and inode: a file that was put in another one's place has others."""
_MAPPED = 2**31  # bytes; of a larger file the rest is read by calls
_COPIED_AT_ONCE = 2048  # pages
LEAST_FREE = 1024  # pages, below which giving them back is not worth the writing
_NOT_TEXT = "Could not decode to UTF-8"  # said by Python, without a code of SQLite's
Told = Callable[[int, int], None]
"""Is told how much is done, and of how much."""


class Catalog:
    """The open catalog of a library. Safe to use from many threads; connections are reused, until
    another file is put in the place of this one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._busy = threading.local()
        self._idle: list[tuple[FileId, sqlite3.Connection]] = []

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
        lock.require()
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

    def size(self) -> int:
        """Bytes of the catalog, without its log."""
        with self.read() as db:
            (pages,), (size,) = db.execute("PRAGMA page_count"), db.execute("PRAGMA page_size")
        return int(pages[0] * size[0])

    def give_back(self, lock: WriterLock, all_of_it: bool = False) -> int:
        """Give pages that nothing is in any more back to the file system. Returns their bytes.

        A few stay for what comes next, unless all are asked for.
        """
        lock.require()
        with self._connection() as db:
            free, pages, size = (
                int(db.execute(f"PRAGMA {name}").fetchone()[0])
                for name in ("freelist_count", "page_count", "page_size")
            )
            if free <= (0 if all_of_it else max(LEAST_FREE, pages // 10)):
                return 0
            db.executescript("PRAGMA incremental_vacuum")  # `execute` would free a single page
            return size * (pages - int(db.execute("PRAGMA page_count").fetchone()[0]))

    def copy_to(self, target: Path, told: Told | None = None) -> None:
        """A copy of one moment, whole or not at all, found sound before it takes its name.

        Others read and write meanwhile. Raises `LibraryDamaged` where the copy is not sound, `DiskFull`.
        """
        half = target.with_name(target.name + ".tmp")
        try:
            with mapped(self.path), closing(sqlite3.connect(half)) as copy:
                with self.read() as db:  # the snapshot that keeps the copy from beginning again
                    db.backup(
                        copy,
                        pages=_COPIED_AT_ONCE,
                        progress=told and (lambda _, left, total: told(total - left, total)),
                    )
                wrong = damage(copy, thorough=False)
                if wrong is not None:
                    raise _damaged(self.path, wrong)
            put_on_disk(half)
            half.replace(target)
            put_on_disk(target.parent)
        finally:
            half.unlink(missing_ok=True)

    def close(self) -> None:
        while self._idle:
            self._idle.pop()[1].close()

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """A connection for this thread alone until the end of the block, its errors mapped."""
        assert getattr(self._busy, "db", None) is None, "a transaction is open in this thread"
        with mapped(self.path):
            file, db = self._take()
            self._busy.db = db
            try:
                yield db
            finally:
                self._busy.db = None
                if isinstance(db, _WithoutLog):  # it sees no later commit
                    db.close()
                else:
                    self._idle.append((file, db))

    def _take(self) -> tuple[FileId, sqlite3.Connection]:
        try:
            stat = self.path.stat()
        except FileNotFoundError as error:  # SQLite would make an empty one
            raise _damaged(self.path, "it is gone") from error
        now = (stat.st_dev, stat.st_ino)
        while self._idle:
            file, db = self._idle.pop()
            if file == now:
                return file, db
            db.close()  # of a file that another one has taken the place of
        return now, connect(self.path)


class _WithoutLog(sqlite3.Connection):
    """Reads the file as it is now, and writes nothing."""


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
        sqlite3.connect(
            address, uri=True, isolation_level=None, check_same_thread=False, factory=_WithoutLog
        )
    )


def read_by_mapping(db: sqlite3.Connection) -> None:
    """Let a connection read its file as memory from now on: the hundreds of scattered pages of a
    search cost a third of what they do by calls. What it has read counts as resident, so a process
    that only ingests leaves it. Not on Windows, where a file that is mapped cannot be shortened.
    """
    if sys.platform != "win32":
        db.execute(f"PRAGMA mmap_size = {_MAPPED}")


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
            with mapped(path), closing(sqlite3.connect(address, uri=True)) as db:
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
    with mapped(home.database):
        db = connect(home.database)
        try:
            if schema.version(db) < schema.LATEST:
                with WriterLock(home.writer_lock, "migrating the library").acquire():
                    db.execute("PRAGMA auto_vacuum = INCREMENTAL")  # of a new file, before all else
                    db.execute("PRAGMA journal_mode = WAL")
                    schema.migrate(db, home.backups)
        finally:
            db.close()
    return Catalog(home.database)


@contextmanager
def mapped(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ours. A mistake in our own SQL stays what it is."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        mapped = _map(error, path)
        if mapped is None:
            raise
        raise mapped from error


def _damaged(path: Path, why: str) -> LibraryDamaged:
    found = backups.listed(Home(path.parent).backups)
    hint = "Move it away and ingest your folders again; rag doctor says how."
    if found:
        hint = f"Put the backup of {found[0].made:%Y-%m-%d %H:%M} UTC in its place: rag library restore"
    return LibraryDamaged(str(path), f"The library file {path} is damaged ({why}).", hint)


def _map(error: sqlite3.DatabaseError, path: Path) -> VouchError | None:
    name = _name(error)
    refused = name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_IOERR"))
    if name.startswith("SQLITE_FULL") or (refused and is_full(path)):
        return DiskFull(
            str(path),
            f"The disk that holds {path} is full; nothing committed was lost.",
            "Make room and run the same command again: it continues where it stopped.",
        )
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")) or _NOT_TEXT in str(error):
        return _damaged(path, str(error))
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
