"""Generations: published as one row, never removed while read, rubbish never left."""

import sqlite3
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from library import IDENTITY, forget, put, stack, writing

from rag.catalog import chunks, indexing, vectors
from rag.catalog.connection import Catalog
from rag.catalog.indexing import Commits, Generation
from rag.errors import LibraryDamaged
from rag.indexes import builder, generations, publish
from rag.indexes.builder import Builder
from rag.indexes.follow import KEYWORD, build_anew, follow_all, follow_keyword
from rag.indexes.generations import VectorIndex, current, gaps
from rag.indexes.keyword import KeywordIndex
from rag.indexes.publish import due, publish_generations
from rag.locks import WriterLock
from rag.paths import Home
from rag.retrieval.lexical import Lexical


def folders(home: Home) -> set[str]:
    return {p.name for p in home.vector_index(IDENTITY.key).glob("*") if p.is_dir()}


def texts(count: int, start: int = 0) -> list[str]:
    return [f"Sentence number {i} is here." for i in range(start, start + count)]


def made_of_all(catalog: Catalog, home: Home, lock: WriterLock) -> Generation:
    (made,) = publish_generations(catalog, home, lock, [all_commits(catalog)])
    return made


def all_commits(catalog: Catalog) -> Commits:
    with catalog.read() as db:
        return 0, chunks.sequence(db)


def found(reader: VectorIndex, *published: Generation) -> int:
    """How many vectors a reader finds in generations."""
    with reader.reading(published) as there:
        return len(there.nearest(stack(["Sentence"])[0], 20))


def fake_row(
    catalog: Catalog, lock: WriterLock, up_to: int, vectors: int, after: int = 0
) -> Commits:
    with catalog.write(lock) as db:
        indexing.publish(db, Generation(f"g{up_to}", IDENTITY.key, (after, up_to), vectors))
    return after, up_to


def wanted(catalog: Catalog, at_end: bool = True, damaged: Sequence[str] = ()) -> list[Commits]:
    with catalog.read() as db:
        return due(db, at_end, damaged=damaged)


def published(catalog: Catalog) -> list[Generation]:
    with catalog.read() as db:
        return current(db)


def test_a_generation_holds_what_was_committed_and_becomes_a_row(
    catalog: Catalog, home: Home, lock: WriterLock
) -> None:
    writing(catalog, lock, "/a", *texts(5))
    made = made_of_all(catalog, home, lock)
    assert (made.identity, made.commits, made.vectors) == (IDENTITY.key, (0, 1), 5)
    assert published(catalog) == [made]
    assert folders(home) == {made.name}
    with closing(VectorIndex(home)) as index, index.reading([made]) as there:
        assert (there.commits, there.count) == (((0, 1),), 5)
        found = there.nearest(stack(["Sentence number 3 is here."])[0], 1)
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
    made = made_of_all(catalog, home, lock)
    assert folders(home) == {made.name}


def test_a_folder_without_a_row_is_removed_by_the_next_lock_holder(
    catalog: Catalog, home: Home, lock: WriterLock
) -> None:
    writing(catalog, lock, "/a", *texts(3))
    made = made_of_all(catalog, home, lock)
    (home.vector_index(IDENTITY.key) / "left-by-a-crash").mkdir()
    follow_all(catalog, home, lock, at_end=True)
    assert folders(home) == {made.name}


def test_a_generation_that_is_being_read_stays_until_nobody_reads_it(
    catalog: Catalog, home: Home, lock: WriterLock
) -> None:
    writing(catalog, lock, "/a", *texts(3))
    first = made_of_all(catalog, home, lock)
    reader = VectorIndex(home)
    assert found(reader, first) == 3
    writing(catalog, lock, "/b", *texts(3, start=10))
    second = made_of_all(catalog, home, lock)
    assert folders(home) == {first.name, second.name}
    assert found(reader, first) == 3
    assert published(catalog) == [second]
    assert found(reader, second) == 6
    third = made_of_all(catalog, home, lock)
    assert folders(home) == {second.name, third.name}
    assert published(catalog) == [third]
    reader.close()


