"""Settings, the library's folder, damage of every part, and who holds the lock."""

from __future__ import annotations

import ctypes
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from conftest import DATA
from test_locks import another_process

from rag.catalog import schema
from rag.loaders import tesseract
from rag.paths import Home
from tests.pictures import needs_tesseract, written

from .desk import Desk

Unprivileged = Callable[[], AbstractContextManager[None]]


def truncate(path: Path) -> None:
    """Leave the first half of a file, as a failing disk does."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


# --------------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("name", "value", "command"),
    [
        ("RAG_NUM_CTX", "many", "unset RAG_NUM_CTX"),
        ("RAG_NUM_CTX", "600", "unset RAG_NUM_CTX"),  # too little for num_predict as it is
        ("OLLAMA_NUM_PARALLEL", "0", "unset RAG_NUM_PARALLEL OLLAMA_NUM_PARALLEL"),
        ("RAG_ENGINE", "steam", "unset RAG_ENGINE"),
    ],
)
def test_a_wrong_setting_of_the_environment_is_named_and_left_out(
    desk: Desk, name: str, value: str, command: str
) -> None:
    desk.environ[name] = value
    found = desk.examine()
    assert found["bad_setting"].status == "problem"
    assert value in found["bad_setting"].message
    assert found["bad_setting"].command == command
    assert "disk" in found  # it went on
    desk.assert_mended(found["bad_setting"])


def test_a_wrong_setting_of_the_file_goes_and_the_others_stay(desk: Desk) -> None:
    desk.home.mkdir()
    file = desk.home / "rag.toml"
    file.write_text('chat_model = "mistral"\nchat_modle = "llama"\npassages = 3\n')
    found = desk.examine()["bad_setting"]
    assert "unknown setting 'chat_modle'" in found.message
    assert "Did you mean chat_model?" in found.advice
    desk.assert_mended(found)
    assert file.read_text() == 'chat_model = "mistral"\npassages = 3\n'


def test_a_file_that_is_not_toml_is_to_be_put_aside(desk: Desk) -> None:
    desk.home.mkdir()
    (desk.home / "rag.toml").write_text("chat_model = mistral\n")
    found = desk.examine()["bad_setting"]
    assert "is not valid TOML" in found.message
    desk.assert_mended(found)
    assert (desk.home / "rag.toml.wrong").exists()


# --------------------------------------------------------------------------- the folder


def test_a_folder_without_a_library_is_no_fault(desk: Desk) -> None:
    found = desk.examine()["no_library"]
    assert (found.status, found.command) == ("note", "rag ingest ~/Documents")
    documents = desk.home.parent / "Documents"
    documents.mkdir()
    (documents / "tea.md").write_text("# Tea\n\nThe kettle boils in four minutes.")
    desk.environ["RAG_ENGINE"] = "embedded"
    desk.assert_mended(found)


def test_a_folder_that_may_not_be_written_is_named(
    filled: Desk, unprivileged: Unprivileged
) -> None:
    filled.home.chmod(0o500)
    with unprivileged():
        found = filled.examine()["home_not_writable"]
    assert found.status == "problem"
    assert f"chmod -R u+rwX {filled.home}" in found.command
    filled.shell(found.command.replace("sudo ", ""))
    with unprivileged():
        assert "home_not_writable" not in filled.examine()


def test_a_library_file_that_may_not_be_read_is_named(
    filled: Desk, unprivileged: Unprivileged
) -> None:
    database = Home(filled.home).database
    database.chmod(0)
    with unprivileged():
        found = filled.examine()["library_unreadable"]
        assert found.command == f"chmod u+rw {database}"
        filled.assert_mended(found)


def test_a_folder_behind_a_closed_door_is_named(tmp_path: Path, unprivileged: Unprivileged) -> None:
    (tmp_path / "closed").mkdir(mode=0)
    desk = Desk(tmp_path / "home")
    desk.environ["RAG_HOME"] = str(tmp_path / "closed" / "home")
    with unprivileged():
        found = desk.examine()
    assert found["home_not_writable"].status == "problem"
    assert "no_library" not in found


def test_a_settings_file_that_may_not_be_read_gets_its_permission_back(
    desk: Desk, unprivileged: Unprivileged
) -> None:
    desk.home.mkdir()
    (desk.home / "rag.toml").write_text("passages = 3\n")
    (desk.home / "rag.toml").chmod(0)
    with unprivileged():
        found = desk.examine()["settings_unreadable"]
        assert found.command == f"chmod u+r {desk.home / 'rag.toml'}"
        desk.assert_mended(found)


@contextmanager
def dead_network_folder(mount: Path) -> Iterator[None]:
    """A file system of sshfs whose other end has gone: every look into it fails."""
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        device = os.open("/dev/fuse", os.O_RDWR)
    except OSError:
        pytest.skip("there is no /dev/fuse here")
    mount.mkdir()
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0"
    mounted = libc.mount(b"desk:/home", bytes(mount), b"fuse.sshfs", 0, options.encode())
    os.close(device)
    if mounted != 0:
        pytest.skip(f"nothing can be mounted here: {os.strerror(ctypes.get_errno())}")
    try:
        yield
    finally:
        libc.umount2(bytes(mount), 2)


def test_a_folder_on_a_network_is_named_and_not_looked_into(desk: Desk) -> None:
    with dead_network_folder(desk.home):
        found = desk.examine()
        assert found["network_home"].status == "problem"
        assert "(fuse.sshfs)" in found["network_home"].message
        assert found["network_home"].command == 'export RAG_HOME="$HOME/vouch"'
        assert "no_library" not in found
        desk.assert_mended(found["network_home"])


# --------------------------------------------------------------------------- the library


@pytest.mark.parametrize("deep", [False, True])
def test_a_whole_library_is_said_to_be(filled: Desk, deep: bool) -> None:
    found = filled.examine(deep=deep)
    assert "nothing wrong with them" in found["library"].message
    assert {finding.status for finding in found.values()} == {"ok"}


def test_pages_that_ocr_could_read_are_told_until_it_has_tried(
    filled: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = filled.home.parent / "scan.png"
    written("The heron stands in the reeds").save(scan)
    filled.shell(f"rag ingest --no-ocr {scan}")
    with monkeypatch.context() as patch:
        patch.setattr(tesseract, "installed", lambda: None)
        found = filled.examine()["ocr_missing"]
        assert found.message.startswith("1 page unread")
        assert "install" in found.command
    needs_tesseract()
    found = filled.examine()
    assert "ocr_missing" not in found
    filled.assert_mended(found["ocr_waiting"])
    assert "in eng" in filled.examine()["ocr"].message


def test_languages_that_tesseract_lacks_are_told_with_their_package(filled: Desk) -> None:
    needs_tesseract()
    found = filled.examine("export RAG_OCR_LANGUAGES=eng,tlh")["ocr_languages_missing"]
    assert "names tlh" in found.message
    assert found.command == "sudo apt-get install tesseract-ocr-tlh"


def test_a_damaged_library_is_moved_away_by_what_is_advised(filled: Desk) -> None:
    shutil.rmtree(Home(filled.home).backups)
    truncate(Home(filled.home).database)
    found = filled.examine()
    assert found["library_damaged"].status == "problem"
    assert "library" not in found
    filled.assert_mended(found["library_damaged"])
    assert (filled.home / "damaged" / "library.db").exists()
    assert "no_library" in filled.examine()


def test_a_file_that_is_no_database_is_damage(filled: Desk) -> None:
    shutil.rmtree(Home(filled.home).backups)
    Home(filled.home).database.write_bytes(b"not a database " * 1000)
    assert "library_damaged" in filled.examine()


def test_a_page_that_was_overwritten_is_found_though_the_library_opens(filled: Desk) -> None:
    with Home(filled.home).database.open("r+b") as file:
        file.seek(4096 * 20)
        file.write(b"\xff" * 4096)
    assert "library_damaged_backup" in filled.examine()


def test_a_damaged_library_with_a_copy_gets_the_copy_back(filled: Desk) -> None:
    home = Home(filled.home)
    for number in (2, 3):
        copy = home.backups / f"library-00000{number}-20250101T00000{number}Z.db"
        shutil.copy(home.database, copy)
    truncate(home.database)
    found = filled.examine()["library_damaged_backup"]
    assert str(copy) in found.message
    filled.assert_mended(found)
    assert "nothing wrong" in filled.examine()["library"].message


def test_a_library_of_a_newer_version_is_told_from_a_damaged_one(filled: Desk) -> None:
    with sqlite3.connect(Home(filled.home).database) as db:
        db.execute(f"PRAGMA user_version = {schema.LATEST + 1}")
    db.close()
    found = filled.examine()
    assert found["library_newer"].command == "pip install --upgrade vouch-rag"
    assert "library_damaged" not in found


def generation(home: Path) -> Path:
    (folder,) = (p for p in (home / "indexes" / "vector").glob("*/*") if p.is_dir())
    return folder


def test_a_damaged_vector_index_is_built_anew_by_what_is_advised(filled: Desk) -> None:
    (file,) = generation(filled.home).rglob("data_level0.bin")
    truncate(file)
    found = filled.examine()["vector_index_damaged"]
    assert found.status == "warning"
    assert found.command.startswith(f"rag ingest {DATA}")
    filled.assert_mended(found)


def test_a_vector_index_that_is_gone_is_damage(filled: Desk) -> None:
    shutil.rmtree(generation(filled.home))
    assert "vector_index_damaged" in filled.examine()


@pytest.mark.parametrize("files", ["meta.json", "*.term", "*.store"])
def test_a_damaged_keyword_index_is_built_anew_by_what_is_advised(filled: Desk, files: str) -> None:
    for file in Home(filled.home).keyword_index.glob(files):
        truncate(file)
    found = filled.examine()["keyword_index_damaged"]
    assert found.status == "warning"
    assert found.command.startswith(f"rag ingest {DATA}")
    filled.assert_mended(found)


def test_a_keyword_index_that_is_gone_is_built_anew_by_what_is_advised(filled: Desk) -> None:
    shutil.rmtree(Home(filled.home).keyword_index)
    found = filled.examine()["keyword_index_gone"]
    assert found.status == "warning"
    filled.assert_mended(found)


def test_embedded_weights_that_changed_ask_for_a_reindex(filled: Desk) -> None:
    with sqlite3.connect(Home(filled.home).database) as db:
        db.execute("UPDATE meta SET value = replace(value, '\"dims\": 384', '\"dims\": 383')")
    db.close()
    found = filled.examine()["embed_model_changed"]
    assert "all-minilm-l6-v2" in found.message
    assert found.command == "rag reindex"
    assert "embed_model_changed" not in filled.examine(f"{found.command} --yes")


def test_whoever_holds_the_lock_is_named_and_nothing_waits_for_him(filled: Desk) -> None:
    with another_process(Home(filled.home).writer_lock) as process:
        found = filled.examine()
        assert found["library_busy"].status == "note"
        assert f"process {process.pid} on" in found["library_busy"].message
        assert "(rag ingest)" in found["library_busy"].message
        assert found["library_busy"].command == f"ps -fp {process.pid}"
        assert str(process.pid) in filled.shell(found["library_busy"].command)
        assert "library" in found
    assert "library_busy" not in filled.examine()
