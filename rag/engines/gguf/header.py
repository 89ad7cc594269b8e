"""The header of a GGUF file: what a model says of itself, read without running anything.

Format: docs/gguf.md of the ggml project. The package `gguf` reads it too, but takes seconds and
700 MB for a vocabulary of today's size, and raises whatever comes on a damaged file. Here every
length is compared with what is left of the file before it is believed, and a file that is not as it
should be is a ValueError.

Knows nothing of models.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_STRING, _ARRAY = 8, 9
NUMBERS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q",
            11: "<q", 12: "<d"}  # fmt: skip
_MOST_DIMENSIONS = 4
_MOST_BYTES = 64 << 20  # of one name, text or array
_MOST_KEPT = 1024  # of an array: one number a layer is kept, a vocabulary is not


@dataclass(frozen=True, slots=True)
class Header:
    """The metadata of a file (an array of a whole vocabulary is its length), and its tensors."""

    facts: Mapping[str, Any]
    tensors: int

    @property
    def architecture(self) -> str:
        return str(self.facts.get("general.architecture", ""))

    def fact(self, name: str) -> Any:
        """`<architecture>.<name>`, None where the file does not say."""
        return self.facts.get(f"{self.architecture}.{name}")


def read_header(path: Path) -> Header:
    """Raises ValueError, saying what is wrong, for a file that is no whole GGUF; OSError."""
    with path.open("rb") as file:
        reader = Reader(file, path.stat().st_size)
        if reader.take(4) != _MAGIC:
            raise ValueError("it is no GGUF file")
        version = reader.number("<I")
        if version not in _VERSIONS:
            raise ValueError(f"its version of GGUF ({version}) is not one of {_VERSIONS}")
        tensors, facts = reader.number("<Q"), reader.number("<Q")
        header = Header(dict(reader.fact() for _ in range(facts)), tensors)
        last = max((reader.tensor() for _ in range(tensors)), default=0)
        if tensors and last >= reader.left:
            raise ValueError("it is cut off: its last tensors are missing")
    return header


class Reader:
    """Reads on from the beginning of a file; `left` are its bytes still to come."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self.left = size

    def take(self, count: int) -> bytes:
        data = self._file.read(count) if count <= min(self.left, _MOST_BYTES) else b""
        if len(data) < count:
            raise ValueError("it is cut off, or its header is damaged")
        self.left -= count
        return data

    def number(self, form: str) -> Any:
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def string(self) -> str:
        return self.take(self.number("<Q")).decode("utf-8", "replace")

    def fact(self) -> tuple[str, Any]:
        return self.string(), self._value(self.number("<I"))

    def tensor(self) -> int:
        """Where its data begin, counted from the end of the header."""
        self.string()
        dimensions = self.number("<I")
        if dimensions > _MOST_DIMENSIONS:
            raise ValueError("a tensor in it has too many dimensions")
        self.take(8 * dimensions + 4)  # the dimensions, and the type
        return int(self.number("<Q"))

    def _value(self, kind: int) -> Any:
        if kind == _STRING:
            return self.string()
        if kind == _ARRAY:
            return self._array(self.number("<I"), self.number("<Q"))
        return self.number(_form(kind))

    def _array(self, kind: int, count: int) -> Any:
        if kind == _STRING:
            for _ in range(count):
                self.take(self.number("<Q"))
            return count
        form = _form(kind)
        data = self.take(struct.calcsize(form) * count)
        if count > _MOST_KEPT:
            return count
        return list(struct.unpack(f"<{count}{form[1]}", data))


def _form(kind: int) -> str:
    """How a number of a kind lies in the file; an array in an array is none."""
    if kind not in NUMBERS:
        raise ValueError(f"it has metadata of the unknown kind {kind}")
    return NUMBERS[kind]
