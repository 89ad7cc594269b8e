"""Which files are there: hidden ones aside, what cannot be looked at named, nothing guessed."""

import os
from pathlib import Path

import pytest

from rag.errors import NothingToIngest, PathNotFound, VouchError
from rag.ingest.discover import Discovery, discover

NOWHERE = Path("/nowhere")


def make(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def names(found: Discovery, root: Path) -> list[str]:
    return [os.path.relpath(file.path, root) for file in found.files]


def test_every_file_below_a_folder_is_found_in_order(tmp_path: Path) -> None:
    make(tmp_path, "b.txt", "a.md", "sub/deep/c.pdf")
    found = discover([tmp_path], NOWHERE)
    assert names(found, tmp_path) == ["a.md", "b.txt", "sub/deep/c.pdf"]
    assert found.folders == (str(tmp_path),)
    first = found.files[0]
    assert (first.name, first.root, first.size) == ("a.md", str(tmp_path), 4)
    assert first.mtime_ns == (tmp_path / "a.md").stat().st_mtime_ns


@pytest.mark.parametrize(
    "name",
    [
        ".hidden.txt",
        ".git/config",
        "~$report.docx",
        "Thumbs.db",
        "desktop.ini",
        "__pycache__/x.pyc",
    ],
)
def test_hidden_and_foreign_files_are_left_aside(tmp_path: Path, name: str) -> None:
    make(tmp_path, "a.txt", name)
    assert names(discover([tmp_path], NOWHERE), tmp_path) == ["a.txt"]


def test_a_hidden_file_that_is_named_is_meant(tmp_path: Path) -> None:
    make(tmp_path, ".hidden.txt")
    assert names(discover([tmp_path / ".hidden.txt"], NOWHERE), tmp_path) == [".hidden.txt"]


def test_the_library_itself_is_left_out(tmp_path: Path) -> None:
    make(tmp_path, "a.txt", "home/library.db", "home/files/upload")
    assert names(discover([tmp_path], leave_out=tmp_path / "home"), tmp_path) == ["a.txt"]


def test_a_file_named_twice_is_found_once_and_belongs_to_its_folder(tmp_path: Path) -> None:
    make(tmp_path, "a.txt")
    found = discover([tmp_path, tmp_path / "a.txt", tmp_path], NOWHERE)
    assert [file.root for file in found.files] == [str(tmp_path)]


def test_a_file_named_by_itself_belongs_to_no_folder(tmp_path: Path) -> None:
    make(tmp_path, "a.txt")
    found = discover([tmp_path / "a.txt"], NOWHERE)
    assert (found.files[0].root, found.folders) == (None, ())


def test_a_relative_path_becomes_absolute_and_links_are_not_resolved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, "real/a.txt")
    (tmp_path / "link").symlink_to("real")
    monkeypatch.chdir(tmp_path)
    (file,) = discover([Path("link/../link")], NOWHERE).files
    assert file.path == str(tmp_path / "link" / "a.txt")


@pytest.mark.parametrize("name", ["missing", "missing/deeper.txt", "a.txt/below-a-file"])
def test_a_path_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    make(tmp_path, "a.txt")
    with pytest.raises(PathNotFound, match=name):
        discover([tmp_path / "a.txt", tmp_path / name], NOWHERE)


def test_a_name_too_long_for_the_disk_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PathNotFound):
        discover([tmp_path / ("x" * 300)], NOWHERE)


@pytest.mark.parametrize("inside", [(), ("empty/sub",), (".hidden",)])
def test_a_folder_without_files_is_said_so(tmp_path: Path, inside: tuple[str, ...]) -> None:
    for name in inside:
        (tmp_path / name).mkdir(parents=True)
    with pytest.raises(NothingToIngest, match=str(tmp_path)) as caught:
        discover([tmp_path], NOWHERE)
    assert "rag documents remove" in caught.value.hint


def test_pipes_and_sockets_are_no_files(tmp_path: Path) -> None:
    make(tmp_path, "a.txt")
    os.mkfifo(tmp_path / "pipe")
    assert names(discover([tmp_path], NOWHERE), tmp_path) == ["a.txt"]


def test_a_link_that_leads_nowhere_is_named_and_does_not_stop_the_rest(tmp_path: Path) -> None:
    make(tmp_path, "a.txt")
    (tmp_path / "broken").symlink_to("gone")
    (tmp_path / "loop").symlink_to("loop")
    found = discover([tmp_path], NOWHERE)
    assert names(found, tmp_path) == ["a.txt"]
    assert sorted(path for path, _ in found.unreadable) == [
        str(tmp_path / "broken"), str(tmp_path / "loop"),
    ]  # fmt: skip
    assert {error.code for _, error in found.unreadable} == {"unreadable"}


def test_a_folder_that_may_not_be_opened_is_named_and_does_not_stop_the_rest(
    tmp_path: Path, unprivileged
) -> None:
    make(tmp_path, "a.txt", "closed/b.txt")
    (tmp_path / "closed").chmod(0)
    try:
        with unprivileged():
            found = discover([tmp_path], NOWHERE)
    finally:
        (tmp_path / "closed").chmod(0o700)
    assert names(found, tmp_path) == ["a.txt"]
    ((path, error),) = found.unreadable
    assert path == str(tmp_path / "closed")
    assert "Permission denied" in error.message


def test_a_folder_without_a_proper_name_that_may_not_be_opened_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, "a.txt")
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")
    Path(odd).mkdir()
    scan = os.scandir

    def refused(path: str) -> object:
        if path == odd:
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(os, "scandir", refused)
    found = discover([tmp_path], NOWHERE)
    assert names(found, tmp_path) == ["a.txt"]
    ((path, error),) = found.unreadable
    assert path == str(tmp_path / "caf\ufffd")
    assert "not valid UTF-8" in error.message and error.message.encode()


def test_a_path_below_a_closed_folder_is_an_error_of_ours(tmp_path: Path, unprivileged) -> None:
    make(tmp_path, "closed/b.txt")
    (tmp_path / "closed").chmod(0)
    try:
        with unprivileged(), pytest.raises(VouchError, match=r"b\.txt"):
            discover([tmp_path / "closed" / "b.txt"], NOWHERE)
    finally:
        (tmp_path / "closed").chmod(0o700)


def test_a_folder_without_files_beside_others_is_no_place_to_miss_files_from(
    tmp_path: Path,
) -> None:
    """It may be where a drive belongs that is not mounted."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.txt").write_text("there")
    (tmp_path / "mount").mkdir()
    found = discover([tmp_path / "docs", tmp_path / "mount"], NOWHERE)
    assert found.folders == (str(tmp_path / "docs"),)
