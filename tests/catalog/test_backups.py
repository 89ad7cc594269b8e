"""Backups of the catalog: when one is made, of what moment, which are kept, how one comes back."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from library import Library, forget, put, writing

from rag import restoring
from rag.catalog import backups, chunks, documents, replacing
from rag.catalog.backups import Backup, back_up
from rag.catalog.connection import Catalog, open_catalog
from rag.errors import LibraryDamaged, UsageError
from rag.locks import WriterLock
from rag.paths import Home
from tests.small_disk import mounted


def names(catalog: Path) -> set[str]:
    with closing(sqlite3.connect(catalog)) as db:
        return {row[0] for row in db.execute("SELECT name FROM documents")}


def aged(backup: Backup, by: timedelta) -> None:
    """The same backup, made so much earlier."""
    stamp = (backup.made - by).strftime("%Y%m%dT%H%M%SZ")
    backup.path.rename(backup.path.with_name(f"library-{backup.number:06}-{stamp}.db"))


def age_all(home: Home, by: timedelta = timedelta(days=1)) -> None:
    for backup in backups.listed(home.backups):
        aged(backup, by)


def overwrite_page(path: Path, page: int) -> None:
    with path.open("r+b") as file:
        file.seek(4096 * page)
        file.write(b"\xff" * 4096)


def fill(catalog: Catalog, lock: WriterLock, count: int) -> None:
    with catalog.write(lock) as db:
        for number in range(count):
            put(db, f"/{number}.txt", f"The tide table of harbour {number}. " * 40)
    catalog.checkpoint()


def test_a_backup_is_made_once_a_day_and_the_last_ones_are_kept(
    catalog: Catalog, home: Home, lock: WriterLock
) -> None:
    for day in range(5):
        writing(catalog, lock, f"/{day}.txt", f"Day {day}.")
        made = back_up(catalog, home.backups, 3)
        assert made is not None and made.path is not None
        assert back_up(catalog, home.backups, 3) is None
        age_all(home)
    kept = [names(backup.path) for backup in backups.listed(home.backups)]
    assert [len(one) for one in kept] == [5, 4, 3]


def test_no_backup_is_made_where_none_is_wanted(
    catalog: Catalog, home: Home, lock: WriterLock
) -> None:
    assert back_up(catalog, home.backups, 0) is None
    assert not home.backups.exists()


@pytest.mark.parametrize("years", [-4, 4])
def test_a_clock_that_was_wrong_neither_stops_backups_nor_makes_an_old_one_the_newest(
    catalog: Catalog, home: Home, lock: WriterLock, years: int
) -> None:
    writing(catalog, lock, "/old.txt", "Old.")
    back_up(catalog, home.backups, 2)
    age_all(home, timedelta(days=365 * years))
    writing(catalog, lock, "/new.txt", "New.")
    made = back_up(catalog, home.backups, 2)
    assert made is not None
    newest = backups.listed(home.backups)[0]
    assert str(newest.path) == made.path
    assert names(newest.path) == {"old.txt", "new.txt"}


def test_a_backup_is_of_one_moment_however_busy_the_writer_is(
    catalog: Catalog, home: Home, lock: WriterLock, tmp_path: Path
) -> None:
    fill(catalog, lock, 2000)
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            with catalog.write(lock) as db:  # two files that are only ever there together
                for half in ("left", "right"):
                    put(db, f"/{number}-{half}.txt", f"The {half} half of {number}.")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(3):
            told: list[tuple[int, int]] = []
            target = tmp_path / f"{number}.db"
            catalog.copy_to(target, lambda done, of, told=told: told.append((done, of)))
            assert told[-1][0] == told[-1][1] > 0
            found = names(target)
            left = {name for name in found if "left" in name}
            assert {name.replace("left", "right") for name in left} == {
                name for name in found if "right" in name
            }
    finally:
        stop.set()
        writer.join()


def test_damage_is_never_copied_over_a_backup_that_is_whole(
    catalog: Catalog, home: Home, lock: WriterLock
) -> None:
    fill(catalog, lock, 200)
    back_up(catalog, home.backups, 1)
    age_all(home)
    before = backups.listed(home.backups)
    catalog.close()
    overwrite_page(home.database, 30)
    with pytest.raises(LibraryDamaged) as caught:
        back_up(catalog, home.backups, 1)
    assert "rag library restore" in caught.value.hint
    assert backups.listed(home.backups) == before
    assert sorted(home.backups.iterdir()) == [before[0].path]


def test_a_disk_without_room_for_a_backup_leaves_a_note(tmp_path: Path) -> None:
    from rag.catalog.connection import open_catalog

    with mounted(tmp_path) as disk:
        home = Home(disk.mount / "home")
        with closing(open_catalog(home)) as catalog:
            with WriterLock(home.writer_lock, "a test").acquire() as lock:
                writing(catalog, lock, "/a.txt", "Text.")
                made = back_up(catalog, home.backups, 3)
        assert made is not None and made.path is None
        assert "No backup was made" in made.note
        assert backups.listed(home.backups) == []


def test_room_is_given_back_when_much_is_removed(
    catalog: Catalog, home: Home, lock: WriterLock
) -> None:
    fill(catalog, lock, 4000)
    before = home.database.stat().st_size
    with catalog.write(lock) as db:
        for document in documents.all_documents(db)[:3000]:
            forget(db, document.id)
    assert catalog.give_back(lock) > before / 2
    catalog.checkpoint()
    assert home.database.stat().st_size < before / 2
    assert catalog.give_back(lock) == 0


# --------------------------------------------------------------------------- restoring


def with_backup(library: Library) -> None:
    library.fill({"tea.md": "# Tea\n\nThe kettle boils.", "rope.md": "# Rope\n\nThe rope is wet."})
    assert back_up(library.catalog, library.home.backups, 3) is not None


def test_a_damaged_library_says_how_it_is_restored_and_is(library: Library) -> None:
    with_backup(library)
    library.fill({"late.md": "# Late\n\nThe ferry came late."})
    library.catalog.checkpoint()
    library.catalog.close()
    damaged = library.home.database.read_bytes()[:30000]
    library.home.database.write_bytes(damaged)
    with pytest.raises(LibraryDamaged) as caught:
        library.retriever.search("kettle")
    assert "rag library restore" in caught.value.hint
    done = restoring.restore(library.home, restoring.choose(library.home, None))
    assert (done.standing.documents, done.standing.folders) == (2, (str(library.folder),))
    assert library.found("kettle") >= {"tea.md"}  # by the process that had it open
    assert done.standing.aside is not None
    assert (done.standing.aside / "library.db").read_bytes() == damaged
    assert library.ingest()["late.md"].outcome == "added"
    assert "late.md" in library.found("ferry")


def test_numbers_given_out_after_the_backup_are_never_given_again(library: Library) -> None:
    with_backup(library)
    library.fill({"late.md": "# Late\n\nThe ferry came late."})
    with library.catalog.read() as db:
        last = max(row[0] for row in db.execute("SELECT id FROM chunks"))
        sequence = chunks.sequence(db)
    restoring.restore(library.home, restoring.choose(library.home, None))
    library.fill({"other.md": "# Other\n\nThe lamp went out."})
    with library.catalog.read() as db:
        assert max(row[0] for row in db.execute("SELECT id FROM chunks")) > last
        assert chunks.sequence(db) > sequence


def test_a_damaged_backup_is_passed_over_and_refused_by_name(library: Library) -> None:
    with_backup(library)
    age_all(library.home)
    library.fill({"late.md": "# Late\n\nThe ferry came late."})
    back_up(library.catalog, library.home.backups, 3)
    newest, older = backups.listed(library.home.backups)
    overwrite_page(newest.path, 3)
    assert restoring.choose(library.home, None) == older.path
    with pytest.raises(LibraryDamaged):
        restoring.choose(library.home, Path(newest.path.name))
    older.path.unlink()
    with pytest.raises(UsageError, match="no whole backup"):
        restoring.choose(library.home, None)


def test_a_backup_from_before_a_migration_is_brought_up_to_date(library: Library) -> None:
    from rag.catalog import schema

    with_backup(library)
    (backup,) = backups.listed(library.home.backups)
    old = backups.next_path(library.home.backups, 2)
    with closing(sqlite3.connect(backup.path)) as db:
        for column in ("container", "date", "language", "hidden_characters"):
            db.execute(f"ALTER TABLE documents DROP COLUMN {column}")
        db.execute("DROP INDEX units_not_read")
        db.execute("ALTER TABLE units DROP COLUMN ocr_confidence")
        db.execute("DROP TABLE recognitions")
        db.execute('ALTER TABLE generations DROP COLUMN "after"')
        db.execute("PRAGMA user_version = 2")
        db.commit()
        db.execute("VACUUM INTO ?", (str(old),))
    assert schema.LATEST == 6, "undo the newer steps here as well"
    restoring.restore(library.home, restoring.choose(library.home, old))
    assert library.found("kettle") >= {"tea.md"}


def test_what_is_kept_says_when_it_was_made(catalog: Catalog, home: Home, lock: WriterLock) -> None:
    back_up(catalog, home.backups, 3)
    (backup,) = backups.listed(home.backups)
    assert abs(datetime.now(UTC) - backup.made) < timedelta(minutes=1)
    assert backup.size == backup.path.stat().st_size


@pytest.mark.parametrize("when", ["put_on_disk", "replace"])
def test_a_restore_that_is_cut_off_before_its_swap_loses_nothing(
    library: Library, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    with_backup(library)
    library.fill({"late.md": "# Late\n\nThe ferry came late."})  # it is in the log alone
    with monkeypatch.context() as cut:

        def interrupted(*_: object) -> None:
            raise KeyboardInterrupt

        cut.setattr(replacing if when == "put_on_disk" else Path, when, interrupted)
        with pytest.raises(KeyboardInterrupt):
            restoring.restore(library.home, restoring.choose(library.home, None))
    assert "late.md" in library.found("ferry")  # by the process that had it open
    with closing(Catalog(library.home.database)) as another, another.read() as db:
        assert {d.name for d in documents.all_documents(db)} == {"tea.md", "rope.md", "late.md"}
    assert names(library.home.database) == {"tea.md", "rope.md", "late.md"}
    library.fill({"later.md": "# Later\n\nThe ferry sank."})
    assert names(library.home.database) >= {"late.md", "later.md"}


def test_what_a_kill_at_the_swap_leaves_is_whole_without_its_log(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_backup(library)
    library.fill({"late.md": "# Late\n\nThe ferry came late."})
    seen = []
    replace = Path.replace

    def look(path: Path, target: Path) -> Path:
        if target == library.home.database:  # a kill here leaves the file alone
            copy = shutil.copy(target, library.root / "killed.db")
            seen.append((names(copy), target.with_name(f"{target.name}-wal").exists()))
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", look)
    restoring.restore(library.home, restoring.choose(library.home, None))
    assert seen == [({"tea.md", "rope.md", "late.md"}, False)]


def test_a_catalog_first_read_on_a_full_disk_sees_what_is_committed_later(tmp_path: Path) -> None:
    with mounted(tmp_path) as small:
        home = Home(small.mount / "home")
        with closing(open_catalog(home)) as catalog, catalog.read() as db:
            assert documents.all_documents(db) == []
        small.fill()
        with closing(Catalog(home.database)) as reading:
            with reading.read() as db:
                assert documents.all_documents(db) == []
            small.empty()
            lock = WriterLock(home.writer_lock, "a test")
            with closing(open_catalog(home)) as catalog, lock.acquire():
                writing(catalog, lock, "late.md", "The ferry came late.")
            with reading.read() as db:
                assert [d.name for d in documents.all_documents(db)] == ["late.md"]
