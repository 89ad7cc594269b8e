"""Looks at the library's folder. Nothing is made, migrated or written there, and no lock is kept."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from dataclasses import replace
from functools import partial
from pathlib import Path

from rag.catalog import backups, chunks, connection, documents, indexing, recognitions, schema
from rag.doctor.facts import CatalogFacts, IndexState, LibraryFacts
from rag.errors import HomeError, HomeNotWritable, LibraryDamaged
from rag.indexes import generations
from rag.indexes.keyword import KeywordIndex
from rag.locks import writer
from rag.paths import NETWORK_FILE_SYSTEMS, Home, file_system

CHECKED_AT_ONCE = 2**28
"""Bytes up to which the database is checked page by page without being asked to."""


def look(home: Home, thorough: bool) -> LibraryFacts:
    """What stands in the folder. One on a network file system is left alone: it may hang."""
    kind = file_system(home.root)
    if kind.lower() in NETWORK_FILE_SYSTEMS:
        return LibraryFacts(home.root, network=kind)
    try:
        return _look(home, thorough)
    except OSError:  # the way to it is barred
        return LibraryFacts(home.root, writable=False)


def _look(home: Home, thorough: bool) -> LibraryFacts:
    place = _nearest(home.root)
    facts = LibraryFacts(home.root, _writable(place), shutil.disk_usage(place).free)
    with contextlib.suppress(HomeNotWritable):
        facts = replace(facts, holder=writer(home.writer_lock))
    if not home.database.is_file():
        return facts
    facts = replace(facts, size=home.database.stat().st_size, backup=_newest(home.backups))
    try:
        look = partial(_look_inside, home, thorough or facts.size <= CHECKED_AT_ONCE, thorough)
        return replace(facts, catalog=connection.peek(home.database, look))
    except HomeError as error:
        return replace(facts, fault=error)


def _look_inside(
    home: Home, check: bool, thorough: bool, db: sqlite3.Connection
) -> CatalogFacts | None:
    if schema.version(db) == 0:
        return None
    wrong = connection.damage(db, thorough) if check else None
    if wrong is not None:
        raise LibraryDamaged(str(home.database), wrong)
    today = schema.version(db) == schema.LATEST
    published = generations.current(db) if today else []
    look = generations.is_sound if thorough else generations.is_whole
    whole = all(look(home, one) for one in published)
    count = chunks.count(db)
    return CatalogFacts(
        count,
        indexing.identity(db),
        indexing.next_identity(db),
        next((s for s in documents.sources(db) if Path(s).exists()), str(Path.home())),
        vectors="none" if not published else "whole" if whole else "damaged",
        keywords=_keywords(home.keyword_index) if count else "none",
        pages_unread=recognitions.untried(db) if today else 0,
    )


def _keywords(folder: Path) -> IndexState:
    if not KeywordIndex.exists(folder):
        return "gone"
    if not KeywordIndex.is_sound(folder):
        return "damaged"
    try:
        KeywordIndex(folder)
    except LibraryDamaged:
        return "damaged"
    return "whole"


def _nearest(path: Path) -> Path:
    """The folder itself, or where it would be made."""
    return next(place for place in (path, *path.parents) if place.is_dir())


def _writable(folder: Path) -> bool:
    rights = os.W_OK | os.X_OK
    return os.access(folder, rights, effective_ids=os.access in os.supports_effective_ids)


def _newest(folder: Path) -> Path | None:
    return next((backup.path for backup in backups.listed(folder)), None)
