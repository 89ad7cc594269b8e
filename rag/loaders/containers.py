"""Which format a zip or OLE container holds, by the list of what is in it.

Knows nothing of how the formats are read.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING

from rag.loaders.archive import Archive, damaged, needs_password
from rag.loaders.formats import OLE, unsupported

if TYPE_CHECKING:
    from olefile import OleFileIO

_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")

_MIME_TYPES = (
    ("application/epub+zip", "epub"),
    ("application/vnd.oasis.opendocument.text", "odt"),
    ("application/vnd.oasis.opendocument.spreadsheet", "ods"),
    ("application/vnd.oasis.opendocument.presentation", "odp"),
)
# Formats by the beginning of the names of their parts, the special before the general.
_PARTS = (
    ("word/", "docx"),
    ("ppt/", "pptx"),
    ("xl/workbook.bin", "xlsb"),
    ("xl/", "xlsx"),
    ("META-INF/container.xml", "epub"),
)
_APPLE = {".pages": "Apple Pages", ".numbers": "Apple Numbers", ".key": "Apple Keynote"}

_STREAMS = (
    ("WordDocument", "doc"),
    ("PowerPoint Document", "ppt"),
    ("Workbook", "xls"),
    ("Book", "xls"),
    ("__properties_version1.0", "msg"),
)
# What olefile lets through from a damaged file besides its own error, which is an OSError.
TROUBLE = (
    ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError, struct.error,
)  # fmt: skip


def format_of(path: Path, head: bytes) -> str | None:
    """The name of the format (a key of FORMATS), None if the file is no container.

    Raises `Unsupported` for a container of something else, `Damaged` and `NeedsPassword`.
    """
    if head.startswith(_ZIP):
        return _in_zip(path)
    if head.startswith(OLE):
        return _in_ole(path)
    return None


def _in_zip(path: Path) -> str:
    with Archive(path) as archive:
        stated = archive.read("mimetype").decode("latin-1") if "mimetype" in archive else ""
        for start, name in _MIME_TYPES:
            if stated.startswith(start):
                return name
        for start, name in _PARTS:
            if any(part.replace("\\", "/").startswith(start) for part in archive.names):
                return name
        if [part for part in archive.names if part.endswith(".fb2")] == list(archive.names):
            return "fb2"
    if kind := _APPLE.get(path.suffix.lower()):
        raise unsupported(path, kind, "save it as PDF and add that.")
    raise unsupported(path, "a zip archive", "unpack it and add the files in it.")


def _in_ole(path: Path) -> str:
    import olefile

    try:
        with olefile.OleFileIO(str(path)) as ole:
            return _in_streams(path, ole)
    except TROUBLE as error:
        raise damaged(path, "it is cut off or changed") from error


def _in_streams(path: Path, ole: OleFileIO) -> str:
    if ole.exists("EncryptedPackage"):
        raise needs_password(path)
    for stream, name in _STREAMS:
        if ole.exists(stream):
            if _is_encrypted(ole, name):
                raise needs_password(path)
            return name
    raise unsupported(path, "an older Office file", "save it as PDF and add that.")


def _is_encrypted(ole: OleFileIO, format: str) -> bool:
    """Whether Word or PowerPoint 97 say so in their first bytes."""
    if format == "doc":
        return bool(ole.openstream("WordDocument").read(12)[11] & 1)
    if format == "ppt" and ole.exists("Current User"):
        token: bytes = ole.openstream("Current User").read(16)[12:16]
        return token == b"\xdf\xc4\xd1\xf3"
    return False
