"""Generations: made in one child process, proven in another, put on disk, then published as one row.

Every step before the row can be cut off: a folder without its row is rubbish, removed by the next
holder of the writer's lock. A generation that readers have open (they hold a shared lock on it) is
not removed. Names are never used twice.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import subprocess
import threading
import uuid
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rag.catalog import chunks, connection, indexing, vectors
from rag.catalog.connection import Catalog
from rag.catalog.indexing import Generation as Published
from rag.errors import DiskFull, HomeError, LibraryDamaged
from rag.indexes.vector import Generation
from rag.locks import FileLock, WriterLock
from rag.paths import Home, put_on_disk
from rag.process import environment, module_command
from rag.types import EmbeddingIdentity

DEAD_SHARE = 0.3  # of a generation's vectors, above which it is built anew
TAIL_AT_END = (500, 0.05)  # chunks beyond the newest generation: at least, and share of all
TAIL_WITHIN_RUN = (20_000, 0.25)
_DATABASE = ".sqlite3"
_BLOCK, _PIECE = 2**24, 2**20  # bytes summed by one thread, and read by it at once


def is_due(db: sqlite3.Connection, at_end: bool, identity: EmbeddingIdentity | None = None) -> bool:
    """Whether the newest generation is too old, or too dead, for exact scans to make up for it."""
    total = chunks.count(db)
    published = newest(db, identity)
    if total == 0:
        return False
    if published is None:
        return at_end or total > TAIL_WITHIN_RUN[0]
    least, share = TAIL_AT_END if at_end else TAIL_WITHIN_RUN
    if chunks.count_after(db, published.sequence) > max(least, share * total):
        return True
    dead = published.vectors - vectors.count_live(db, published.sequence)
    return at_end and dead > DEAD_SHARE * published.vectors


def newest(db: sqlite3.Connection, identity: EmbeddingIdentity | None = None) -> Published | None:
    """The newest published generation of an identity, of the library's own unless another is named.

    Readers name that of their snapshot: never one that is still being embedded.
    """
    identity = identity or indexing.identity(db)
    found = (g for g in indexing.generations(db) if identity and g.identity == identity.key)
    return next(found, None)


def publish_generation(
    catalog: Catalog, home: Home, lock: WriterLock, identity: EmbeddingIdentity | None = None
) -> Published:
    """Build, prove and publish a generation of what is committed now; remove older ones.

    Raises `LibraryDamaged` where the child fails (nothing is published then).
    """
    if identity is None:
        with catalog.read() as db:
            identity = indexing.identity(db)
    assert identity is not None, "a library with chunks has an identity"
    parent = home.vector_index(identity.key)
    parent.mkdir(parents=True, exist_ok=True)
    name = uuid.uuid4().hex
    folder = parent / name
    built = _build(catalog, identity.key, folder)
    _put_on_disk(folder)
    files = [p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()]
    marks = _marks(folder, files)
    generation = Published(name, identity.key, built["sequence"], built["vectors"], marks)
    with catalog.write(lock) as db:
        indexing.publish(db, generation)
    remove_old(catalog, home, lock)
    return generation


def remove_old(catalog: Catalog, home: Home, lock: WriterLock) -> None:
    """Withdraw and remove all but the newest generation of each kept identity, and rubbish.

    What a reader has open stays for the next time.
    """
    with catalog.read() as db:
        published = indexing.generations(db)
        kept = indexing.kept(db)
    rows = {g.name for g in published}
    # newest first, so that the last one to be set for an identity is its newest
    keep = {g.identity: g.name for g in reversed(published) if g.identity in kept}
    for folder in (home.root / "indexes" / "vector").glob("*/*"):
        if not folder.is_dir() or folder.name in keep.values():
            continue
        use = FileLock(_use_lock(folder))
        if not use.try_exclusive():
            continue
        try:
            if folder.name in rows:
                with catalog.write(lock) as db:
                    indexing.withdraw(db, folder.name)
            # renamed first: a folder under its own name is whole or absent, never half removed
            rubbish = folder.rename(folder.with_suffix(".removed"))
            shutil.rmtree(rubbish, ignore_errors=True)
            _use_lock(folder).unlink(missing_ok=True)
        finally:
            use.release()


def is_whole(home: Home, published: Published) -> bool:
    """Whether a generation's files are all there in their sizes. SQLite's journals, which come and
    go while others have it open, are none of them.
    """
    folder = home.vector_index(published.identity) / published.name
    try:
        return folder.is_dir() and all(
            (folder / name).stat().st_size == size for name, (size, _) in published.files.items()
        )
    except OSError:
        return False  # not there, or removed meanwhile


def is_sound(home: Home, published: Published) -> bool:
    """Whether every byte of a generation's graph is as it was published: Chroma crashes on others,
    and the program with it. Reads all of it, about two gigabytes a second.
    """
    folder = home.vector_index(published.identity) / published.name
    try:
        return (
            is_whole(home, published)
            and _marks(folder, published.files) == dict(published.files)
            and not any(map(_is_damaged, folder.glob(f"*{_DATABASE}")))
        )
    except OSError:
        return False  # removed meanwhile


@dataclass(slots=True)
class _Opened:
    """A generation that this process has open, and how many questions it is answering."""

    generation: Generation
    use: FileLock
    readers: int = 0

    def close(self) -> None:
        self.generation.close()
        self.use.release()


class VectorIndex:
    """The published generations that this process reads; the last one stays open between questions.

    Safe to use from many threads, which may read different ones: a question keeps the generation of
    its own snapshot while others have gone on to the next. While one is open, no writer removes it.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._guard = threading.Lock()
        self._opened: dict[str, _Opened] = {}
        self._last: str | None = None

    @contextmanager
    def reading(self, published: Published | None) -> Iterator[Generation | None]:
        """A generation, open until the end of the block; None where it is gone or damaged."""
        opened = self._take(published) if published else None
        try:
            yield opened.generation if opened else None
        finally:
            if opened:
                with self._guard:
                    opened.readers -= 1
                    self._close_unused(but=self._last)

    def close(self) -> None:
        with self._guard:
            self._close_unused()

    def _take(self, published: Published) -> _Opened | None:
        with self._guard:
            self._last = published.name
            self._close_unused(but=self._last)
            opened = self._opened.get(published.name) or self._open(published)
            if opened is not None:
                opened.readers += 1
                self._opened[published.name] = opened
            return opened

    def _open(self, published: Published) -> _Opened | None:
        folder = self._home.vector_index(published.identity) / published.name
        use = FileLock(_use_lock(folder))
        if not is_whole(self._home, published) or not use.try_shared():
            return None
        with contextlib.suppress(LibraryDamaged):  # the caller scans exactly instead
            # looked at again under the lock: Chroma makes a folder that is not there
            if is_sound(self._home, published):
                return _Opened(Generation(folder), use)
        use.release()
        return None

    def _close_unused(self, but: str | None = None) -> None:
        for name, opened in list(self._opened.items()):
            if not opened.readers and name != but:
                del self._opened[name]
                opened.close()


