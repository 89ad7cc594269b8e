"""Rich text as Outlook stores it: compressed by LZFu ([MS-OXRTFCP]).

Knows nothing of what the text says.
"""

from __future__ import annotations

import struct

_HEADER = struct.Struct("<IIII")
_COMPRESSED, _STORED = 0x75465A4C, 0x414C454D
_WINDOW = 4096
# The text that every window of compressed RTF begins with ([MS-OXRTFCP] 2.1.2.1).
_BEGIN = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript "
    rb"\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0"
    b"\r\n"
    rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)


def unpacked(data: bytes) -> bytes:
    """RTF as Outlook stores it, decompressed; b"" where it is something else."""
    if len(data) < _HEADER.size:
        return b""
    _, size, kind, _ = _HEADER.unpack_from(data)
    if kind == _STORED:
        return data[_HEADER.size : _HEADER.size + size]
    return _decompressed(data[_HEADER.size :], size) if kind == _COMPRESSED else b""


def _decompressed(data: bytes, size: int) -> bytes:
    """LZFu: after each byte of flags come eight bytes or places in the window, of 2 to 17 bytes."""
    window = bytearray(_BEGIN.ljust(_WINDOW, b" "))
    out = bytearray()
    at = 0
    while at < len(data) and len(out) < size:
        flags = data[at]
        at += 1
        for bit in range(8):
            if flags >> bit & 1:
                place = int.from_bytes(data[at : at + 2], "big")
                start, length = place >> 4, (place & 0xF) + 2
                if start == (len(_BEGIN) + len(out)) % _WINDOW:
                    return bytes(out)
                at += 2
            else:
                start, length = -1, 1
            for i in range(length):
                byte = window[(start + i) % _WINDOW] if start >= 0 else data[at]
                window[(len(_BEGIN) + len(out)) % _WINDOW] = byte
                out.append(byte)
            at += start < 0
    return bytes(out)