def test_two_questions_may_read_two_generations_and_the_older_is_let_go_after_them(
    catalog: Catalog, home: Home, lock: WriterLock
) -> None:
    """As when a library is swapped while a question is on its way."""
    writing(catalog, lock, "/a", *texts(3))
    first = made_of_all(catalog, home, lock)
    reader = VectorIndex(home)
    with reader.reading([first]) as older:
        writing(catalog, lock, "/b", *texts(3, start=10))
        second = made_of_all(catalog, home, lock)
        with reader.reading([second]) as newer, reader.reading([first]) as older_again:
            assert older.generations == older_again.generations
            vector = stack(["Sentence"])[0]
            assert (len(older.nearest(vector, 9)), len(newer.nearest(vector, 9))) == (3, 6)
        publish.remove_old(catalog, home, lock)
        assert folders(home) == {first.name, second.name}
    with reader.reading([second]):
        publish.remove_old(catalog, home, lock)
        assert folders(home) == {second.name}
    reader.close()


def test_the_generations_of_each_kept_identity_stay(
    catalog: Catalog, home: Home, lock: WriterLock
) -> None:
    others = {name: replace(IDENTITY, digest=name) for name in ("next", "former", "gone")}
    with catalog.write(lock) as db:
        indexing.set_identity(db, others["former"])
        indexing.set_next_identity(db, replace(IDENTITY, model="other"))
        indexing.swap(db)
        indexing.set_next_identity(db, others["next"])
        for identity in (IDENTITY, *others.values()):
            for commits in ((1, 2), (0, 1)):
                name = f"{identity.digest}-{commits[1]}"
                indexing.publish(db, Generation(name, identity.key, commits, 0))
                (home.vector_index(identity.key) / name).mkdir(parents=True)
            (home.vector_index(identity.key) / f"{identity.digest}-rubbish").mkdir()
    publish.remove_old(catalog, home, lock)
    on_disk = {p.name for p in (home.root / "indexes" / "vector").glob("*/*/")}
    kept = (IDENTITY.digest, "next", "former")
    assert on_disk == {f"{digest}-{number}" for digest in kept for number in (1, 2)}
    with catalog.read() as db:
        assert {g.name for g in indexing.generations(db)} == on_disk
    assert [g.identity for g in published(catalog)] == [IDENTITY.key] * 2


def test_a_generation_whose_database_others_have_a_journal_of_is_whole(
    catalog: Catalog, home: Home, lock: WriterLock
) -> None:
    writing(catalog, lock, "/a", *texts(5))
    made = made_of_all(catalog, home, lock)
    folder = home.vector_index(made.identity) / made.name
    with closing(sqlite3.connect(folder / "chroma.sqlite3", isolation_level=None)) as chroma:
        chroma.execute("PRAGMA journal_mode = DELETE")
        chroma.execute("BEGIN IMMEDIATE")
        chroma.execute("CREATE TABLE passing (x)")
        assert (folder / "chroma.sqlite3-journal").exists()
        assert generations.is_whole(home, made)
        chroma.execute("ROLLBACK")
    assert generations.is_sound(home, made)


def test_a_generation_that_is_gone_is_not_opened(
    catalog: Catalog, home: Home, lock: WriterLock
) -> None:
    writing(catalog, lock, "/a", *texts(3))
    first = made_of_all(catalog, home, lock)
    made_of_all(catalog, home, lock)
    with closing(VectorIndex(home)) as reader, reader.reading([first]) as there:
        assert (there.generations, there.commits) == ((), ())


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
        coming = [Generation("x", IDENTITY.key, (0, 1), 3)]
        Builder(broken).build(IDENTITY.key, elsewhere.root / "indexes" / "vector", coming)
    assert "safe" in caught.value.hint
    with catalog.read() as db:
        assert indexing.generations(db) == before


def test_a_generation_of_another_identity_is_not_the_librarys(
    catalog: Catalog, lock: WriterLock
) -> None:
    writing(catalog, lock, "/a", *texts(1))
    with catalog.write(lock) as db:
        indexing.publish(db, Generation("other", "another-identity", (0, 9), 1))
    assert published(catalog) == []


# ----------------------------------------------------------------- several, one after the other


def test_what_is_committed_later_comes_into_a_generation_of_its_own(
    catalog: Catalog, home: Home, lock: WriterLock
) -> None:
    writing(catalog, lock, "/a", *texts(5))
    first = made_of_all(catalog, home, lock)
    writing(catalog, lock, "/b", *texts(3, start=10), "A heron.", texts(1)[0])
    (second,) = publish_generations(catalog, home, lock, [(1, 2)])
    assert published(catalog) == [first, second]
    assert (second.commits, second.vectors) == ((1, 2), 5)
    assert folders(home) == {first.name, second.name}
    with closing(VectorIndex(home)) as reader:
        assert found(reader, first, second) == 9, "the text that both hold counts once"
        with reader.reading([first, second]) as there:
            best = [key for key, _ in there.nearest(stack(["A heron."])[0], 3)]
            assert best[0] == vectors.key_of("A heron.")


