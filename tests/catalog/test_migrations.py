"""The schema: made fresh, brought forward with a backup, never opened by an older program."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from library import IDENTITY

from rag.catalog import documents, indexing, schema
from rag.catalog.connection import connect, open_catalog
from rag.errors import HomeNotWritable, LibraryDamaged, SchemaTooNew
from rag.paths import Home


def test_a_new_library_gets_every_table_and_no_backup(home: Home) -> None:
    catalog = open_catalog(home)
    with catalog.read() as db:
        assert schema.version(db) == schema.LATEST
        tables = {row[0] for row in db.execute("SELECT name FROM sqlite_schema")}
    catalog.close()
    assert {"documents", "units", "chunks", "vectors", "generations", "removals"} <= tables
    assert not home.backups.exists()


def test_opening_again_changes_nothing(home: Home) -> None:
    open_catalog(home).close()
    with sqlite3.connect(home.database) as db:
        db.execute("UPDATE meta SET value = '7' WHERE key = 'sequence'")
    db.close()
    catalog = open_catalog(home)
    with catalog.read() as rows:
        assert rows.execute("SELECT value FROM meta").fetchone()[0] == "7"
    catalog.close()


def test_a_library_of_a_newer_version_is_left_alone(home: Home) -> None:
    open_catalog(home).close()
    with sqlite3.connect(home.database) as db:
        db.execute(f"PRAGMA user_version = {schema.LATEST + 1}")
    db.close()
    before = home.database.read_bytes()
    with pytest.raises(SchemaTooNew, match=f"schema {schema.LATEST + 1}"):
        open_catalog(home)
    assert home.database.read_bytes() == before


def test_a_backup_with_all_data_is_kept_before_each_step(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_catalog(home).close()
    steps = (*schema.MIGRATIONS, "ALTER TABLE runs ADD COLUMN note TEXT")
    monkeypatch.setattr(schema, "MIGRATIONS", steps)  # the steps of a later version
    monkeypatch.setattr(schema, "LATEST", len(steps))
    with sqlite3.connect(home.database) as db:
        db.execute("INSERT INTO runs (command, started_at) VALUES ('ingest', 'then')")
    db.close()
    open_catalog(home).close()
    (backup,) = home.backups.iterdir()
    for path, columns in ((backup, 5), (home.database, 6)):
        with sqlite3.connect(path) as db:
            (row,) = db.execute("SELECT * FROM runs")
        db.close()
        assert len(row) == columns
        assert row[1] == "ingest"


def test_vectors_stored_before_several_identities_could_be_are_the_librarys_own(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.prepare()
    old = connect(home.database)
    old.executescript(f"PRAGMA journal_mode = WAL; {schema.MIGRATIONS[0]}; PRAGMA user_version = 1")
    old.execute("INSERT INTO meta VALUES ('identity', ?)", (IDENTITY.to_json(),))
    old.execute("INSERT INTO vectors VALUES (?, ?)", (b"a key given then", b"a vector"))
    old.close()
    catalog = open_catalog(home)
    with catalog.read() as db:
        (row,) = db.execute("SELECT * FROM vectors")
        assert tuple(row) == (b"a key given then", IDENTITY.key, b"a vector")
    catalog.close()
    assert len(list(home.backups.iterdir())) == schema.LATEST - 1


@contextmanager
def of_version(
    number: int, home: Home, monkeypatch: pytest.MonkeyPatch
) -> Iterator[sqlite3.Connection]:
    """A library as the program of that version has made it, open to be filled."""
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:number])
        patch.setattr(schema, "LATEST", number)
        open_catalog(home).close()
    with closing(sqlite3.connect(home.database)) as db, db:
        yield db


def test_a_library_of_the_first_version_keeps_its_documents(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with of_version(1, home, monkeypatch) as db:
        db.execute(
            "INSERT INTO documents (id, path, name, sha256, size, mtime_ns, outcome, reader, "
            "chunker, sequence, updated_at) VALUES ('d', '/a', 'a', '0', 1, 1, 'added', 'r', "
            "'c', 1, 'then')"
        )
    catalog = open_catalog(home)
    with catalog.read() as rows:
        (document,) = documents.all_documents(rows)
    catalog.close()
    assert (document.path, document.container, document.date, document.language) == (
        "/a", None, None, None,
    )  # fmt: skip
    assert len(list(home.backups.iterdir())) == schema.LATEST - 1


def test_of_generations_that_each_held_all_before_them_the_newest_stays(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with of_version(5, home, monkeypatch) as db:
        for name, identity, sequence in (("a", "x", 3), ("b", "x", 9), ("c", "y", 5)):
            row = (name, identity, sequence, 7, '{"f": [1, 2]}', "then")
            db.execute("INSERT INTO generations VALUES (?, ?, ?, ?, ?, ?)", row)
    catalog = open_catalog(home)
    with catalog.read() as rows:
        assert indexing.generations(rows) == [
            indexing.Generation("c", "y", (0, 5), 7), indexing.Generation("b", "x", (0, 9), 7)
        ]  # fmt: skip
    catalog.close()


def test_a_step_that_fails_leaves_the_library_as_it_was(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_catalog(home).close()
    steps = (*schema.MIGRATIONS, "CREATE TABLE extra (x TEXT); SELECT * FROM not_there")
    monkeypatch.setattr(schema, "MIGRATIONS", steps)
    monkeypatch.setattr(schema, "LATEST", len(steps))
    with pytest.raises(sqlite3.OperationalError):
        open_catalog(home)
    db = connect(home.database)
    assert db.execute("PRAGMA user_version").fetchone()[0] == len(steps) - 1
    assert not db.execute("SELECT * FROM sqlite_schema WHERE name = 'extra'").fetchall()
    db.close()


def test_a_damaged_library_is_named_and_not_overwritten(home: Home) -> None:
    home.database.write_bytes(b"this is no database, but it might have been somebody's\n" * 100)
    before = home.database.read_bytes()
    with pytest.raises(LibraryDamaged) as caught:
        open_catalog(home)
    assert str(home.database) in caught.value.message
    assert home.database.read_bytes() == before


def test_a_home_that_cannot_be_made_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeNotWritable, match="cannot be written"):
        open_catalog(Home(tmp_path / "file" / "home"))


def test_a_home_without_write_permission_is_said_so(tmp_path: Path, unprivileged) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    with unprivileged(), pytest.raises(HomeNotWritable) as caught:
        open_catalog(Home(folder))
    assert "RAG_HOME" in caught.value.hint
