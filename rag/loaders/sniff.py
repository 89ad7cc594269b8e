"""Which format a file has: by its content first, by its name second.

A signature in the first bytes decides, whatever the file is called; for zip and OLE containers the
list of what is in them. Without one the name chooses between the text formats, and what no format
claims (logs, settings, letters) is plain text. Known formats that this version does not read are
refused by name.

Knows nothing of how formats are read.
"""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from rag.loaders import containers
from rag.loaders.formats import FORMATS, unsupported

HEAD = 4096
"""How many bytes of a file `sniff` wants."""
_PDF_WITHIN = 1024  # a PDF's signature may stand anywhere in so many bytes

_BY_SUFFIX = {suffix: f.name for f in FORMATS.values() for suffix in f.suffixes}

_HTML = re.compile(
    r"(?:\s|<\?xml[^>]*>|<!--.*?-->)*<(?:!doctype\s+html|html)[\s>]", re.IGNORECASE | re.DOTALL
)
_FB2 = re.compile(r"\s*(?:<\?xml[^>]*>)?(?:\s|<!--.*?-->)*<FictionBook\b", re.DOTALL)
_NOTEBOOK = re.compile(r'\s*\{\s*"(?:cells"\s*:\s*\[|nbformat"|metadata"[^]]*"kernelspec")')
_HEADER = r"[!-9;-~]+:[^\n]*\n(?:[ \t][^\n]*\n)*"
_MAIL = re.compile(rf"(?:>?From [^\n]*\n)?(?:{_HEADER})+", re.ASCII)
_MBOX = re.compile(rf"From [^\n]*\d{{4}}[^\n]*\n{_HEADER}", re.ASCII)
_OF_MAIL = re.compile(
    r"^(?:received|message-id|mime-version|return-path|delivered-to|from):", re.I | re.M
)
_SENT = re.compile(r"^(?:date|subject|to|received|content-type):", re.I | re.M)
_WEB_ARCHIVE = re.compile(r"^(?:snapshot-content-location:|from: *<saved by )", re.I | re.M)

_SAVE_AS_PDF = "save it as PDF and add that."
_EXPORT = "export it as HTML or text and add that."
_OCR = "make a PDF with a text layer of it (OCR) and add that."
_UNPACK = "unpack it and add the files in it."
_NO_TEXT = "there is no text in it to search."

_IMAGES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"II*\x00", b"MM\x00*")
"""How images begin; two kinds are told otherwise."""
# Formats known by their first bytes: (start of the file, name, what to do).
_SIGNATURES = (
    (b"%!PS", "PostScript", _SAVE_AS_PDF),
    (b"AT&TFORM", "DjVu", _OCR),
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


def sniff(path: Path, head: bytes) -> str:
    """The name of the format (a key of FORMATS) of a file starting with `head`, HEAD bytes of it.

    Looks into the file where it is a container. Raises `Unsupported`, naming the format, for those
    that this version does not read, `Damaged` or `NeedsPassword` for a container that cannot be
    opened.
    """
    if name := containers.format_of(path, head):
        return name
    if b"%PDF-" in head[:_PDF_WITHIN]:
        return "pdf"
    if _is_image(head):
        return "image"
    _refuse_known(path, head)
    return _text_format(path.suffix.lower(), _as_text(head), head)


def _is_image(head: bytes) -> bool:
    if head[:2] == b"BM":  # a bitmap says how long it is, and has two numbers that are always zero
        return len(head) > 26 and head[6:10] == b"\0\0\0\0"
    return head.startswith(_IMAGES) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")


def _refuse_known(path: Path, head: bytes) -> None:
    for start, name, advice in _SIGNATURES:
        if head.startswith(start):
            raise unsupported(path, name, advice)
    if head[:4] == b"RIFF" or head[4:8] == b"ftyp":
        raise unsupported(path, "a picture, sound or film", _NO_TEXT)


def _text_format(suffix: str, text: str, head: bytes) -> str:
    if head.startswith(b"{\\rtf"):
        return "rtf"
    if _HTML.match(text):
        return "html"
    if _FB2.match(text):
        return "fb2"
    if _NOTEBOOK.match(text):
        return "ipynb"
    if name := _kind_of_mail(suffix, text.replace("\r\n", "\n")):
        return name
    if suffix == ".pdf" and b" obj" in head:
        return "pdf"
    return _BY_SUFFIX.get(suffix, "text")


def _kind_of_mail(suffix: str, text: str) -> str | None:
    if _MBOX.match(text):
        return "mbox"
    match = _MAIL.match(text)
    if not match or not (_OF_MAIL.search(match[0]) and _SENT.search(match[0])):
        return None
    web = suffix in (".mht", ".mhtml") or _WEB_ARCHIVE.search(match[0])
    return "mhtml" if web else "eml"


def _as_text(head: bytes) -> str:
    """The head as far as it shows markup: every other byte of UTF-16 is enough for that."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return head.decode("utf-16", "replace").lstrip("\ufeff")
    return head.removeprefix(codecs.BOM_UTF8).decode("latin-1")
