"""The table of formats this version reads, and the reader string kept with each document.

To add a format: write `rag/loaders/<name>.py` with `read(path) -> Reading` and add one line to
FORMATS. Imports none of the packages that do the reading, so asking for versions costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import NamedTuple

from rag.types import Unit


class Reading(NamedTuple):
    """What a format's reader found in a file."""

    title: str | None
    units: tuple[Unit, ...]


@dataclass(frozen=True, slots=True)
class Format:
    """A format: its module in this folder, the file suffixes it goes by, who does the reading.

    Raise `revision` whenever the same file would give another text: its documents are read anew.
    """

    name: str
    revision: int
    module: str
    suffixes: tuple[str, ...]
    packages: tuple[str, ...] = ()


# fmt: off
FORMATS: dict[str, Format] = {
    f.name: f
    for f in (
        Format("pdf", 1, "pdf", (".pdf",), ("pypdfium2", "pypdf")),
        Format("html", 1, "html", (".html", ".htm", ".xhtml", ".xht"), ("selectolax", "chardet")),
        Format("markdown", 1, "markdown", (".md", ".markdown", ".mdown", ".mkd"),
               ("markdown-it-py", "selectolax", "chardet")),
        Format("text", 1, "plain", (".txt", ".text"), ("chardet",)),  # also: all that is left
    )
}
# fmt: on

READS = "This version reads PDF, HTML, Markdown and plain text"


@cache
def reader_version(format: str) -> str:
    """Name and versions of what reads `format`, like `pdf/1 pypdfium2 5.15.2 pypdf 7.1.0`.

    Raises KeyError for a name that is not in FORMATS.
    """
    entry = FORMATS[format]
    packages = [f"{package} {version(package)}" for package in entry.packages]
    return " ".join([f"{entry.name}/{entry.revision}", *packages])


def current_readers() -> dict[str, str]:
    """The reader string of every format, by format name: what a document read today would carry."""
    return {name: reader_version(name) for name in FORMATS}
