"""A Modelfile as the server takes it: fields of `/api/create`, and the files to send first.

The server knows no Modelfiles any more: since 0.5.5 a client takes them apart. Sends nothing itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.engines.local_weights import local_files
from rag.engines.modelfile import Modelfile
from rag.errors import BadModelfile


@dataclass(frozen=True, slots=True)
class Creation:
    """What to make a model from: another model (`base`) or `files`, by the names they go under."""

    base: str | None
    files: Mapping[str, Path]
    adapters: Mapping[str, Path]
    fields: Mapping[str, Any]


def planned(modelfile: Modelfile, folder: Path, quantize: str | None = None) -> Creation:
    """Look up what a Modelfile in `folder` names. Raises `BadModelfile` for what is not there."""
    base: str | None = None
    files: dict[str, Path] = {}
    for source in modelfile.sources:
        found = local_files(source, folder)
        if found is None:
            base = source
        else:
            files |= found
    if base and files:
        raise BadModelfile(
            base,
            f"The Modelfile is made from the model {base} and from files at once.",
            "Keep one kind of FROM line: the name of a model, or the files of one.",
        )
    fields = {
        "from": base,
        "quantize": quantize,
        "template": modelfile.template,
        "system": modelfile.system,
        "parameters": {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in modelfile.parameters.items()
        },
        "messages": [{"role": m.role, "content": m.content} for m in modelfile.messages],
        "license": list(modelfile.licenses),
        "requires": modelfile.requires,
        "renderer": modelfile.renderer,
        "parser": modelfile.parser,
    }
    given = {name: value for name, value in fields.items() if value}
    return Creation(base, files, _adapters(modelfile, folder), given)


def _adapters(modelfile: Modelfile, folder: Path) -> dict[str, Path]:
    """The files of the last ADAPTER line: the server applies one."""
    files: dict[str, Path] = {}
    for adapter in modelfile.adapters[-1:]:
        files = local_files(adapter, folder) or {}
        if not files:
            raise BadModelfile(
                adapter,
                f"There is no adapter at {folder / adapter}.",
                "Name a .gguf file, or a folder with .safetensors files; paths in a Modelfile "
                "start from its own folder.",
            )
    return files


def is_older(version: str, wanted: str) -> bool:
    """Whether a server's version is below another; builds that do not know their own are not."""
    ours, theirs = _numbers(version), _numbers(wanted)
    return any(ours) and ours < theirs


def _numbers(version: str) -> list[int]:
    parts = version.removeprefix("v").partition("-")[0].split(".")
    return [int(part) if part.isdigit() else 0 for part in parts]
