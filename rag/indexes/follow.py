"""Brings the indexes up to the catalog.

The keyword index is changed in place and follows close behind; its watermark is written after its
own commit, so a crash between the two only means that a few chunks are added again. The vector
index is published anew when it has fallen far enough behind (publish.py).
"""

from __future__ import annotations

import contextlib
import itertools

from rag.catalog import chunks, indexing
from rag.catalog.connection import Catalog
from rag.catalog.indexing import Commits
from rag.errors import LibraryDamaged
from rag.indexes import generations, publish
from rag.indexes.builder import Builder
from rag.indexes.keyword import KeywordIndex
from rag.locks import WriterLock
from rag.paths import Home

KEYWORD = "keyword-3"
"""Name of the watermark; a change of fields or analysis takes a new one and builds anew."""


def follow_keyword(catalog: Catalog, home: Home, lock: WriterLock) -> None:
    """Bring the keyword index up to the last commit; build it anew where it is damaged."""
    try:
        _follow_keyword(catalog, home, lock)
    except LibraryDamaged:
        _discard_keyword(catalog, home, lock)
        _follow_keyword(catalog, home, lock)


def follow_all(
    catalog: Catalog, home: Home, lock: WriterLock, at_end: bool, builder: Builder | None = None
) -> None:
    """Bring every index up to date as far as it is due; at the end of a run damage is looked for.

    `builder`: one that may have been begun ahead.
    """
    if at_end and not KeywordIndex.is_sound(home.keyword_index):
        _discard_keyword(catalog, home, lock)
    follow_keyword(catalog, home, lock)
    follow_vectors(catalog, home, lock, at_end, builder=builder)


def follow_vectors(
    catalog: Catalog,
    home: Home,
    lock: WriterLock,
    at_end: bool,
    identity: str | None = None,
    builder: Builder | None = None,
) -> None:
    """Publish the generations that are due, of the library's identity unless another is named."""
    with catalog.read() as db:
        published = generations.current(db, identity) if at_end else []
    damaged = [one.name for one in published if not generations.is_sound(home, one)]
    with catalog.read() as db:
        due = publish.due(db, at_end, identity, damaged)
    # a generation that cannot be built stops nothing: what it lacks is scanned exactly
    if due:
        with contextlib.suppress(LibraryDamaged):
            publish.publish_generations(catalog, home, lock, due, identity, builder)
    elif at_end:
        publish.remove_old(catalog, home, lock)


def build_anew(catalog: Catalog, home: Home, lock: WriterLock) -> None:
    """Make every index of what is live now alone: an index that follows keeps what was removed,
    unfindable, until it is merged or replaced.
    """
    _discard_keyword(catalog, home, lock)
    follow_keyword(catalog, home, lock)
    publish.remove_old(catalog, home, lock)
    stale: dict[str, list[Commits]] = {}
    with catalog.read() as db:
        for generation in indexing.generations(db):
            if generations.dead(db, generation):
                stale.setdefault(generation.identity, []).append(generation.commits)
    for identity, stretches in stale.items():
        publish.publish_generations(catalog, home, lock, stretches, identity)


def _follow_keyword(catalog: Catalog, home: Home, lock: WriterLock) -> None:
    folder = home.keyword_index
    with catalog.read() as db:
        followed = indexing.watermark(db, KEYWORD)
    if followed == 0 or not KeywordIndex.exists(folder):
        _discard_keyword(catalog, home, lock)
        followed = 0
    with catalog.read() as db:
        last = chunks.sequence(db)
        index = KeywordIndex(folder)  # also where nothing is new: a damaged one shows itself
        if followed == last:
            return
        gone = chunks.removed_after(db, followed)
        # of these the renamed ones are there: each is replaced, and is never missing
        renamed = chunks.by_ids(db, gone)
        removed = (chunk for chunk in gone if chunk not in renamed)
        index.update(removed, itertools.chain(renamed.values(), chunks.after(db, followed)))
    with catalog.write(lock) as db:
        indexing.set_watermark(db, KEYWORD, last)
        chunks.forget_removals(db, last)


def _discard_keyword(catalog: Catalog, home: Home, lock: WriterLock) -> None:
    """Begin anew: the watermark first, so that a kill leaves no half index that counts as whole."""
    with catalog.write(lock) as db:
        indexing.set_watermark(db, KEYWORD, 0)
    KeywordIndex.discard(home.keyword_index)
