"""OpenDocument text (odt): headings, paragraphs, lists, tables, notes and text boxes."""

from __future__ import annotations

from pathlib import Path

from rag.loaders import odf, stated
from rag.loaders.archive import Archive, damaged
from rag.loaders.formats import Reading
from rag.loaders.sections import Sections


def read(path: Path) -> Reading:
    """Units of kind `section`. The title is the one in the properties, else the first main heading.

    Raises as `archive.Archive` does.
    """
    sections = Sections()
    with Archive(path) as archive:
        if "content.xml" not in archive:
            raise damaged(path, "its content is missing")
        blocks = archive.children("content.xml", "text")
        for line in odf.lines(blocks, odf.ListStyles(archive)):
            sections.take(line)
        properties = odf.properties(archive)
    title = properties.title or stated.title(sections.first_h1)
    return Reading(title, sections.units(), properties.date, properties.language)
