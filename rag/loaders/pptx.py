"""PowerPoint (pptx): one unit per slide, its title first, its notes last.

Text stands in the order of the shapes in the file, which is the order they were laid over one
another; tables are one line for each row, and diagrams (SmartArt) give their texts. Not read: the
slide's number and date, pictures, charts, comments, and what slides take over from their layout.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

from rag.loaders import opc, stated
from rag.loaders.archive import Archive
from rag.loaders.formats import Reading
from rag.loaders.limits import MAX_PAGES, too_many_pages
from rag.loaders.sections import slide, table_lines
from rag.types import Unit

_TITLES = ("title", "ctrTitle")
_FURNITURE = ("sldNum", "dt", "ftr", "hdr")
_NOT_SHOWN = ("pPr", "rPr", "endParaRPr", "Fallback", "nvSpPr", "spPr", "bodyPr", "lstStyle")


def read(path: Path) -> Reading:
    """Units of kind `slide`; a slide without text has the state `empty`.

    The title is the one in the properties, else that of the first slide. Raises as
    `archive.Archive` does, and `TooLarge`.
    """
    with Archive(path) as archive:
        main = opc.main_part(archive)
        slides = list(_slides(archive, main))
        if len(slides) > MAX_PAGES:
            raise too_many_pages(path, len(slides))
        units = tuple(_unit(archive, number, part) for number, part in enumerate(slides, 1))
        properties = opc.properties(archive)
    first = units[0].headings if units else ()
    title = properties.title or stated.title(*first)
    return Reading(title, units, properties.date, properties.language)


def _slides(archive: Archive, main: str) -> Iterator[str]:
    """The names of the slides' parts, in the order of the presentation."""
    related = opc.relationships(archive, main)
    for entry in archive.children(main, "sldIdLst"):
        found = related.get(entry.get("r:id", ""))
        if found is not None and found.part in archive:
            yield found.part


def _unit(archive: Archive, number: int, part: str) -> Unit:
    related = opc.relationships(archive, part)
    diagrams = [part for kind, part in related.values() if kind == "diagramData"]
    notes = [part for kind, part in related.values() if kind == "notesSlide"]
    title, blocks = _content(archive, part)
    for part in diagrams:
        blocks += _diagram(archive, part)
    for part in notes:
        _, texts = _content(archive, part)
        blocks += ["Notes:", *texts] if texts else []
    return slide(number, title, blocks)


def _content(archive: Archive, part: str) -> tuple[str, list[str]]:
    """The title of a slide or a page of notes, and its other texts."""
    title = ""
    blocks: list[str] = []
    if part not in archive:
        return title, blocks
    for shape in _shapes(archive.children(part, "spTree")):
        kind = _placeholder(shape)
        text = "\n".join(_lines(shape))
        if kind in _TITLES and not title:
            title = text
        elif text.strip() and kind not in _FURNITURE:
            blocks.append(text)
    return title, blocks


def _shapes(elements: Iterator[Element] | Element) -> Iterator[Element]:
    """Every shape, table and diagram, those in groups included."""
    for element in elements:
        if element.tag in ("grpSp", "AlternateContent", "Choice"):
            yield from _shapes(element)
        elif element.tag in ("sp", "cxnSp", "graphicFrame", "pic"):
            yield element


def _placeholder(shape: Element) -> str:
    element = shape.find("nvSpPr/nvPr/ph")
    return "" if element is None else element.get("type", "body")


def _lines(shape: Element) -> Iterator[str]:
    table = next(shape.iter("tbl"), None)
    if table is not None:
        rows = ([_text(cell) for cell in row.iter("tc")] for row in table.iter("tr"))
        yield from table_lines(rows)
        return
    body = shape.find("txBody")
    for paragraph in body.iter("p") if body is not None else ():
        if line := _text(paragraph).strip():
            yield line


def _diagram(archive: Archive, part: str) -> list[str]:
    """The texts of a diagram, as one block."""
    if part not in archive:
        return []
    lines = (_text(p).strip() for p in archive.tree(part).iter("p"))
    text = "\n".join(line for line in lines if line)
    return [text] if text else []


def _text(element: Element) -> str:
    parts = []
    for inner in _shown(element):
        if inner.tag == "t":
            parts.append(inner.text or "")
        elif inner.tag in ("br", "tab"):
            parts.append("\n" if inner.tag == "br" else "\t")
        elif inner.tag == "p" and parts:
            parts.append("\n")
    return "".join(parts)


def _shown(element: Element) -> Iterator[Element]:
    for child in element:
        is_number = child.tag == "fld" and child.get("type", "") == "slidenum"
        if child.tag not in _NOT_SHOWN and not is_number:
            yield child
            yield from _shown(child)
