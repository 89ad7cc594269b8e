"""Books of FictionBook (fb2), packed or not: units by the titles of their sections."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

from rag.loaders import markup, stated
from rag.loaders.archive import Archive, damaged
from rag.loaders.encoding import decode
from rag.loaders.formats import Reading
from rag.loaders.sections import Sections, table_lines
from rag.loaders.xml_text import DECLARED, tree

_PARAGRAPHS = {"p", "v", "subtitle", "text-author", "date"}


def read(path: Path) -> Reading:
    """Units of kind `section`. The title is the one in the description.

    Raises `Damaged`, and as `archive.Archive` does for a packed book.
    """
    try:
        root = _root(path)
    except markup.MarkupError as error:
        raise damaged(path, str(error)) from error
    about = root.find("description/title-info")
    about = Element("title-info") if about is None else about
    title = _flat(about.find("book-title"))
    sections = Sections()
    sections.heading(1, title)
    for author in about.iter("author"):
        sections.line(" ".join(_flat(name) for name in author))
    for part in (*about.iter("annotation"), *root.iter("body")):
        for line in _lines(part, 2):
            sections.take(line)
    date = about.find("date")
    return Reading(
        stated.title(title, sections.first_h1),
        sections.units(),
        stated.day(date.get("value") if date is not None else None, _flat(date)),
        stated.language(_flat(about.find("lang"))),
    )


def _root(path: Path) -> Element:
    with path.open("rb") as file:
        data = file.read()
    if data.startswith(b"PK"):
        with Archive(path) as archive:
            data = archive.read(archive.names[0])
    declared = DECLARED.search(data[:200])
    return tree(decode(data, declared[1].decode() if declared else None) or "")


def _lines(element: Element, level: int) -> Iterator[str | tuple[int, str]]:
    for child in element:
        match child.tag:
            case "title":
                yield level, " ".join(_flat(line) for line in child)
            case "section":
                yield from _lines(child, level + 1)
            case "table":
                rows = ([_flat(cell) for cell in row] for row in child.iter("tr"))
                yield from table_lines(rows)
                yield ""
            case tag if tag in _PARAGRAPHS or (child.text or "").strip():
                yield _flat(child) + ("" if tag == "v" else "\n")
            case _:
                yield from _lines(child, level + 1)


def _flat(element: Element | None) -> str:
    return "" if element is None else " ".join("".join(element.itertext()).split())
