"""A filtered search finds the best of what the filter leaves, whichever way it is searched."""

import shutil

import numpy as np
import pytest
from library import Library

from rag.catalog import chunks, documents, replacing, vectors
from rag.ingest.remove import remove
from rag.retrieval import lexical
from rag.retrieval import memory as memory_module
from rag.retrieval.allowed import Allowed
from rag.retrieval.memory import VectorMemory
from rag.types import Scope

HARBOUR = Scope(collections=("harbour",))


def notes(first: int, last: int) -> dict[str, str | bytes]:
    return {f"note-{i}.txt": f"At pier {i} the tide is {i % 7} metres." for i in range(first, last)}


def ids_of(library: Library, *names: str) -> set[int]:
    with library.catalog.read() as db:
        found = [documents.by_path(db, str(library.folder / name)) for name in names]
        return chunks.ids_of_documents(db, [d.id for d in found if d])


def test_what_is_allowed_is_told_apart_in_order() -> None:
    allowed = Allowed.of([9, 3, 5, 3])
    assert len(allowed) == 3
    found = [(5, 0.9), (4, 0.8), (10, 0.7), (3, 0.6), (1, 0.5)]
    assert allowed.among(found) == [(5, 0.9), (3, 0.6)]
    assert (allowed & {5, 9, 11}).ids.tolist() == [5, 9]
    assert Allowed.of([]).among(found) == []


@pytest.mark.parametrize("few", [0, 2000])
def test_keywords_rank_the_same_one_by_one_and_by_asking_for_more(
    library: Library, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.fill(notes(0, 40))
    monkeypatch.setattr(lexical, "ASKED_ONE_BY_ONE", few)
    scope = Scope(
        documents=tuple(d.id for n in (3, 21) if (d := library.document(f"note-{n}.txt")))
    )
    hits = library.retriever.search("tide at pier 21", scope=scope).hits
    assert [hit.chunk.name for hit in hits] == ["note-21.txt", "note-3.txt"]
    assert [hit.keyword_rank for hit in hits] == [1, 2]


def test_memory_finds_what_an_exact_scan_of_the_filter_finds_and_follows_commits(
    library: Library,
) -> None:
    library.fill(notes(0, 30))
    memory = VectorMemory()
    identity = library.embedder.identity
    vector = library.embedder.embed(["tide at pier 21"], "query")[0]
    for first, last in ((0, 30), (30, 45)):
        library.fill(notes(first, last))
        allowed = Allowed.of(ids_of(library, *(f"note-{i}.txt" for i in range(1, last, 2))))
        with library.catalog.read() as db:
            rows = memory.at(db, identity, load=True)
            ids, matrix = vectors.of_chunks(db, identity.key, allowed.ids.tolist())
        assert rows is not None and len(rows.ids) == last
        best = sorted((-float(s), i) for s, i in zip(matrix @ vector, ids, strict=True))[:5]
        found = rows.nearest(vector, 5, allowed)
        assert [score for _, score in found] == pytest.approx([-score for score, _ in best])
        assert found[0][0] == best[0][1]


def test_memory_is_not_loaded_for_a_few_chunks_and_knows_nothing_of_foreign_ids(
    library: Library,
) -> None:
    library.fill(notes(0, 5))
    memory, identity = VectorMemory(), library.embedder.identity
    with library.catalog.read() as db:
        assert memory.at(db, identity, load=False) is None
        rows = memory.at(db, identity, load=True)
        assert rows is not None
        assert memory.at(db, identity, load=False) is rows
    last = int(rows.ids[-1])
    found = rows.nearest(rows.vectors[0], 9, Allowed.of([int(rows.ids[0]), last + 1, last + 7]))
    assert [i for i, _ in found] == [int(rows.ids[0])]


def test_removed_chunks_leave_the_memory_once_they_are_many(library: Library) -> None:
    library.fill(notes(0, 20))
    memory, identity = VectorMemory(), library.embedder.identity
    with library.catalog.read() as db:
        memory.at(db, identity, load=True)
    for path in sorted(library.folder.iterdir())[:10]:
        path.unlink()
    library.ingest()
    with library.catalog.read() as db:
        rows = memory.at(db, identity, load=False)
    assert rows is not None
    assert len(rows.ids) == len(rows.vectors) == 10
    assert np.all(np.diff(rows.ids) > 0)


def test_a_collection_is_searched_as_it_is_now(library: Library) -> None:
    library.fill(notes(0, 4))
    library.ingest(library.folder / "note-1.txt", collection="harbour")
    assert library.retriever.search("tide", scope=HARBOUR).filters == (
        "only collection harbour: 1 chunk",
    )
    library.ingest(library.folder / "note-2.txt", collection="harbour")
    found = library.retriever.search("tide", scope=HARBOUR)
    assert {hit.chunk.name for hit in found.hits} == {"note-1.txt", "note-2.txt"}


def test_what_a_filter_leaves_of_a_large_library_is_kept_for_the_next_question(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.fill(notes(0, 6))
    monkeypatch.setattr(memory_module, "MOST", 3)
    monkeypatch.setattr(memory_module, "_KEPT_FROM", 1)
    memory, identity = VectorMemory(), library.identity()
    some, others = (Allowed.of(ids_of(library, f"note-{i}.txt")) for i in (2, 4))
    with library.catalog.read() as db:
        assert memory.at(db, identity, load=True) is None
        rows = memory.of(db, identity, some)
        assert rows.ids.tolist() == some.ids.tolist()
        assert memory.of(db, identity, some) is rows
        assert memory.of(db, identity, others).ids.tolist() == others.ids.tolist()
        assert memory.of(db, identity, some) is not rows


def test_after_a_backup_was_restored_all_of_it_is_in_memory(library: Library) -> None:
    library.fill(notes(0, 6))
    before, memory, identity = ids_of(library, "note-2.txt"), VectorMemory(), library.identity()
    backup = library.root / "backup.db"
    library.catalog.checkpoint()
    shutil.copy(library.home.database, backup)
    with library.lock() as lock:
        document = library.document("note-2.txt")
        assert document is not None
        remove(library.catalog, library.home, lock, [document])
        with library.catalog.read() as db:
            rows = memory.at(db, identity, load=True)
        assert rows is not None and not before & set(rows.ids.tolist())
    last = 0
    for _ in range(3):  # each has numbers above those of the one before
        with library.lock() as lock:
            again = shutil.copy(backup, library.root / "again.db")
            replacing.prepare(again, library.home.database)
            replacing.put_in_place(library.home, again, lock)
        with library.catalog.read() as db:
            rows = memory.at(db, identity, load=True)
            assert rows is not None
            assert set(rows.ids.tolist()) == {chunk.id for chunk in chunks.after(db, 0)}
            assert chunks.sequence(db) >= last + replacing.STRIDE
            last = chunks.sequence(db)
        assert before < set(rows.ids.tolist())
