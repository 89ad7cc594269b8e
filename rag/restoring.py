"""A library brought back from one of its backups. Works where the library cannot be opened.

Knows nothing of how backups are made (rag/catalog/backups.py).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rag.catalog import backups, chunks, documents, indexing, replacing
from rag.catalog.backups import Backup
from rag.catalog.connection import Catalog
from rag.errors import DiskFull, HomeError, LibraryDamaged, UsageError
from rag.indexes import generations
from rag.indexes.follow import follow_all
from rag.locks import Holder, WriterLock
from rag.paths import Home

_COMMAND = "rag library restore"


@dataclass(frozen=True, slots=True)
class Standing:
    """What a library holds after another catalog took its place. `aside`: where the old one is.

    `folders`: what was ingested and is there, to be brought up to date with.
    """

    documents: int
    chunks: int
    folders: tuple[str, ...]
    aside: Path | None


@dataclass(frozen=True, slots=True)
class Restored:
    """The backup that was taken, and what there is now."""

    backup: Path
    standing: Standing


def choose(home: Home, named: Path | None) -> Path:
    """The backup that was named, or the newest one that is whole.

    Raises `UsageError` where there is none, `LibraryDamaged` where a named one is no whole library.
    """
    if named is not None:
        path = named if named.exists() else home.backups / named
        if not path.is_file():
            raise UsageError(
                str(named),
                f"There is no backup {named}.",
                "They are listed by: rag library restore --list",
            )
        _require_whole(path)
        return path
    for backup in backups.listed(home.backups):
        try:
            _require_whole(backup.path)
        except LibraryDamaged:
            continue
        return backup.path
    raise UsageError(
        "backup",
        f"There is no whole backup in {home.backups}.",
        "Move library.db away and ingest your folders again; rag doctor says how.",
    )


def listed(home: Home) -> list[Backup]:
    """Every backup, newest first."""
    return backups.listed(home.backups)


def restore(
    home: Home,
    backup: Path,
    wait: bool = True,
    on_wait: Callable[[Holder | None], None] | None = None,
) -> Restored:
    """Put a backup in the library's place and build its indexes. What is there now is kept aside.

    Raises `LibraryBusy` with `wait=False` while another process writes, and `DiskFull`.
    """
    home.prepare()
    writer = WriterLock(home.writer_lock, _COMMAND)
    with writer.acquire(wait, on_wait) as lock, copied(home, backup) as new:
        return Restored(backup, take_over(home, new, lock))


@contextmanager
def copied(home: Home, catalog: Path) -> Iterator[Path]:
    """A copy in the library's folder that may become its catalog; it goes with the block."""
    new = home.root / "library.db.new"
    try:
        shutil.copyfile(catalog, new)
        yield new
    except OSError as error:
        raise DiskFull(
            str(new),
            f"{new} cannot be written: {error.strerror or error}.",
            "Make room on its disk; the library is as it was.",
        ) from error
    finally:
        for ending in ("", "-wal", "-shm"):
            new.with_name(new.name + ending).unlink(missing_ok=True)


def take_over(home: Home, new: Path, lock: WriterLock) -> Standing:
    """Make a whole catalog the library's, and bring the indexes up to it."""
    replacing.prepare(new, home.database)
    aside = replacing.put_in_place(home, new, lock)
    with closing(Catalog(home.database)) as catalog:
        _forget_generations(catalog, home, lock)
        follow_all(catalog, home, lock, at_end=True)
        catalog.checkpoint()
        with catalog.read() as db:
            known = documents.all_documents(db)
            there = tuple(sorted(filter(os.path.exists, documents.sources(db))))
            return Standing(len(known), chunks.count(db), there, aside)


def _forget_generations(catalog: Catalog, home: Home, lock: WriterLock) -> None:
    """Withdraw generations that were replaced after the backup was made, or are on another desk."""
    with catalog.read() as db:
        published = indexing.generations(db)
    gone = [g.name for g in published if not generations.is_whole(home, g)]
    with catalog.write(lock) as db:
        for name in gone:
            indexing.withdraw(db, name)


def _require_whole(path: Path) -> None:
    try:
        replacing.require_whole(path)
    except HomeError as error:
        raise LibraryDamaged(str(path), error.message, "Choose another backup.") from error
