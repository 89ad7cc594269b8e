"""Which format a file has: by its content first, by its name second.

A signature in the first bytes decides, whatever the file is called. Without one the name chooses
between the text formats, and what no format claims (source code, CSV, JSON, XML, logs) is plain
text. Known formats that this version does not read are refused by name.

Knows nothing of how formats are read.
"""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from rag.errors import Unsupported
from rag.loaders.formats import FORMATS, READS

HEAD = 1024
"""How many bytes of a file `sniff` wants; a PDF's signature may stand anywhere in them."""

_BY_SUFFIX = {suffix: f.name for f in FORMATS.values() for suffix in f.suffixes}

_HTML = re.compile(
    r"(?:\s|<\?xml[^>]*>|<!--.*?-->)*<(?:!doctype\s+html|html)[\s>]", re.IGNORECASE | re.DOTALL
)

_SAVE_AS_PDF = "save it as PDF and add that."
_EXPORT = "export it as HTML or text and add that."
_OCR = "make a PDF with a text layer of it (OCR) and add that."
_UNPACK = "unpack it and add the files in it."
_NO_TEXT = "there is no text in it to search."

# Formats known by their first bytes: (start of the file, name, what to do).
_SIGNATURES = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Microsoft Office 97-2003", _SAVE_AS_PDF),
    (b"{\\rtf", "RTF", _SAVE_AS_PDF),
    (b"%!PS", "PostScript", _SAVE_AS_PDF),
    (b"AT&TFORM", "DjVu", _OCR),
    (b"\x89PNG\r\n\x1a\n", "a PNG picture", _OCR),
    (b"\xff\xd8\xff", "a JPEG picture", _OCR),
    (b"GIF87a", "a GIF picture", _OCR),
    (b"GIF89a", "a GIF picture", _OCR),
    (b"II*\x00", "a TIFF picture", _OCR),
    (b"MM\x00*", "a TIFF picture", _OCR),
    (b"\x1f\x8b", "a gzip archive", _UNPACK),
    (b"BZh", "a bzip2 archive", _UNPACK),
    (b"\xfd7zXZ\x00", "an xz archive", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _UNPACK),
    (b"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive", _UNPACK),
    (b"SQLite format 3\x00", "an SQLite database", _EXPORT),
    (b"PAR1", "Parquet", _EXPORT),
    (b"!BDN", "an Outlook mailbox", _EXPORT),
    (b"\x7fELF", "a program", _NO_TEXT),
    (b"MZ\x90\x00", "a program", _NO_TEXT),
    (b"ID3", "sound", _NO_TEXT),
    (b"OggS", "sound", _NO_TEXT),
    (b"fLaC", "sound", _NO_TEXT),
)

# What a container is, or a text that is not for reading, by the file's suffix.
_NAMED = {
    ".docx": ("Word (docx)", _SAVE_AS_PDF),
    ".pptx": ("PowerPoint (pptx)", _SAVE_AS_PDF),
    ".xlsx": ("Excel (xlsx)", _SAVE_AS_PDF),
    ".xlsb": ("Excel (xlsb)", _SAVE_AS_PDF),
    ".odt": ("OpenDocument (odt)", _SAVE_AS_PDF),
    ".ods": ("OpenDocument (ods)", _SAVE_AS_PDF),
    ".odp": ("OpenDocument (odp)", _SAVE_AS_PDF),
    ".epub": ("EPUB", _SAVE_AS_PDF),
    ".pages": ("Apple Pages", _SAVE_AS_PDF),
    ".numbers": ("Apple Numbers", _SAVE_AS_PDF),
    ".key": ("Apple Keynote", _SAVE_AS_PDF),
    ".doc": ("Word (doc)", _SAVE_AS_PDF),
    ".xls": ("Excel (xls)", _SAVE_AS_PDF),
    ".ppt": ("PowerPoint (ppt)", _SAVE_AS_PDF),
    ".msg": ("an Outlook message", _SAVE_AS_PDF),
}
# What the first member of a zip container tells.
_IN_ZIP = (
    (b"[Content_Types].xml", "an Office document (docx, pptx or xlsx)"),
    (b"mimetypeapplication/epub", "EPUB"),
    (b"mimetypeapplication/vnd.oasis", "an OpenDocument file"),
)
_NAMED_TEXTS = {
    ".eml": ("an e-mail message", _SAVE_AS_PDF),
    ".mbox": ("a mailbox", _EXPORT),
    ".mht": ("a web archive (mht)", "save it as HTML and add that."),
    ".mhtml": ("a web archive (mhtml)", "save it as HTML and add that."),
    ".ipynb": ("a Jupyter notebook", "export it as HTML or Markdown and add that."),
    ".fb2": ("FictionBook", _SAVE_AS_PDF),
}


def sniff(path: Path, head: bytes) -> str:
    """The name of the format (a key of FORMATS) of a file starting with `head`, HEAD bytes of it.

    Raises `Unsupported`, naming the format, for those that this version does not read.
    """
    suffix = path.suffix.lower()
    if b"%PDF-" in head:
        return "pdf"
    _refuse_known(path, head, suffix)
    if _HTML.match(_as_text(head)):
        return "html"
    if suffix == ".pdf" and b" obj" not in head:
        return "text"  # a page of an error saved under the name of a PDF, for example
    return _BY_SUFFIX.get(suffix, "text")


def _refuse_known(path: Path, head: bytes, suffix: str) -> None:
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        raise _unsupported(path, *_NAMED.get(suffix, _zip_kind(head)))
    for start, name, advice in _SIGNATURES:
        if head.startswith(start):
            raise _unsupported(path, *_NAMED.get(suffix, (name, advice)))
    if head[:4] == b"RIFF" or head[4:8] == b"ftyp":
        raise _unsupported(path, "a picture, sound or film", _NO_TEXT)
    if suffix in _NAMED_TEXTS:
        raise _unsupported(path, *_NAMED_TEXTS[suffix])


def _zip_kind(head: bytes) -> tuple[str, str]:
    for sign, name in _IN_ZIP:
        if sign in head:
            return name, _SAVE_AS_PDF
    return "a zip archive", _UNPACK


def _unsupported(path: Path, name: str, advice: str) -> Unsupported:
    return Unsupported(
        str(path), f"{path.name} is {name}, which is not read.", f"{READS}; {advice}"
    )


def _as_text(head: bytes) -> str:
    """The head as far as it shows markup: every other byte of UTF-16 is enough for that."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return head.decode("utf-16", "replace").lstrip("\ufeff")
    return head.removeprefix(codecs.BOM_UTF8).decode("latin-1")
