"""The table of formats this version reads, and the reader string kept with each document.

To add a format: write `rag/loaders/<name>.py` with `read(path) -> Reading` and add one line to
FORMATS. Imports none of the packages that do the reading, so asking for versions costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from rag.errors import Unsupported
from rag.loaders import libreoffice
from rag.types import Unit


class Reading(NamedTuple):
    """What a format's reader found in a file; the fields are those of `LoadedDocument`."""

    title: str | None
    units: tuple[Unit, ...]
    date: str | None = None
    language: str | None = None
    members: tuple[str, ...] = ()
    hidden_characters: int = 0


@dataclass(frozen=True, slots=True)
class Format:
    """A format: its name, what people call it, its module in this folder, who does the reading.

    `suffixes`: those that make any text a file of this format; none where content alone decides.
    Raise `revision` whenever the same file would give another text: its documents are read anew.
    """

    name: str
    revision: int
    called: str
    module: str
    packages: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()


_CODE = tuple(
    ".asm .awk .bash .bat .c .cc .clj .cmake .cpp .cs .css .cu .cxx .d .dart .erl .ex .exs .f .f90 "
    ".fs .go .gradle .groovy .h .hpp .hs .hxx .ini .java .jl .js .jsx .kt .kts .less .lisp .lua .m "
    ".mjs .ml .mm .nim .pas .php .pl .pm .proto .ps1 .py .pyi .pyx .r .rb .rs .scala .scm .scss .sh "
    ".sql .swift .tcl .tf .toml .ts .tsx .v .vb .vhd .vue .yaml .yml .zig .zsh".split()
)
_HTML = ("selectolax", "chardet")

# fmt: off
FORMATS: dict[str, Format] = {
    f.name: f
    for f in (
        Format("pdf", 2, "PDF", "pdf", ("pypdfium2", "pypdf")),
        Format("image", 1, "images (png, jpg, tiff, bmp, webp, gif)", "image", ("pillow",)),
        Format("docx", 1, "docx", "docx"),
        Format("pptx", 1, "pptx", "pptx"),
        Format("xlsx", 1, "xlsx", "spreadsheet", ("python-calamine",)),
        Format("xlsb", 1, "xlsb", "spreadsheet", ("python-calamine",)),
        Format("xls", 1, "xls", "spreadsheet", ("python-calamine",)),
        Format("doc", 1, "doc", "office97"),
        Format("ppt", 1, "ppt", "office97"),
        Format("odt", 1, "odt", "odt"),
        Format("ods", 1, "ods", "spreadsheet", ("python-calamine",)),
        Format("odp", 1, "odp", "odp"),
        Format("eml", 1, "eml", "eml", _HTML, (".eml",)),
        Format("mbox", 1, "mbox", "mbox", _HTML),
        Format("msg", 1, "msg", "msg", ("olefile", *_HTML)),
        Format("epub", 1, "EPUB", "epub", _HTML),
        Format("html", 2, "HTML", "html", _HTML, (".html", ".htm", ".xhtml", ".xht")),
        Format("mhtml", 1, "mhtml", "mhtml", _HTML),
        Format("markdown", 2, "Markdown", "markdown", ("markdown-it-py", *_HTML),
               (".md", ".markdown", ".mdown", ".mkd")),
        Format("rst", 1, "reStructuredText", "rst", ("chardet",), (".rst", ".rest")),
        Format("org", 2, "Org", "org", ("chardet",), (".org",)),
        Format("tex", 1, "LaTeX", "tex", ("chardet",), (".tex", ".latex", ".ltx")),
        Format("ipynb", 1, "Jupyter notebooks", "ipynb", ("markdown-it-py", *_HTML), (".ipynb",)),
        Format("rtf", 1, "rtf", "rtf"),
        Format("csv", 1, "csv", "delimited", ("chardet",), (".csv", ".tsv", ".tab")),
        Format("json", 1, "json", "json_values", ("chardet",),
               (".json", ".jsonl", ".ndjson", ".geojson")),
        Format("xml", 1, "xml", "xml_text", ("chardet",),
               (".xml", ".xsd", ".xsl", ".xslt", ".rss", ".atom", ".svg", ".rdf", ".opml", ".wsdl")),
        Format("fb2", 2, "FictionBook (fb2)", "fb2", ("chardet",)),
        Format("code", 1, "source code", "code", ("chardet",), _CODE),
        Format("text", 2, "plain text", "plain", ("chardet",), (".txt", ".text")),  # and the rest
    )
}
# fmt: on

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""The first bytes of the container that Office 97-2003 and Outlook use."""
READS = "This version reads PDF, Office, OpenDocument, e-mail, EPUB, HTML, Markdown and text"


def unsupported(path: Path, name: str, advice: str) -> Unsupported:
    """The error for a file that is known to be something which is not read."""
    return Unsupported(
        str(path), f"{path.name} is {name}, which is not read.", f"{READS}; {advice}"
    )


@cache
def reader_version(format: str) -> str:
    """Name and versions of what reads `format`, like `pdf/1 pypdfium2 5.15.2 pypdf 7.1.0`.

    Raises KeyError for a name that is not in FORMATS.
    """
    entry = FORMATS[format]
    by = [f"{package} {version(package)}" for package in entry.packages]
    if target := libreoffice.TARGETS.get(format):
        by += [libreoffice.version(), reader_version(target)] if libreoffice.program() else []
    return " ".join([f"{entry.name}/{entry.revision}", *by])


def current_readers() -> dict[str, str]:
    """The reader string of every format, by format name: what a document read today would carry."""
    return {name: reader_version(name) for name in FORMATS}
