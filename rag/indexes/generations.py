"""The published generations of a library: which there are, whether each is as it was published, and
all of them open for reading.

Those of an identity follow one another, each with the vectors of a stretch of commits. Commits that
none holds, and those of a damaged one, are left to whoever searches.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rag.catalog import connection, indexing, vectors
from rag.catalog.indexing import Commits
from rag.catalog.indexing import Generation as Published
from rag.errors import HomeError, LibraryDamaged
from rag.indexes.checksums import crc32
from rag.indexes.vector import Generation
from rag.locks import FileLock
from rag.paths import Home
from rag.types import Vectors

_DATABASE = ".sqlite3"
_LOOK_AGAIN = 300.0  # seconds, after which one that seemed damaged is tried again
_BLOCK = 2**24  # bytes summed by one thread


def current(db: sqlite3.Connection, identity: str | None = None) -> list[Published]:
    """The generations of an identity, of the library's own unless another is named, in order.

    Readers name that of their snapshot: never one that is still being embedded.
    """
    if identity is None:
        own = indexing.identity(db)
        identity = own.key if own else None
    return [g for g in indexing.generations(db) if g.identity == identity]


def gaps(held: Iterable[Commits], last: int) -> list[Commits]:
    """The stretches of commits up to the last one that are not held. `held`: in order."""
    found, end = [], 0
    for after, up_to in (*held, (last, last)):
        if after > end:
            found.append((end, after))
        end = up_to
    return found


def dead(db: sqlite3.Connection, published: Published) -> int:
    """How many of a generation's vectors no live chunk of its commits has."""
    return published.vectors - vectors.count_live(db, *published.commits)


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
            and marks(folder, published.files) == dict(published.files)
            and not any(map(_is_damaged, folder.glob(f"*{_DATABASE}")))
        )
    except OSError:
        return False  # removed meanwhile


def marks(folder: Path, names: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Size and checksum of each file of a generation; 0 of the database, which Chroma writes to
    even when it only reads.
    """
    files = {name: folder / name for name in names}
    with ThreadPoolExecutor() as threads:
        return {
            name: (path.stat().st_size, 0 if path.suffix == _DATABASE else _checksum(path, threads))
            for name, path in files.items()
        }


def use_lock(folder: Path) -> Path:
    """Of a generation: held by those who have it open; whoever has it alone may remove the folder."""
    return folder.with_name(folder.name + ".lock")


@dataclass(frozen=True, slots=True)
class Readable:
    """The generations that a question can read, and the commits that they hold, in order."""

    generations: tuple[Generation, ...]
    commits: tuple[Commits, ...]

    @property
    def count(self) -> int:
        """How many vectors they hold."""
        return sum(generation.count for generation in self.generations)

    def nearest(self, vector: Vectors, k: int) -> list[tuple[bytes, float]]:
        """The `k` nearest keys with their cosine similarity, best first; fewer where there are no
        more. `vector`: [dims].
        """
        best: dict[bytes, float] = {}  # a text that comes back is in two of them
        for generation in self.generations:
            best.update(generation.query(vector, k))
        return sorted(best.items(), key=lambda hit: -hit[1])[:k]


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
    """The published generations that this process reads; the last ones stay open between questions.

    Safe to use from many threads, which may read different ones: a question keeps the generations of
    its own snapshot while others have gone on to the next. While one is open, no writer removes it.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._guard = threading.Lock()
        self._opened: dict[str, _Opened] = {}
        self._last: set[str] = set()
        self._unsound: dict[str, float] = {}  # when it was found, of each

    @contextmanager
    def reading(self, published: Sequence[Published]) -> Iterator[Readable]:
        """Those of some generations that are neither gone nor damaged, open until the end of the
        block.
        """
        opened = self._take(published)
        there = [p for p in published if p.name in opened]
        try:
            yield Readable(
                tuple(opened[p.name].generation for p in there), tuple(p.commits for p in there)
            )
        finally:
            with self._guard:
                for one in opened.values():
                    one.readers -= 1
                self._close_unused(but=self._last)

    def close(self) -> None:
        with self._guard:
            self._close_unused()

    def _take(self, published: Sequence[Published]) -> dict[str, _Opened]:
        with self._guard:
            self._last = {p.name for p in published}
            self._close_unused(but=self._last)
            again = time.monotonic() - _LOOK_AGAIN
            self._open(
                [
                    p for p in published
                    if p.name not in self._opened and self._unsound.get(p.name, again) <= again
                ]
            )  # fmt: skip
            taken = {name: self._opened[name] for name in self._last & self._opened.keys()}
            for opened in taken.values():
                opened.readers += 1
            return taken

    def _open(self, published: Sequence[Published]) -> None:
        """Open what is sound, each while the next one is looked at. The caller scans the others."""
        waiting: list[tuple[Published, FileLock]] = []
        for one in published:
            use = FileLock(use_lock(self._folder(one)))
            if is_whole(self._home, one) and use.try_shared():
                waiting.append((one, use))
        # looked at again under the lock: Chroma makes a folder that is not there
        with ThreadPoolExecutor(1) as ahead:
            sound = ahead.map(lambda locked: is_sound(self._home, locked[0]), waiting)
            for (one, use), whole in zip(waiting, sound, strict=True):
                with contextlib.suppress(LibraryDamaged):
                    if whole:
                        self._opened[one.name] = _Opened(Generation(self._folder(one)), use)
                        continue
                self._unsound[one.name] = time.monotonic()
                use.release()

    def _folder(self, published: Published) -> Path:
        return self._home.vector_index(published.identity) / published.name

    def _close_unused(self, but: set[str] | frozenset[str] = frozenset()) -> None:
        for name, opened in list(self._opened.items()):
            if not opened.readers and name not in but:
                del self._opened[name]
                opened.close()


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
        with path.open("rb") as file:
            return crc32(file, start, _BLOCK).to_bytes(4, "little")

    return zlib.crc32(b"".join(threads.map(of_block, range(0, path.stat().st_size, _BLOCK))))
