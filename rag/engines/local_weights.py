"""Weights in files of this machine, as the FROM and ADAPTER lines of a Modelfile name them.

A GGUF file, the parts of one, or a folder with safetensors and their configuration. Which files of a
folder belong to a model is as Ollama's own command has it. Knows nothing of servers.
"""

from __future__ import annotations

from pathlib import Path

from rag.errors import BadModelfile

_PATH_STARTS = ("./", "../", "/", "~", ".\\", "..\\", "\\")
_WEIGHTS = (".gguf", ".safetensors")
_CONFIGURATION = ("*.json", "*/*.json", "chat_template.jinja", "tokenizer.model",
                  "*/tokenizer.model")  # fmt: skip
_POINTER = b"version https://git-lfs"


def local_files(source: str, folder: Path) -> dict[str, Path] | None:
    """The files that a FROM or ADAPTER line names, by the names that a server is to know them by.

    `folder`: of the Modelfile; relative paths start there. None: the line names a model, no files.
    Raises `BadModelfile` where the files are missing, or are no weights.
    """
    try:
        files = _found(source, folder / Path(source).expanduser())
        for name, file in (files or {}).items():
            _check(name, file)
    except (OSError, RuntimeError) as error:  # not ours to read; or ~somebody who is not there
        raise BadModelfile(
            source, f"{source} cannot be read: {error}.", "Check the path and its permissions."
        ) from error
    return files


def _found(source: str, path: Path) -> dict[str, Path] | None:
    if path.is_dir():
        files = _of_folder(path)
    elif "*" in source:
        files = {p.name: p for p in sorted(path.parent.glob(path.name))}
    elif path.is_file():
        files = {path.name: path}
    elif source.startswith(_PATH_STARTS) or source.endswith(_WEIGHTS):
        files = {}
    else:
        return None
    if not files:
        raise BadModelfile(
            source,
            f"There are no weights at {path}.",
            "Paths in a Modelfile start from its own folder. Wanted is a .gguf file, or a folder "
            "with .safetensors files and config.json.",
        )
    return files


def _of_folder(folder: Path) -> dict[str, Path]:
    """Weights of one kind; with safetensors go the files that describe them."""
    patterns = ["model*.safetensors", "*.safetensors", "*.gguf"]
    weights = next(filter(None, (sorted(folder.glob(pattern)) for pattern in patterns)), [])
    if weights and weights[0].suffix == ".safetensors":
        weights += sorted(folder.glob("*/model*.safetensors"))
        weights += [p for pattern in _CONFIGURATION for p in sorted(folder.glob(pattern))]
    return {p.relative_to(folder).as_posix(): p for p in weights}


def _check(name: str, file: Path) -> None:
    """That a file is what its name says. Raises `BadModelfile`."""
    with file.open("rb") as opened:
        start = opened.read(len(_POINTER))
    if name.endswith((".json", ".jinja", "tokenizer.model")):
        return
    if start == _POINTER:
        raise BadModelfile(
            name,
            f"{file} is a placeholder of Git LFS, not the weights themselves.",
            "Fetch them in the folder where they come from: git lfs pull",
        )
    safetensors = name.endswith(".safetensors") and start[8:9] == b"{"
    if not safetensors and not start.startswith(b"GGUF"):
        raise BadModelfile(
            name,
            f"{file} holds neither GGUF nor safetensors.",
            "Convert it first, or name the file or folder that has the weights.",
        )
