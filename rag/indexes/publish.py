"""Generations: made in child processes, proven in others, put on disk, then published as rows.

Each holds the vectors of a stretch of commits, no more than about `LARGEST`: an HNSW graph is built
in memory, and grows dearer with every vector. What is committed later comes into one of its own, and
those that have stayed small are made into one; one that is more than half full is not made again
for what came after it.

Every step before the rows can be cut off: a folder without its row is rubbish, removed by the next
holder of the writer's lock. A generation that readers have open (they hold a shared lock on it) is
not removed. Names are never used twice.
"""

from __future__ import annotations

import shutil
import sqlite3
import uuid
from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from math import ceil
from pathlib import Path

from rag.catalog import chunks, indexing, vectors
from rag.catalog.connection import Catalog
from rag.catalog.indexing import Commits
from rag.catalog.indexing import Generation as Published
from rag.indexes.builder import Builder
from rag.indexes.generations import current, dead, gaps, marks, use_lock
from rag.locks import FileLock, WriterLock
from rag.paths import Home, put_on_disk

LARGEST = 500_000  # vectors of a generation
DEAD_SHARE = 0.3  # of a generation's vectors, above which it is made anew
TAIL_AT_END = (5_000, 0.05, 20_000)
"""Chunks that no generation holds: due above a share of all, but at least and at most so many. Fewer are
found sooner by an exact scan, and without Chroma (benchmarks/tail.py)."""
TAIL_WITHIN_RUN = (20_000, 0.25, 50_000)
MOST_SMALL = 4  # generations after the last one that is more than half full
_ABSORBED = 2.0  # times what is new: a generation not larger is made anew with it


def due(
    db: sqlite3.Connection,
    at_end: bool,
    identity: str | None = None,
    damaged: Collection[str] = (),
) -> list[Commits]:
    """The stretches of commits that need a generation: exact scans do not make up any more for one
    that is missing, too dead, or damaged.
    """
    last, total = chunks.sequence(db), chunks.count(db)
    published = current(db, identity)
    missing = gaps((g.commits for g in published), last)
    new = sum(count for stretch in missing for _, count in chunks.by_commit(db, *stretch))
    many = at_end and len(_small(published)) > MOST_SMALL
    wanted = {
        g.commits
        for g in published
        if g.name in damaged or (at_end and dead(db, g) > DEAD_SHARE * g.vectors)
    }
    if many or _is_much(new, total, at_end):
        wanted.update(missing)
        if at_end:
            wanted.update(_small(published, None if many else new))
    return _joined(wanted)


def will_be_due(db: sqlite3.Connection, coming: int) -> bool:
    """Whether so many new chunks make a generation due at the end of the run that commits them."""
    return _is_much(coming, chunks.count(db), at_end=True)


def publish_generations(
    catalog: Catalog,
    home: Home,
    lock: WriterLock,
    wanted: Sequence[Commits],
    identity: str | None = None,
    builder: Builder | None = None,
) -> list[Published]:
    """Build, prove and publish the generations of stretches of commits, of the library's identity
    unless another is named; those that they take the place of are removed. `builder`: one that may
    have been begun ahead.

    Raises what `Builder.build` raises; nothing is published then.
    """
    remove_old(catalog, home, lock)  # what a failed build left takes the room of this one
    with catalog.read() as db:
        if identity is None:
            own = indexing.identity(db)
            assert own is not None, "a library with chunks has an identity"
            identity = own.key
        parts = [part for stretch in wanted for part in _parts(db, stretch)]
        coming = [
            Published(uuid.uuid4().hex, identity, part, vectors.count_live(db, *part))
            for part in parts
        ]
        replaced = [g for g in current(db, identity) if _any_holds(wanted, g.commits)]
    parent = home.vector_index(identity)
    parent.mkdir(parents=True, exist_ok=True)
    if coming:
        (builder or Builder(catalog)).build(identity, parent, coming)
    made = [replace(one, files=_on_disk(parent / one.name)) for one in coming]
    with catalog.write(lock) as db:
        for old in replaced:
            indexing.withdraw(db, old.name)
        for new in made:
            indexing.publish(db, new)
    remove_old(catalog, home, lock)
    return made


def remove_old(catalog: Catalog, home: Home, lock: WriterLock) -> None:
    """Withdraw the generations of identities that are not kept; remove folders without a row.

    What a reader has open stays for the next time.
    """
    with catalog.read() as db:
        published = indexing.generations(db)
        kept = indexing.kept(db)
    if others := [g for g in published if g.identity not in kept]:
        with catalog.write(lock) as db:
            for other in others:
                indexing.withdraw(db, other.name)
    keep = {g.name for g in published if g.identity in kept}
    for folder in (home.root / "indexes" / "vector").glob("*/*"):
        if not folder.is_dir() or folder.name in keep:
            continue
        use = FileLock(use_lock(folder))
        if not use.try_exclusive():
            continue
        try:
            # renamed first: a folder under its own name is whole or absent, never half removed
            rubbish = folder.rename(folder.with_suffix(".removed"))
            shutil.rmtree(rubbish, ignore_errors=True)
            use_lock(folder).unlink(missing_ok=True)
        finally:
            use.release()


def _is_much(new: int, total: int, at_end: bool) -> bool:
    least, share, most = TAIL_AT_END if at_end else TAIL_WITHIN_RUN
    return new > min(max(least, share * total), most)


def _small(published: Sequence[Published], new: int | None = None) -> list[Commits]:
    """The newest generations, as far as each is no more than half full; and, where `new` says how
    many vectors come after them, small beside what comes after it.
    """
    found: list[Commits] = []
    for one in reversed(published):
        if one.vectors > LARGEST / 2 or (new is not None and one.vectors > _ABSORBED * new):
            break
        found.append(one.commits)
        new = None if new is None else new + one.vectors
    return found


def _joined(stretches: Collection[Commits]) -> list[Commits]:
    """Stretches that touch as one."""
    found: list[Commits] = []
    for after, up_to in sorted(stretches):
        if found and found[-1][1] == after:
            found[-1] = found[-1][0], up_to
        else:
            found.append((after, up_to))
    return found


def _parts(db: sqlite3.Connection, stretch: Commits) -> list[Commits]:
    """A stretch cut into parts of about as many chunks each, from half of the largest on into two,
    which are built side by side; none of one that has no chunks.
    """
    counts = chunks.by_commit(db, *stretch)
    so_far = list(accumulate((count for _, count in counts), initial=0))
    total = so_far[-1]
    number = max(ceil(total / LARGEST), 1 + (total > LARGEST / 2))
    ends = [
        commit
        for (commit, _), (before, held) in zip(counts, pairwise(so_far), strict=True)
        if held * number // total > before * number // total
    ]
    return list(pairwise([stretch[0], *ends[:-1], stretch[1]])) if ends else []


def _any_holds(stretches: Sequence[Commits], commits: Commits) -> bool:
    return any(after <= commits[0] and commits[1] <= up_to for after, up_to in stretches)


def _on_disk(folder: Path) -> dict[str, tuple[int, int]]:
    """The marks of a generation's files, when all of them and the folder that lists it are on disk."""
    for path in (*folder.rglob("*"), folder, folder.parent):
        put_on_disk(path)
    files = (p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    return marks(folder, files)
