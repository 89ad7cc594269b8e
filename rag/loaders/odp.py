"""OpenDocument presentations (odp): one unit per slide, its title first, its notes last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

from rag.loaders import odf, stated
from rag.loaders.archive import Archive, damaged
from rag.loaders.formats import Reading
from rag.loaders.limits import MAX_PAGES, too_many_pages
from rag.loaders.sections import slide

_FURNITURE = ("date-time", "footer", "header", "page-number", "page")


def read(path: Path) -> Reading:
    """Units of kind `slide`; a slide without text has the state `empty`.

    The title is the one in the properties, else that of the first slide. Raises as
    `archive.Archive` does, and `TooLarge`.
    """
    with Archive(path) as archive:
        if "content.xml" not in archive:
            raise damaged(path, "its content is missing")
        lists = odf.ListStyles(archive)
        pages = (p for p in archive.children("content.xml", "presentation") if p.tag == "page")
        units = tuple(slide(i, *_content(page, lists)) for i, page in enumerate(pages, 1))
        properties = odf.properties(archive)
    if len(units) > MAX_PAGES:
        raise too_many_pages(path, len(units))
    title = properties.title or stated.title(*(units[0].headings if units else ()))
    return Reading(title, units, properties.date, properties.language)


def _content(page: Element, lists: odf.ListStyles) -> tuple[str, list[str]]:
    """The title of a slide, and the texts of its other shapes and of its notes."""
    title = ""
    blocks = []
    for shape in page:
        text = _text([shape], lists)
        if shape.get("class") == "title" and not title:
            title = text
        elif text and shape.get("class") not in _FURNITURE:
            blocks.append(text)
    for notes in page.iter("notes"):
        if text := _text((s for s in notes if s.get("class") not in _FURNITURE), lists):
            blocks += ["Notes:", text]
    return title, blocks


def _text(shapes: Iterable[Element], lists: odf.ListStyles) -> str:
    return "\n".join(_lines(shapes, lists))


def _lines(shapes: Iterable[Element], lists: odf.ListStyles) -> Iterator[str]:
    for line in odf.lines(shapes, lists):
        text = line if isinstance(line, str) else line[1]
        if text.strip():
            yield text