def _marks(folder: Path, names: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Size and checksum of each file of a generation; 0 of the database, which Chroma writes to
    even when it only reads.
    """
    files = {name: folder / name for name in names}
    with ThreadPoolExecutor() as threads:
        return {
            name: (path.stat().st_size, 0 if path.suffix == _DATABASE else _checksum(path, threads))
            for name, path in files.items()
        }


def _is_damaged(database: Path) -> bool:
    try:
        return (
            connection.peek(database, lambda db: connection.damage(db, thorough=False)) is not None
        )
    except HomeError:
        return True


def _checksum(path: Path, threads: ThreadPoolExecutor) -> int:
    """CRC-32 of the CRC-32 of each block: blocks are read side by side."""

    def of_block(start: int) -> bytes:
        checksum = 0
        with path.open("rb") as file:
            file.seek(start)
            for _ in range(0, _BLOCK, _PIECE):
                checksum = zlib.crc32(file.read(_PIECE), checksum)
        return checksum.to_bytes(4, "little")

    return zlib.crc32(b"".join(threads.map(of_block, range(0, path.stat().st_size, _BLOCK))))


def _use_lock(folder: Path) -> Path:
    return folder.with_name(folder.name + ".lock")


def _build(catalog: Catalog, identity: str, folder: Path) -> dict[str, int]:
    """{"sequence", "vectors"} of a new generation that was built and proven."""
    done = subprocess.run(
        [*module_command("rag.indexes"), str(catalog.path), identity, str(folder)],
        capture_output=True,
        text=True,
        env=environment(),
    )
    if done.returncode == 0:
        built: dict[str, int] = json.loads(done.stdout)
        return built
    if shutil.disk_usage(folder.parent).free < 64 * 2**20:
        raise DiskFull(
            str(folder),
            "The disk is too full to build the vector index; all documents are safe.",
            "Make room and run the same command again.",
        )
    detail = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
    raise LibraryDamaged(
        str(folder),
        f"The vector index could not be built: {detail}.",
        "All documents are safe and searchable; run the same command again.",
    )


def _put_on_disk(folder: Path) -> None:
    """Every file and folder of a generation, and the folder that lists it."""
    for path in (*folder.rglob("*"), folder, folder.parent):
        put_on_disk(path)
