"""What goes through the pipes between the program and its reading process.

A frame is two lengths (32 bits each), a JSON object and a block of bytes: character maps or a
picture. The child may have been taken over by a crafted file, so nothing in a frame is executed,
sizes are checked before memory is taken, and a frame of a wrong form is a ValueError.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import IO, Any, NamedTuple, get_args

from rag.errors import LOAD_ERRORS, LoadError
from rag.types import LoadedDocument, Unit, UnitState

MAX_FRAME = 256 << 20
_LENGTHS = struct.Struct(">II")


class Frame(NamedTuple):
    message: dict[str, Any]
    block: bytes = b""


def send(stream: IO[bytes], frame: Frame) -> None:
    """Write a frame. Raises ValueError, writing nothing, if it is over MAX_FRAME; OSError."""
    text = json.dumps(frame.message, ensure_ascii=False).encode("utf-8", "surrogatepass")
    if len(text) + len(frame.block) > MAX_FRAME:
        raise ValueError("a frame is too long")
    stream.write(_LENGTHS.pack(len(text), len(frame.block)) + text)
    stream.write(frame.block)
    stream.flush()


def receive(stream: IO[bytes]) -> Frame | None:
    """Read a frame; None at the end of the stream. Raises ValueError for a wrong one; OSError."""
    lengths = stream.read(_LENGTHS.size)
    if len(lengths) < _LENGTHS.size:
        return None
    text_length, block_length = _LENGTHS.unpack(lengths)
    if text_length + block_length > MAX_FRAME:
        raise ValueError("a frame is too long")
    data = stream.read(text_length + block_length)
    if len(data) < text_length + block_length:
        return None
    try:
        message = json.loads(data[:text_length].decode("utf-8", "surrogatepass"))
    except RecursionError as error:
        raise ValueError("a frame is nested too deeply") from error
    if type(message) is not dict:
        raise ValueError("a frame holds no object")
    return Frame(message, data[text_length:])


def pack_document(document: LoadedDocument) -> Frame:
    units = [
        [u.number, u.kind, u.label, u.text, u.headings, u.state, len(u.char_map)]
        for u in document.units
    ]
    message = {"format": document.format, "title": document.title, "reader": document.reader}
    return Frame({**message, "units": units}, b"".join(u.char_map for u in document.units))


def unpack_document(frame: Frame) -> LoadedDocument:
    """The document in a reply. Raises ValueError if it is none."""
    try:
        message = frame.message
        units = []
        start = 0
        for number, kind, label, text, headings, state, length in message["units"]:
            end = start + _natural(length)
            path = tuple(_text(heading) for heading in headings)
            if state not in get_args(UnitState):
                raise ValueError("a unit has an unknown state")
            place = (_natural(number), _text(kind), _text(label))
            units.append(Unit(*place, _text(text), path, state, frame.block[start:end]))
            start = end
        title = None if message["title"] is None else _text(message["title"])
        return LoadedDocument(
            _text(message["format"]), title, tuple(units), _text(message["reader"])
        )
    except (KeyError, TypeError) as error:
        raise ValueError("a reply is no document") from error


def pack_error(error: LoadError) -> Frame:
    return Frame({"error": [error.code, error.message, error.hint]})


def unpack_error(frame: Frame, path: Path) -> LoadError | None:
    """The error in a reply about `path`, if it is one. Raises ValueError for a wrong form."""
    if "error" not in frame.message:
        return None
    try:
        code, message, hint = (_text(part) for part in frame.message["error"])
        kind: type[LoadError] = LoadError if code == LoadError.code else LOAD_ERRORS[code]
    except (KeyError, TypeError) as error:
        raise ValueError("a reply holds an unknown error") from error
    return kind(str(path), message, hint)


def _text(value: object) -> str:
    if type(value) is not str:
        raise ValueError("a reply has something else in the place of a text")
    if not value.isascii():
        value.encode()  # a lone surrogate is a UnicodeEncodeError, so a ValueError
    return value


def _natural(value: object) -> int:
    if type(value) is not int or not 0 <= value < 1 << 31:
        raise ValueError("a reply has something else in the place of a number")
    return value
