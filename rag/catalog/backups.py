"""The backups of the catalog in the library's folder: their names, which is due, which are kept.

They are numbered, and the number orders them: a clock may go backwards, and then a copy of today
must not count as the oldest. Copies made before a migration have the schema in their name and stay.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import DiskFull

if TYPE_CHECKING:
    from rag.catalog.connection import Catalog

EVERY = timedelta(days=1)
SPARE = 256 * 2**20
"""Bytes that a backup leaves free on its disk: it must never be what fills it."""
_NAME = re.compile(r"library-(\d{6,})-(\d{8}T\d{6}Z)(?:-schema(\d+))?\.db")
_STAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class Backup:
    """A copy of the catalog. `schema`: the one it was made to leave; None: an automatic backup."""

    path: Path
    number: int
    made: datetime
    schema: int | None = None

    @property
    def size(self) -> int:
        return self.path.stat().st_size


@dataclass(frozen=True, slots=True)
class BackedUp:
    """Event: a backup was made, or why not."""

    path: str | None
    note: str = ""


def listed(folder: Path) -> list[Backup]:
    """Every backup there is, newest first."""
    found = [backup for path in folder.glob("library-*.db") if (backup := _parsed(path))]
    return sorted(found, key=lambda backup: -backup.number)


def next_path(folder: Path, schema: int | None = None) -> Path:
    """The name of a backup about to be made; the folder is made where it is not there."""
    folder.mkdir(exist_ok=True, mode=0o700)
    number = max((backup.number for backup in listed(folder)), default=0) + 1
    of = "" if schema is None else f"-schema{schema}"
    return folder / f"library-{number:06}-{datetime.now(UTC).strftime(_STAMP)}{of}.db"


def back_up(catalog: Catalog, folder: Path, keep: int) -> BackedUp | None:
    """Make the automatic backup if one is due, and remove those beyond `keep`; 0 makes none.

    None: nothing was due. A full disk only leaves a note. Raises `LibraryDamaged` where the catalog
    is: then nothing is made and nothing removed.
    """
    automatic = [backup for backup in listed(folder) if backup.schema is None]
    if keep == 0 or (automatic and not _is_old(automatic[0])):
        return None
    for half in folder.glob("*.tmp*"):  # what a killed run left
        half.unlink()
    needed = catalog.size() + SPARE
    free = shutil.disk_usage(catalog.path.parent).free
    if free < needed:
        return BackedUp(
            None, f"No backup was made: it needs {needed:,} bytes of its disk, {free:,} are free."
        )
    path = next_path(folder)
    try:
        catalog.copy_to(path)
    except DiskFull as error:
        return BackedUp(None, f"No backup was made: {error.message}")
    for backup in automatic[keep - 1 :]:
        backup.path.unlink(missing_ok=True)
    return BackedUp(str(path))


def _is_old(backup: Backup) -> bool:
    """Also where it is of a later time than now: the clock was wrong then, or is today."""
    return abs(datetime.now(UTC) - backup.made) >= EVERY


def _parsed(path: Path) -> Backup | None:
    found = _NAME.fullmatch(path.name)
    if found is None:
        return None
    number, stamp, schema = found.groups()
    made = datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
    return Backup(path, int(number), made, int(schema) if schema else None)
