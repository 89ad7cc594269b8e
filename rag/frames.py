"""What goes through the pipes between the program and a process of its own.

A frame is two lengths (32 bits each), a JSON object and a block of bytes. The other side may have
been taken over by a crafted file, so nothing in a frame is executed, sizes are checked before memory
is taken, and a frame of a wrong form is a ValueError.
"""

from __future__ import annotations

import json
import struct
from typing import IO, Any, NamedTuple

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
