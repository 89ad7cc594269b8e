"""A document that was removed is gone: looked for everywhere, and where it is left that is said."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from conftest import NOWHERE
from program import Ran, run_here

from rag.assistant import Assistant, open_assistant
from rag.config import load_settings
from rag.indexes.generations import VectorIndex, current
from rag.moving import export
from rag.occurring import occurring
from rag.paths import Home
from rag.proof import Certificate

SECRET = "The vault below the chandlery opens with the nineteenth brass key."
UPLOADED = "The bilge pump of the tender was overhauled in the week of the spring tides."
TEXTS = {
    "secret.md": f"# Vault\n\n{SECRET}",
    "tide.md": "# Tide\n\nThe wrack line moves twice a day.",
    "copy-of-tide.md": "# Tide\n\nThe wrack line moves twice a day.",
}


@pytest.fixture
def assistant(tmp_path: Path, generations_soon: None) -> Iterator[Assistant]:
    """A library of three files, two of them alike, and an upload."""
    settings = load_settings(
        {"home": tmp_path / "home", "engine": "embedded", "ollama_host": NOWHERE}, {}
    )
    folder = tmp_path / "files"
    folder.mkdir()
    for name, text in TEXTS.items():
        (folder / name).write_text(text)
    with closing(open_assistant(settings)) as opened:
        list(opened.ingest(opened.plan([folder])))
        name = opened.store_upload("log.md", f"# Log\n\n{UPLOADED}".encode())
        list(opened.ingest(opened.plan_uploads([name])))
        yield opened


def removed(assistant: Assistant, *names: str) -> Certificate:
    ids = [d.id for d in assistant.documents() if d.name in names]
    assert len(ids) == len(names)
    return assistant.remove_with_proof(ids)[1]


def found(certificate: Certificate) -> list[str]:
    return [place for probe in certificate.probes for place in probe.found]


def holding(root: Path, text: str) -> set[str]:
    """The files below a folder that have a text, found in another way than the product does."""
    return {
        path.relative_to(root).as_posix()
        for path in root.rglob("*")
        if path.is_file() and text.encode() in path.read_bytes()
    }


def test_nothing_of_a_removed_document_is_left_and_its_backup_is_named(
    assistant: Assistant,
) -> None:
    home = assistant.settings.home
    (backup,) = Home(home).backups.iterdir()
    certificate = removed(assistant, "secret.md", "log.md")
    assert found(certificate) == []
    assert certificate.clean
    assert all(probe.tried for probe in certificate.probes)
    for text in (SECRET, UPLOADED[10:50]):
        assert holding(home, text) <= {backup.relative_to(home).as_posix()}
    assert certificate.copies == (str(backup),)
    assert certificate.command == f"rm -- {backup}"
    assert list(Home(home).uploads.iterdir()) == []
    assert all(SECRET not in hit.chunk.text for hit in assistant.search(SECRET).hits)


def test_words_that_a_document_which_stays_has_too_are_not_held_against_it(
    assistant: Assistant,
) -> None:
    certificate = removed(assistant, "tide.md")
    assert certificate.clean
    assert assistant.search("wrack line").hits[0].chunk.name == "copy-of-tide.md"


def test_the_last_document_leaves_no_index_behind(assistant: Assistant) -> None:
    certificate = removed(assistant, "log.md", *TEXTS)
    assert certificate.clean, found(certificate)
    vectors = assistant.settings.home / "indexes" / "vector"
    assert not [p for p in vectors.glob("*/*") if p.is_dir()]


def test_a_copy_that_lies_about_in_the_folder_is_found(assistant: Assistant) -> None:
    stray = assistant.settings.home / "notes.txt"
    stray.write_text(f"I noted: {SECRET}")
    certificate = removed(assistant, "secret.md")
    assert found(certificate) == [str(stray)]
    assert not certificate.clean


def test_an_export_in_the_folder_is_named_as_a_copy(assistant: Assistant) -> None:
    home = assistant.settings.home
    export(assistant.settings, home / "backup.vouch", lambda *_: None)
    certificate = removed(assistant, "secret.md")
    assert str(home / "backup.vouch") in certificate.copies
    assert certificate.clean


def test_an_archive_deeper_in_the_folder_is_looked_into(assistant: Assistant) -> None:
    lost = assistant.settings.home / "lost" / "notes.zip"
    lost.parent.mkdir()
    with zipfile.ZipFile(lost, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("notes.txt", f"As was said: {SECRET}")
    certificate = removed(assistant, "secret.md")
    assert not certificate.clean
    assert str(lost) in found(certificate)


def test_to_look_at_the_files_of_an_open_library_lets_go_of_none_of_its_locks(
    tmp_path: Path,
) -> None:
    file = tmp_path / "library.db"
    with closing(sqlite3.connect(file)) as held:
        held.executescript("PRAGMA journal_mode = WAL; CREATE TABLE t (x)")
        held.execute("SELECT * FROM t").fetchall()
        log = tmp_path / "library.db-wal"
        assert occurring([file, log, tmp_path / "library.db-shm"], [b"CREATE TABLE"])[log]
        write = (
            "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('INSERT INTO t VALUES (1)')"
        )
        subprocess.run([sys.executable, "-c", write, str(file)], check=True)
        assert log.exists(), "the other process took the log away: it saw no lock"


def test_an_index_that_another_process_has_open_is_named(assistant: Assistant) -> None:
    reader = VectorIndex(Home(assistant.settings.home))
    with assistant._catalog.read() as db:
        (published,) = current(db)
    with reader.reading([published]) as there:
        assert there.generations
        certificate = removed(assistant, "secret.md")
    (left,) = found(certificate)
    assert published.name in left and "rag ingest" in left
    reader.close()


def test_a_page_that_was_open_shows_nothing_of_it_any_more(assistant: Assistant) -> None:
    document = next(d for d in assistant.documents() if d.name == "secret.md")
    assert assistant.holds(document.id, document.sha256)
    removed(assistant, "secret.md")
    assert not assistant.holds(document.id, document.sha256)
    assert assistant.picture(document.id, document.sha256, 1, (0, 5)) is None


# --------------------------------------------------------------------------- the command


@pytest.fixture
def command(assistant: Assistant, monkeypatch: pytest.MonkeyPatch,
            capsys: pytest.CaptureFixture[str]):  # fmt: skip
    def run(name: str, certificate: Path) -> Ran:
        (path,) = (d.path for d in assistant.documents() if d.name == name)
        settings = ("--home", str(assistant.settings.home), "--engine", "embedded", "--yes")
        arguments = ["documents", "remove", path, "--certificate", str(certificate), *settings]
        return run_here(arguments, monkeypatch, capsys)

    return run


def test_the_certificate_is_written_for_programs_and_for_people(command, tmp_path: Path) -> None:
    ran = command("secret.md", tmp_path / "gone.json")
    assert ran.code == 0
    assert "Older copies" in ran.err
    written = json.loads((tmp_path / "gone.json").read_text())
    assert written["clean"] is True
    assert [d["path"] for d in written["documents"]] == [str(tmp_path / "files" / "secret.md")]
    assert written["remove_copies"].startswith("rm -- ")
    assert command("tide.md", tmp_path / "gone.md").code == 0
    text = (tmp_path / "gone.md").read_text()
    assert "Nothing of it was found." in text and "| chunks | catalog | 1 | 0 |" in text


def test_something_left_has_an_exit_code_of_its_own(
    command, assistant: Assistant, tmp_path: Path
) -> None:
    stray = assistant.settings.home / "notes.txt"
    stray.write_text(f"I noted: {SECRET}")
    ran = command("secret.md", tmp_path / "gone.md")
    assert ran.code == 34
    assert f"- pieces of text: `{stray}`" in (tmp_path / "gone.md").read_text()


@pytest.mark.parametrize("name", ["gone.txt", "nowhere/gone.md"])
def test_a_certificate_that_cannot_be_written_removes_nothing(
    command, assistant: Assistant, tmp_path: Path, name: str
) -> None:
    before = len(assistant.documents())
    assert command("secret.md", tmp_path / name).code == 2
    assert len(assistant.documents()) == before


def test_a_backup_without_it_is_not_named(assistant: Assistant) -> None:
    home = Home(assistant.settings.home)
    (backup,) = home.backups.iterdir()
    removed(assistant, "secret.md")
    backup.unlink()
    shutil.copy(home.database, backup)
    assert removed(assistant, "tide.md").copies == (str(backup),)
    assert holding(home.backups, SECRET) == set()
