"""CRC-32 of files that are too large to be read at once."""

from __future__ import annotations

import zlib
from typing import IO

_PIECE = 2**20  # bytes read at once: many threads do so side by side


def crc32(file: IO[bytes], start: int, length: int) -> int:
    """That of so many bytes of an open file, or of as many as there are."""
    checksum = 0
    file.seek(start)
    for done in range(0, length, _PIECE):
        checksum = zlib.crc32(file.read(min(_PIECE, length - done)), checksum)
    return checksum
