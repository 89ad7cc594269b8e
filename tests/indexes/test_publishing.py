"""Generations: published as one row, never removed while read, rubbish never left."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from library import IDENTITY, forget, put, stack, writing

from rag.catalog import chunks, indexing, vectors
from rag.catalog.connection import Catalog
from rag.catalog.indexing import Generation
from rag.errors import LibraryDamaged
from rag.indexes import publish
from rag.indexes.follow import KEYWORD, follow_all, follow_keyword
from rag.indexes.keyword import KeywordIndex
from rag.indexes.publish import VectorIndex, is_due, publish_generation
from rag.locks import WriterLock
from rag.paths import Home
from rag.retrieval.lexical import Lexical


def folders(home: Home) -> set[str]:
    return {p.name for p in home.vector_index(IDENTITY.key).glob("*") if p.is_dir()}


def texts(count: int, start: int = 0) -> list[str]:
    return [f"Sentence number {i} is here." for i in range(start, start + count)]


def found(reader: VectorIndex, published: Generation) -> int:
    """How many vectors a reader finds in a generation."""
    with reader.reading(published) as generation:
        assert generation is not None
        return len(generation.query(stack(["Sentence"])[0], 9))


def fake_row(catalog: Catalog, lock: WriterLock, sequence: int, vectors: int) -> None:
    with catalog.write(lock) as db:
        indexing.publish(db, Generation(f"g{sequence}", IDENTITY.key, sequence, vectors))


def due(catalog: Catalog, at_end: bool = True) -> bool:
    with catalog.read() as db:
        return is_due(db, at_end)


def test_a_generation_holds_what_was_committed_and_becomes_a_row(
    catalog: Catalog, home: Home, lock: WriterLock
) -> None:
    writing(catalog, lock, "/a", *texts(5))
    made = publish_generation(catalog, home, lock)
    assert (made.identity, made.sequence, made.vectors) == (IDENTITY.key, 1, 5)
    with catalog.read() as db:
        assert publish.newest(db) == made
    assert folders(home) == {made.name}
    with closing(VectorIndex(home)) as index, index.reading(made) as generation:
        assert generation is not None
        found = generation.query(stack(["Sentence number 3 is here."])[0], 1)
    assert found[0][0] == vectors.key_of("Sentence number 3 is here.")
    assert found[0][1] == pytest.approx(1.0, abs=1e-3)


def test_a_folder_without_a_row_is_removed_by_the_next_publication(
    catalog: Catalog, home: Home, lock: WriterLock
) -> None:
    writing(catalog, lock, "/a", *texts(3))
    rubbish = home.vector_index(IDENTITY.key) / "left-by-a-crash"
    rubbish.mkdir(parents=True)
    (rubbish / "chroma.sqlite3").write_text("torn")
    half_removed = home.vector_index(IDENTITY.key) / "half.removed"
    half_removed.mkdir()
    made = publish_generation(catalog, home, lock)
    assert folders(home) == {made.name}


def test_a_folder_without_a_row_is_removed_by_the_next_lock_holder(
    catalog: Catalog, home: Home, lock: WriterLock
) -> None:
    writing(catalog, lock, "/a", *texts(3))
    made = publish_generation(catalog, home, lock)
    (home.vector_index(IDENTITY.key) / "left-by-a-crash").mkdir()
    follow_all(catalog, home, lock, at_end=True)
    assert folders(home) == {made.name}


def test_a_generation_that_is_being_read_stays_until_nobody_reads_it(
    catalog: Catalog, home: Home, lock: WriterLock
) -> None:
    writing(catalog, lock, "/a", *texts(3))
    first = publish_generation(catalog, home, lock)
    reader = VectorIndex(home)
    with reader.reading(first) as generation:
        assert generation is not None
    writing(catalog, lock, "/b", *texts(3, start=10))
    second = publish_generation(catalog, home, lock)
    assert folders(home) == {first.name, second.name}
    assert found(reader, first) == 3
    with catalog.read() as db:
        assert publish.newest(db) == second
    assert found(reader, second) == 6
    third = publish_generation(catalog, home, lock)
    assert folders(home) == {second.name, third.name}
    with catalog.read() as db:
        assert {g.name for g in indexing.generations(db)} == {second.name, third.name}
    reader.close()


def test_two_questions_may_read_two_generations_and_the_older_is_let_go_after_them(
    catalog: Catalog, home: Home, lock: WriterLock
) -> None:
    """As when a library is swapped while a question is on its way."""
    writing(catalog, lock, "/a", *texts(3))
    first = publish_generation(catalog, home, lock)
    reader = VectorIndex(home)
    with reader.reading(first) as older:
        writing(catalog, lock, "/b", *texts(3, start=10))
        second = publish_generation(catalog, home, lock)
        with reader.reading(second) as newer, reader.reading(first) as older_again:
            assert older is older_again and older is not None and newer is not None
            vector = stack(["Sentence"])[0]
            assert (len(older.query(vector, 9)), len(newer.query(vector, 9))) == (3, 6)
        publish.remove_old(catalog, home, lock)
        assert folders(home) == {first.name, second.name}
    with reader.reading(second):
        publish.remove_old(catalog, home, lock)
        assert folders(home) == {second.name}
    reader.close()


def test_the_newest_generation_of_each_kept_identity_stays(
    catalog: Catalog, home: Home, lock: WriterLock
) -> None:
    others = {name: replace(IDENTITY, digest=name) for name in ("next", "former", "gone")}
    with catalog.write(lock) as db:
        indexing.set_identity(db, others["former"])
        indexing.set_next_identity(db, replace(IDENTITY, model="other"))
        indexing.swap(db)
        indexing.set_next_identity(db, others["next"])
        for identity in (IDENTITY, *others.values()):
            for sequence in (2, 1):
                name = f"{identity.digest}-{sequence}"
                indexing.publish(db, Generation(name, identity.key, sequence, 0))
                (home.vector_index(identity.key) / name).mkdir(parents=True)
    publish.remove_old(catalog, home, lock)
    on_disk = {p.name for p in (home.root / "indexes" / "vector").glob("*/*/")}
    assert on_disk == {f"{IDENTITY.digest}-2", "next-2", "former-2"}
    with catalog.read() as db:
        assert {g.name for g in indexing.generations(db)} == on_disk
        newest = publish.newest(db)
    assert newest is not None and newest.identity == IDENTITY.key


def test_a_generation_whose_database_others_have_a_journal_of_is_whole(
    catalog: Catalog, home: Home, lock: WriterLock
) -> None:
    writing(catalog, lock, "/a", *texts(5))
    made = publish_generation(catalog, home, lock)
    folder = home.vector_index(made.identity) / made.name
    with closing(sqlite3.connect(folder / "chroma.sqlite3", isolation_level=None)) as chroma:
        chroma.execute("PRAGMA journal_mode = DELETE")
        chroma.execute("BEGIN IMMEDIATE")
        chroma.execute("CREATE TABLE passing (x)")
        assert (folder / "chroma.sqlite3-journal").exists()
        assert publish.is_whole(home, made)
        chroma.execute("ROLLBACK")
    assert publish.is_sound(home, made)


def test_a_generation_that_is_gone_is_not_opened(
    catalog: Catalog, home: Home, lock: WriterLock
) -> None:
    writing(catalog, lock, "/a", *texts(3))
    first = publish_generation(catalog, home, lock)
    publish_generation(catalog, home, lock)
    with closing(VectorIndex(home)) as reader, reader.reading(first) as generation:
        assert generation is None


def test_a_build_that_fails_publishes_nothing(
    catalog: Catalog, home: Home, lock: WriterLock, tmp_path: Path
) -> None:
    writing(catalog, lock, "/a", *texts(3))
    elsewhere = Home(tmp_path / "elsewhere")
    elsewhere.root.mkdir()
    (elsewhere.root / "indexes").mkdir()
    (elsewhere.root / "indexes" / "vector").mkdir()
    broken = Catalog(tmp_path / "no-such-folder" / "library.db")
    with catalog.read() as db:
        before = indexing.generations(db)
    with pytest.raises(LibraryDamaged, match="could not be built") as caught:
        publish._build(broken, IDENTITY.key, elsewhere.root / "indexes" / "vector" / "x")
    assert "safe" in caught.value.hint
    with catalog.read() as db:
        assert indexing.generations(db) == before


def test_a_generation_of_another_identity_is_not_the_newest(
    catalog: Catalog, lock: WriterLock
) -> None:
    writing(catalog, lock, "/a", *texts(1))
    with catalog.write(lock) as db:
        indexing.publish(db, Generation("other", "another-identity", 9, 1))
        assert publish.newest(db) is None


# ----------------------------------------------------------------- when a new one is due


def test_an_empty_library_needs_no_generation(catalog: Catalog) -> None:
    assert not due(catalog)


def test_the_first_generation_is_made_at_the_end_of_the_first_run(
    catalog: Catalog, lock: WriterLock
) -> None:
    writing(catalog, lock, "/a", *texts(1))
    assert due(catalog, at_end=True)
    assert not due(catalog, at_end=False)


@pytest.mark.parametrize(("tail", "expected"), [(500, False), (501, True)])
def test_a_tail_above_500_chunks_is_due_at_the_end_of_a_run(
    catalog: Catalog, lock: WriterLock, tail: int, expected: bool
) -> None:
    writing(catalog, lock, "/a", *texts(10))
    fake_row(catalog, lock, sequence=1, vectors=10)
    writing(catalog, lock, "/b", *texts(tail, start=100))
    assert due(catalog) is expected
    assert not due(catalog, at_end=False)


def test_a_tail_of_a_large_library_counts_by_its_share(catalog: Catalog, lock: WriterLock) -> None:
    writing(catalog, lock, "/a", *texts(12_000))
    fake_row(catalog, lock, sequence=1, vectors=12_000)
    writing(catalog, lock, "/b", *texts(600, start=20_000))
    assert not due(catalog)  # 600 of 12,600: 4.8 %
    writing(catalog, lock, "/c", *texts(100, start=30_000))
    assert due(catalog)  # 700 of 12,700: 5.5 %


def test_a_generation_with_more_than_30_percent_dead_is_due(
    catalog: Catalog, lock: WriterLock
) -> None:
    kept = writing(catalog, lock, "/a", *texts(70))
    gone = writing(catalog, lock, "/b", *texts(30, start=100))
    fake_row(catalog, lock, sequence=2, vectors=100)
    with catalog.write(lock) as db:
        forget(db, gone)
    assert not due(catalog)
    with catalog.write(lock) as db:
        put(db, "/a", *texts(69), keep=True)
    assert kept
    assert due(catalog)


def test_new_chunks_do_not_make_up_for_dead_ones(catalog: Catalog, lock: WriterLock) -> None:
    gone = writing(catalog, lock, "/a", *texts(60))
    writing(catalog, lock, "/b", *texts(40, start=100))
    fake_row(catalog, lock, sequence=2, vectors=100)
    with catalog.write(lock) as db:
        forget(db, gone)
        put(db, "/c", *texts(60, start=200))
    assert due(catalog)


# ----------------------------------------------------------------- the keyword index follows


def keyword_ids(home: Home, query: str) -> set[int]:
    return {number for number, _ in KeywordIndex(home.keyword_index).search(query, 50)}


def test_the_keyword_index_follows_additions_and_removals(
    catalog: Catalog, home: Home, lock: WriterLock
) -> None:
    gone = writing(catalog, lock, "/a", "The gauge.")
    writing(catalog, lock, "/b", "Another gauge.")
    follow_keyword(catalog, home, lock)
    assert keyword_ids(home, "gauge") == {1, 2}
    with catalog.write(lock) as db:
        forget(db, gone)
        put(db, "/c", "A third gauge.")
    follow_keyword(catalog, home, lock)
    assert keyword_ids(home, "gauge") == {2, 3}
    with catalog.read() as db:
        assert indexing.watermark(db, KEYWORD) == 4
        assert not db.execute("SELECT * FROM removals").fetchall()


def test_a_crash_between_index_and_watermark_only_repeats_work(
    catalog: Catalog, home: Home, lock: WriterLock
) -> None:
    writing(catalog, lock, "/a", "The gauge.", "The gauge too.")
    follow_keyword(catalog, home, lock)
    with catalog.write(lock) as db:
        db.execute("DELETE FROM watermarks")
        indexing.set_watermark(db, KEYWORD, 0)
    follow_keyword(catalog, home, lock)
    assert keyword_ids(home, "gauge") == {1, 2}


def test_a_keyword_index_that_was_deleted_is_built_anew(
    catalog: Catalog, home: Home, lock: WriterLock
) -> None:
    writing(catalog, lock, "/a", "The gauge.")
    follow_keyword(catalog, home, lock)
    KeywordIndex.discard(home.keyword_index)
    follow_keyword(catalog, home, lock)
    assert keyword_ids(home, "gauge") == {1}


def test_a_damaged_keyword_index_is_built_anew_by_the_next_run(
    catalog: Catalog, home: Home, lock: WriterLock
) -> None:
    writing(catalog, lock, "/a", "The gauge.")
    follow_keyword(catalog, home, lock)
    (home.keyword_index / "meta.json").write_text("{ damaged")
    follow_keyword(catalog, home, lock)
    assert keyword_ids(home, "gauge") == {1}


def test_a_damaged_keyword_index_is_built_anew_with_the_next_commit(
    catalog: Catalog, home: Home, lock: WriterLock
) -> None:
    writing(catalog, lock, "/a", "The gauge.")
    follow_keyword(catalog, home, lock)
    (home.keyword_index / "meta.json").write_text("{ damaged")
    writing(catalog, lock, "/b", "Another gauge.")
    follow_keyword(catalog, home, lock)
    assert keyword_ids(home, "gauge") == {1, 2}


def test_a_reader_that_is_open_survives_an_index_built_anew(
    catalog: Catalog, home: Home, lock: WriterLock
) -> None:
    writing(catalog, lock, "/a", "The gauge.")
    follow_keyword(catalog, home, lock)
    reader = Lexical(home.keyword_index)

    def found(query: str) -> list[int]:
        with catalog.read() as db:
            return [i for i, _ in reader.at(db, reader.pin(db)).search(query, 5, None)]

    assert found("gauge") == [1]
    KeywordIndex.discard(home.keyword_index)
    assert found("gauge") == [1]
    writing(catalog, lock, "/b", "A battery.")
    follow_keyword(catalog, home, lock)
    assert found("battery") == [2]


@pytest.mark.parametrize("snapshot_first", [True, False])
def test_what_is_replaced_during_a_question_is_found_once_in_its_old_or_its_new_form(
    catalog: Catalog, home: Home, lock: WriterLock, snapshot_first: bool
) -> None:
    old = writing(catalog, lock, "/a", "The gauge.")
    follow_keyword(catalog, home, lock)
    reader = Lexical(home.keyword_index)

    def replaced() -> None:
        with catalog.write(lock) as db:
            forget(db, old)
            put(db, "/a", "The gauge, changed.")
        follow_keyword(catalog, home, lock)

    with catalog.read() as db:
        pinned = reader.pin(db)
    with ThreadPoolExecutor(1) as writer:
        if not snapshot_first:
            writer.submit(replaced).result()
        with catalog.read() as db:
            assert chunks.count(db) == 1  # a snapshot begins with what it first reads
            if snapshot_first:
                writer.submit(replaced).result()
            found = reader.at(db, pinned).search("gauge", 5, None)
    assert [i for i, _ in found] == [1 if snapshot_first else 2]
