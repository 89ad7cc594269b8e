"""A library as one file: whole, moved without embedding, and trusted in nothing when it comes in."""

from __future__ import annotations

import json
import shutil
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from conftest import NOWHERE
from program import run_here

from rag.assistant import Assistant, open_assistant
from rag.config import Settings, load_settings
from rag.errors import BadArchive, SchemaTooNew, UsageError
from rag.moving import Exported, export, import_library, read_manifest
from rag.paths import Home

Change = Callable[[dict[str, bytes]], None]


def quiet(what: str, done: int, of: int) -> None:
    pass


def at(home: Path, **more: object) -> Settings:
    return load_settings({"home": home, "engine": "embedded", "ollama_host": NOWHERE, **more}, {})


@pytest.fixture(scope="module")
def exported(samples: Assistant, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """The sample library with an upload in it, as one file."""
    folder = tmp_path_factory.mktemp("exported")
    shutil.copytree(samples.settings.home, folder / "home")
    settings = at(folder / "home")
    (folder / "home" / "rag.toml").write_text(
        '# the secret is rosebud\nollama_host = "http://me:rosebud@10.0.0.1"\n'
        'allow_hosts = ["10.0.0.1"]\npassages = 5\n'
    )
    with closing(open_assistant(settings)) as assistant:
        name = assistant.store_upload("tide.md", b"# Tide\n\nThe wrack line moves twice a day.")
        list(assistant.ingest(assistant.plan_uploads([name])))
    return export(settings, folder / "library.vouch", quiet)


def rewritten(exported: Exported, target: Path, change: Change) -> Path:
    """The archive with other parts; its manifest is the old one unless that is changed too."""
    with zipfile.ZipFile(exported.path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    change(parts)
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return target


def with_catalog(sql: str) -> Change:
    """The catalog changed by a statement, with size and checksum as they should then be."""

    def change(parts: dict[str, bytes]) -> None:
        import hashlib
        import tempfile

        with tempfile.NamedTemporaryFile() as file:
            Path(file.name).write_bytes(parts["library.db"])
            with closing(sqlite3.connect(file.name)) as db:
                db.executescript(sql)
                db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            parts["library.db"] = Path(file.name).read_bytes()
        manifest = json.loads(parts["manifest.json"])
        content = parts["library.db"]
        mark = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        manifest["parts"]["library.db"] = mark
        parts["manifest.json"] = json.dumps(manifest).encode()

    return change


def test_a_library_is_found_whole_on_another_desk_without_embedding_anything(
    exported: Exported,
    samples: Assistant,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    generations_soon: None,
) -> None:
    settings = at(tmp_path / "home")
    done = import_library(settings, exported.path, quiet)
    assert done.model_missing is None
    assert done.standing.aside is None
    with closing(open_assistant(settings)) as assistant:
        assert len(assistant.documents()) == len(samples.documents()) + 1
        assert assistant.status().generation_sequence == assistant.status().sequence
        for question in ("factory reset of the gauge", "wrack line"):
            found = assistant.search(question)
            assert found.notice is None and found.hits
        assert found.hits[0].chunk.path == "upload:tide.md"
        plan = assistant.plan([Path(d.path) for d in samples.documents()])
        assert not plan.load, "its own files are known where they lie at the same place"
    (upload,) = Home(settings.home).uploads.iterdir()
    assert upload.read_bytes().endswith(b"twice a day.")


def test_nothing_private_but_the_documents_is_in_the_file(exported: Exported) -> None:
    with zipfile.ZipFile(exported.path) as archive:
        assert archive.read("rag.toml") == b"passages = 5\n"
        assert all(b"rosebud" not in archive.read(name) for name in archive.namelist())
    assert exported.path.stat().st_mode & 0o077 == 0


def test_a_library_without_its_model_is_searched_by_keywords_and_says_so(
    exported: Exported, tmp_path: Path
) -> None:
    assert exported.manifest.identity is not None
    other = replace(exported.manifest.identity, digest="of another file")
    changed = with_catalog(
        f"UPDATE meta SET value = '{other.to_json()}' WHERE key = 'identity';"
        f"UPDATE vectors SET identity = '{other.key}'"
    )

    def change(parts: dict[str, bytes]) -> None:
        changed(parts)
        manifest = json.loads(parts["manifest.json"])
        manifest["identity"] = asdict(other)
        parts["manifest.json"] = json.dumps(manifest).encode()

    file = rewritten(exported, tmp_path / "x.vouch", change)
    settings = at(tmp_path / "home")
    done = import_library(settings, file, quiet)
    assert done.model_missing is not None and "another one here" in done.model_missing
    with closing(open_assistant(settings)) as assistant:
        found = assistant.search("wrack line")
    assert found.hits[0].chunk.path == "upload:tide.md"
    assert found.notice is not None and "keywords only" in found.notice


def flip(parts: dict[str, bytes]) -> None:
    content = bytearray(parts["library.db"])
    content[len(content) // 2] ^= 1
    parts["library.db"] = bytes(content)


def climb(parts: dict[str, bytes]) -> None:
    name, mark = "../../outside", {"size": 4, "sha256": "0" * 64}
    parts[name] = b"evil"
    manifest = json.loads(parts["manifest.json"])
    manifest["parts"][name] = mark
    parts["manifest.json"] = json.dumps(manifest).encode()


def smuggle(parts: dict[str, bytes]) -> None:
    parts["files/" + "0" * 64] = b"not in the manifest"


def swell(parts: dict[str, bytes]) -> None:
    manifest = json.loads(parts["manifest.json"])
    manifest["parts"]["library.db"]["size"] -= 1
    parts["manifest.json"] = json.dumps(manifest).encode()


def forget_manifest(parts: dict[str, bytes]) -> None:
    del parts["manifest.json"]


def garble_manifest(parts: dict[str, bytes]) -> None:
    parts["manifest.json"] = b'{"form": "vouch-library-1", "parts": 7}'


@pytest.mark.parametrize(
    "change",
    [
        flip,
        climb,
        smuggle,
        swell,
        forget_manifest,
        garble_manifest,
        with_catalog("CREATE TRIGGER t AFTER INSERT ON chunks BEGIN DELETE FROM chunks; END;"),
        with_catalog("CREATE TABLE extra (x)"),
        with_catalog("UPDATE documents SET sha256 = '../../../etc/passwd' WHERE rowid = 1"),
        with_catalog("PRAGMA user_version = 0"),
    ],
    ids=[
        "a flipped bit", "a name that climbs", "a part too many", "a size that is wrong",
        "no manifest", "a manifest of another form", "a trigger", "a table", "a path for a hash",
        "no library",
    ],
)  # fmt: skip
def test_a_file_that_is_not_as_it_was_written_is_refused_and_nothing_changes(
    exported: Exported, tmp_path: Path, change: Change
) -> None:
    file = rewritten(exported, tmp_path / "x.vouch", change)
    home = tmp_path / "inner" / "home"
    with pytest.raises(BadArchive):
        import_library(at(home), file, quiet)
    assert not Home(home).database.exists()
    assert not list(home.glob("importing-*"))
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize("size", [0, 100, 5000])
def test_a_file_that_was_cut_off_is_refused(exported: Exported, tmp_path: Path, size: int) -> None:
    file = tmp_path / "x.vouch"
    file.write_bytes(exported.path.read_bytes()[:size])
    with pytest.raises(BadArchive):
        read_manifest(file)


def test_a_folder_is_no_archive(tmp_path: Path) -> None:
    with pytest.raises(BadArchive):
        read_manifest(tmp_path)


def test_a_library_of_a_newer_version_is_refused(exported: Exported, tmp_path: Path) -> None:
    def change(parts: dict[str, bytes]) -> None:
        manifest = json.loads(parts["manifest.json"])
        manifest["schema"] = 999
        parts["manifest.json"] = json.dumps(manifest).encode()

    with pytest.raises(SchemaTooNew):
        read_manifest(rewritten(exported, tmp_path / "x.vouch", change))


def test_a_library_with_documents_is_replaced_only_where_that_is_said(
    exported: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    settings = at(tmp_path / "home")
    (tmp_path / "own.md").write_text("# Own\n\nThe walnut table is the user's own.")
    with closing(open_assistant(settings)) as assistant:
        list(assistant.ingest(assistant.plan([tmp_path / "own.md"])))
    with pytest.raises(UsageError, match="has documents"):
        import_library(settings, exported.path, quiet)
    arguments = ["library", "import", str(exported.path), "--home", str(settings.home), "--replace"]
    ran = run_here([*arguments, "--engine", "embedded"], monkeypatch, capsys)
    assert (ran.code, "Add --yes" in ran.err) == (2, True), "nobody is there to be asked"
    ran = run_here([*arguments, "--engine", "embedded", "--yes", "--json"], monkeypatch, capsys)
    assert ran.code == 0
    assert ran.json["documents"] == exported.manifest.documents
    with closing(sqlite3.connect(Path(ran.json["aside"]) / "library.db")) as db:
        assert db.execute("SELECT name FROM documents").fetchall() == [("own.md",)]
    with closing(open_assistant(settings)) as assistant:
        assert "own.md" not in {hit.chunk.name for hit in assistant.search("walnut table").hits}


def test_an_export_overwrites_nothing_and_leaves_nothing_half_written(
    exported: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "library.vouch"
    target.write_text("mine")
    with pytest.raises(UsageError, match="there already"):
        export(at(tmp_path / "home"), target, quiet)
    assert target.read_text() == "mine"
    target.unlink()

    class Stopped(Exception):
        pass

    def stop(what: str, done: int, of: int) -> None:
        if what == "Writing":
            raise Stopped

    with pytest.raises(Stopped):
        export(at(exported.path.parent / "home"), target, stop)
    assert sorted(p.name for p in tmp_path.iterdir() if "vouch" in p.name) == []