def test_a_damaged_one_among_several_leaves_its_commits_to_the_caller(
    catalog: Catalog, home: Home, lock: WriterLock
) -> None:
    for number in range(3):
        writing(catalog, lock, f"/{number}", *texts(4, start=10 * number))
    made = publish_generations(catalog, home, lock, [(0, 1), (1, 2), (2, 3)])
    graph = next((home.vector_index(IDENTITY.key) / made[1].name).glob("*/data_level0.bin"))
    content = bytearray(graph.read_bytes())
    content[len(content) // 2] ^= 255
    graph.write_bytes(content)
    with closing(VectorIndex(home)) as reader, reader.reading(made) as there:
        assert there.commits == ((0, 1), (2, 3))
        assert gaps(there.commits, 4) == [(1, 2), (3, 4)]
        assert len(there.nearest(stack(["Sentence"])[0], 20)) == 8
    follow_all(catalog, home, lock, at_end=True)
    first, second, third = published(catalog)
    assert (first, third) == (made[0], made[2])
    assert second.commits == (1, 2) and second.name != made[1].name


def test_a_large_stretch_is_cut_between_commits_into_equal_parts(
    catalog: Catalog, home: Home, lock: WriterLock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publish, "LARGEST", 10)
    for number in range(8):
        writing(catalog, lock, f"/{number}", *texts(3, start=10 * number))
    made = publish_generations(catalog, home, lock, [all_commits(catalog)])
    assert [(g.commits, g.vectors) for g in made] == [((0, 3), 9), ((3, 6), 9), ((6, 8), 6)]
    assert published(catalog) == made


def process_of(ahead: Builder) -> psutil.Process:
    ahead.begin()
    assert ahead._begun is not None
    return psutil.Process(ahead._begun.pid)


def test_a_process_begun_ahead_builds_and_one_begun_for_nothing_is_ended(
    catalog: Catalog, home: Home, lock: WriterLock
) -> None:
    writing(catalog, lock, "/a", *texts(3))
    ahead = Builder(catalog)
    begun = process_of(ahead)
    assert process_of(ahead) == begun
    (made,) = publish_generations(catalog, home, lock, [(0, 1)], builder=ahead)
    assert published(catalog) == [made]
    assert not begun.is_running()
    second = process_of(ahead)
    ahead.close()
    assert not second.is_running()


def test_a_process_begun_ahead_that_died_publishes_nothing(
    catalog: Catalog, home: Home, lock: WriterLock
) -> None:
    writing(catalog, lock, "/a", *texts(3))
    ahead = Builder(catalog)
    process_of(ahead).kill()
    with pytest.raises(LibraryDamaged, match="exit code -9"):
        publish_generations(catalog, home, lock, [(0, 1)], builder=ahead)
    assert published(catalog) == []
    publish_generations(catalog, home, lock, [(0, 1)], builder=ahead)
    assert len(published(catalog)) == 1


SPAWNING = """
import multiprocessing, runpy
begin = multiprocessing.set_start_method
multiprocessing.set_start_method = lambda _: begin("spawn")
runpy.run_module("rag.indexes", run_name="__main__")
"""


def test_where_processes_are_not_forked_but_spawned_generations_are_made_too(
    catalog: Catalog, home: Home, lock: WriterLock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on macOS and Windows."""
    monkeypatch.setattr(builder, "module_command", lambda _: (sys.executable, "-c", SPAWNING))
    writing(catalog, lock, "/a", *texts(5))
    made = made_of_all(catalog, home, lock)
    with closing(VectorIndex(home)) as reader:
        assert found(reader, made) == 5


def test_built_anew_no_index_of_any_identity_holds_what_is_gone(
    catalog: Catalog, home: Home, lock: WriterLock
) -> None:
    """Also that of a re-embedding that was killed before its swap."""
    coming = replace(IDENTITY, digest="coming")
    gone = writing(catalog, lock, "/a", *texts(3))
    writing(catalog, lock, "/b", *texts(2, start=10))
    with catalog.write(lock) as db:
        indexing.set_next_identity(db, coming)
        for keys, rows in list(vectors.live(db, IDENTITY.key, 9)):
            vectors.put(db, coming.key, keys, rows)
    made = [
        publish_generations(catalog, home, lock, [(0, 1), (1, 2)], identity.key)
        for identity in (IDENTITY, coming)
    ]
    with catalog.write(lock) as db:
        forget(db, gone)
    build_anew(catalog, home, lock)
    with catalog.read() as db:
        assert all(generations.dead(db, g) == 0 for g in indexing.generations(db))
        assert {g.name for g in indexing.generations(db)} == {of[1].name for of in made}
    kept = {p.name for p in (home.root / "indexes" / "vector").glob("*/*/")}
    assert kept == {of[1].name for of in made}


def test_one_that_seemed_damaged_is_tried_again_later(
    catalog: Catalog, home: Home, lock: WriterLock, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing(catalog, lock, "/a", *texts(3))
    made = made_of_all(catalog, home, lock)
    looked: list[bool] = [False, True]
    monkeypatch.setattr(generations, "is_sound", lambda *_: looked.pop(0))
    with closing(VectorIndex(home)) as reader:
        assert found(reader, made) == found(reader, made) == 0
        assert looked == [True], "it was looked at once"
        monkeypatch.setattr(generations, "_LOOK_AGAIN", 0.0)
        assert found(reader, made) == 3


def test_one_commit_is_never_cut(
    catalog: Catalog, home: Home, lock: WriterLock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publish, "LARGEST", 4)
    for number, size in enumerate((1, 9, 1)):
        writing(catalog, lock, f"/{number}", *texts(size, start=10 * number))
    made = publish_generations(catalog, home, lock, [all_commits(catalog)])
    assert [(g.commits, g.vectors) for g in made] == [((0, 2), 10), ((2, 3), 1)]


def test_of_commits_whose_chunks_are_all_gone_nothing_is_made(
    catalog: Catalog, home: Home, lock: WriterLock
) -> None:
    gone = writing(catalog, lock, "/a", *texts(3))
    writing(catalog, lock, "/b", *texts(3, start=10))
    old, kept = publish_generations(catalog, home, lock, [(0, 1), (1, 2)])
    with catalog.write(lock) as db:
        forget(db, gone)
    assert wanted(catalog) == [old.commits]
    follow_all(catalog, home, lock, at_end=True)
    assert published(catalog) == [kept]
    assert folders(home) == {kept.name}
    assert wanted(catalog) == []


@pytest.mark.parametrize(
    ("held", "last", "expected"),
    [
        ([], 0, []),
        ([], 3, [(0, 3)]),
        ([(0, 3)], 3, []),
        ([(2, 3), (5, 6)], 7, [(0, 2), (3, 5), (6, 7)]),
    ],
)
def test_gaps_are_what_no_generation_holds(
    held: list[Commits], last: int, expected: list[Commits]
) -> None:
    assert gaps(held, last) == expected


# ----------------------------------------------------------------- when a new one is due


def test_a_folder_rag_where_the_program_was_started_is_no_part_of_what_builds(
    catalog: Catalog, home: Home, lock: WriterLock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rag").mkdir()
    (tmp_path / "rag" / "__init__.py").write_text("raise SystemExit('not ours')")
    monkeypatch.chdir(tmp_path)
    writing(catalog, lock, "/a", *texts(5))
    made_of_all(catalog, home, lock)
    assert len(list(home.vector_index(IDENTITY.key).glob("*/chroma.sqlite3"))) == 1


def test_an_empty_library_needs_no_generation(catalog: Catalog) -> None:
    assert wanted(catalog) == []


@pytest.mark.parametrize(("count", "expected"), [(5_000, []), (5_001, [(0, 1)])])
def test_the_first_generation_is_made_above_5000_chunks_at_the_end_of_a_run(
    catalog: Catalog, lock: WriterLock, count: int, expected: list[Commits]
) -> None:
    writing(catalog, lock, "/a", *texts(count))
    assert wanted(catalog) == expected
    assert wanted(catalog, at_end=False) == []


@pytest.mark.parametrize(("tail", "expected"), [(5_000, []), (5_001, [(0, 2)])])
def test_a_tail_above_5000_chunks_is_due_at_the_end_of_a_run(
    catalog: Catalog, lock: WriterLock, tail: int, expected: list[Commits]
) -> None:
    writing(catalog, lock, "/a", *texts(10))
    fake_row(catalog, lock, 1, 10)
    writing(catalog, lock, "/b", *texts(tail, start=10_000))
    assert wanted(catalog) == expected, "with the small one before it"
    assert wanted(catalog, at_end=False) == []


def test_a_tail_of_a_large_library_counts_by_its_share(
    catalog: Catalog, lock: WriterLock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publish, "TAIL_AT_END", (500, *publish.TAIL_AT_END[1:]))
    writing(catalog, lock, "/a", *texts(12_000))
    fake_row(catalog, lock, 1, 12_000)
    writing(catalog, lock, "/b", *texts(600, start=20_000))
    assert wanted(catalog) == []  # 600 of 12,600: 4.8 %
    writing(catalog, lock, "/c", *texts(100, start=30_000))
    assert wanted(catalog) == [(1, 3)]  # 700 of 12,700: 5.5 %


def test_a_generation_that_is_small_beside_what_is_new_is_made_anew_with_it(
    catalog: Catalog, lock: WriterLock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publish, "TAIL_AT_END", (5, 0.05, 50))
    monkeypatch.setattr(publish, "LARGEST", 200)
    sizes = (150, 40, 10)
    for number, size in enumerate(sizes, start=1):
        writing(catalog, lock, f"/{number}", *texts(size, start=1000 * number))
        fake_row(catalog, lock, number, size, after=number - 1)
    writing(catalog, lock, "/late", *texts(15, start=9000))
    assert wanted(catalog) == [(1, 4)], "15 takes in 10, 25 takes in 40; 150 is full"
    monkeypatch.setattr(publish, "_ABSORBED", 0.5)
    assert wanted(catalog) == [(3, 4)]


def test_many_small_ones_are_made_into_one_at_the_end_of_a_run(
    catalog: Catalog, lock: WriterLock
) -> None:
    for number in range(1, 7):
        writing(catalog, lock, f"/{number}", *texts(3, start=10 * number))
        fake_row(catalog, lock, number, 3, after=number - 1)
    assert wanted(catalog) == [(0, 6)]
    assert wanted(catalog, at_end=False) == []


def test_those_that_are_more_than_half_full_are_left_alone_however_many(
    catalog: Catalog, lock: WriterLock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publish, "LARGEST", 10)
    for number in range(1, 10):
        size = 6 if number < 9 else 3
        writing(catalog, lock, f"/{number}", *texts(size, start=10 * number))
        fake_row(catalog, lock, number, size, after=number - 1)
    assert wanted(catalog) == []


def test_during_a_run_what_is_new_is_indexed_alone(
    catalog: Catalog, lock: WriterLock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publish, "TAIL_WITHIN_RUN", (5, 0.25, 50))
    writing(catalog, lock, "/a", *texts(6))
    fake_row(catalog, lock, 1, 6)
    writing(catalog, lock, "/b", *texts(6, start=100))
    assert wanted(catalog, at_end=False) == [(1, 2)]


def test_a_generation_with_more_than_30_percent_dead_is_due(
    catalog: Catalog, lock: WriterLock
) -> None:
    writing(catalog, lock, "/a", *texts(70))
    gone = writing(catalog, lock, "/b", *texts(30, start=100))
    commits = fake_row(catalog, lock, 2, 100)
    with catalog.write(lock) as db:
        forget(db, gone)
    assert wanted(catalog) == []
    with catalog.write(lock) as db:
        put(db, "/a", *texts(69), keep=True)
    assert wanted(catalog) == [commits]


def test_new_chunks_do_not_make_up_for_dead_ones(catalog: Catalog, lock: WriterLock) -> None:
    gone = writing(catalog, lock, "/a", *texts(60))
    writing(catalog, lock, "/b", *texts(40, start=100))
    commits = fake_row(catalog, lock, 2, 100)
    with catalog.write(lock) as db:
        forget(db, gone)
        put(db, "/c", *texts(60, start=200))
    assert wanted(catalog) == [commits]


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
            return [i for i, _ in reader.at(db, reader.pin(catalog)).search(query, 5, None)]

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

    pinned = reader.pin(catalog)
    with ThreadPoolExecutor(1) as writer:
        if not snapshot_first:
            writer.submit(replaced).result()
        with catalog.read() as db:
            assert chunks.count(db) == 1  # a snapshot begins with what it first reads
            if snapshot_first:
                writer.submit(replaced).result()
            found = reader.at(db, pinned).search("gauge", 5, None)
    assert [i for i, _ in found] == [1 if snapshot_first else 2]
