"""Word (docx): headings, paragraphs, lists with their numbers, tables, text boxes and notes.

As Word shows the document with all changes accepted: deleted and hidden text is left out, and so
are comments, pictures, and the headers and footers that every page repeats, unless there is
nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

from rag.loaders import opc, stated
from rag.loaders.archive import Archive
from rag.loaders.docx_styles import Numbering, Styles
from rag.loaders.formats import Reading
from rag.loaders.sections import Sections, table_lines

_NOT_SHOWN = {
    "pPr", "del", "moveFrom", "instrText", "delText", "Fallback", "rt", "tblPr", "trPr", "tcPr",
    "sectPr", "sdtPr", "sdtEndPr", "docPartObj", "annotation",
}  # fmt: skip
_AS_TEXT = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_ON = (None, "1", "true", "on")
_NOTES = {"footnoteReference": "footnotes", "endnoteReference": "endnotes"}


def read(path: Path) -> Reading:
    """Units of kind `section`. The title is the one in the properties, else the first main heading.

    Raises as `archive.Archive` does.
    """
    with Archive(path) as archive:
        main = opc.main_part(archive)
        parts = dict(opc.relationships(archive, main).values())
        body = _Body(archive, parts)
        for block in archive.children(main, "body"):
            body.take(block)
        if not body.sections.units():
            body.take_margins(main)
        properties = opc.properties(archive)
    title = properties.title or stated.title(body.sections.first_h1)
    language = properties.language or body.styles.language
    return Reading(title, body.sections.units(), properties.date, language)


class _Body:
    """Turns the blocks of the text, in order, into headings and lines."""

    def __init__(self, archive: Archive, parts: dict[str, str]) -> None:
        self.sections = Sections()
        self.styles = Styles(archive, parts.get("styles"))
        self._archive = archive
        self._numbering = Numbering(archive, parts.get("numbering"))
        self._notes = {
            kind: _notes(archive, parts[kind]) for kind in _NOTES.values() if kind in parts
        }
        self._in_list = False

    def take(self, block: Element) -> None:
        """The next block: a paragraph, a table, or something that holds some."""
        match block.tag:
            case "p":
                self._paragraph(block)
            case "tbl":
                self._table(block)
            case tag if tag not in _NOT_SHOWN:
                for child in block:
                    self.take(child)

    def take_margins(self, main: str) -> None:
        """What stands in headers and footers."""
        for kind, part in opc.relationships(self._archive, main).values():
            if kind in ("header", "footer") and part in self._archive:
                for block in self._archive.tree(part):
                    self.take(block)

    def _paragraph(self, paragraph: Element) -> None:
        text = _text(paragraph).strip(" \n")
        style = self.styles.of(paragraph)
        number = self._numbering.next(style.numbering) if text and style.numbering else ""
        if style.level and text:
            self._end_list()
            self.sections.heading(style.level, f"{number}{text}")
        elif style.numbering:
            self._in_list = True
            self.sections.line(number + text)
        elif text:
            self._end_list()
            self.sections.line(text)
            # a caption belongs to the table or the picture after it
            if not style.is_caption:
                self.sections.line("")
        self._beside(paragraph)

    def _end_list(self) -> None:
        if self._in_list:
            self.sections.line("")
        self._in_list = False

    def _beside(self, paragraph: Element) -> None:
        """The text boxes and notes that hang on a paragraph."""
        for element in _shown(paragraph):
            if element.tag == "txbxContent":
                for block in element:
                    self.take(block)
            elif element.tag in _NOTES:
                note = self._notes.get(_NOTES[element.tag], {}).get(element.get("id", ""))
                if note:
                    self.sections.line(f"† {note}\n")

    def _table(self, table: Element) -> None:
        self._end_list()
        rows = [list(_inside(row, "tc")) for row in _inside(table, "tr") if not _is_deleted(row)]
        if self._is_layout(rows):
            for row in rows:
                for cell in row:
                    for block in cell:
                        self.take(block)
            return
        for line in table_lines([_all_text(cell) for cell in row] for row in rows):
            self.sections.line(line)
        self.sections.line("")
        for row in rows:
            for cell in row:
                for paragraph in cell.iter("p"):
                    self._beside(paragraph)

    def _is_layout(self, rows: list[list[Element]]) -> bool:
        """Whether a table is no table of data but a frame around text."""
        return max(map(len, rows), default=0) < 2 or any(
            element.tag == "tbl" or (element.tag == "p" and self.styles.of(element).level)
            for row in rows
            for cell in row
            for element in cell.iter()
        )


def _text(element: Element) -> str:
    """The text of a paragraph, without that of text boxes in it."""
    parts = []
    for inner in _shown(element):
        if inner.tag == "t":
            parts.append(inner.text or "")
        else:
            parts.append(_AS_TEXT.get(inner.tag, ""))
    return "".join(parts)


def _all_text(block: Element) -> str:
    """The text of all paragraphs below a block, text boxes included, on one line."""
    paragraphs = block.iter("p")
    return " ".join(" ".join(_text(paragraph).split()) for paragraph in paragraphs).strip()


def _shown(element: Element) -> Iterator[Element]:
    """Everything below an element that is shown, in order; not what stands in text boxes."""
    for child in element:
        if child.tag in _NOT_SHOWN or (child.tag == "r" and _is_hidden(child)):
            continue
        yield child
        if child.tag != "txbxContent":
            yield from _shown(child)


def _is_hidden(run: Element) -> bool:
    vanish = run.find("rPr/vanish")
    return vanish is not None and vanish.get("val") in _ON


def _is_deleted(row: Element) -> bool:
    return row.find("trPr/del") is not None


def _inside(element: Element, tag: str) -> Iterator[Element]:
    """The rows of a table or the cells of a row, also where something is wrapped around them."""
    for child in element:
        if child.tag == tag:
            yield child
        elif child.tag not in _NOT_SHOWN:
            yield from _inside(child, tag)


def _notes(archive: Archive, part: str) -> dict[str, str]:
    """Foot- or endnotes by their ids. The first ones are not notes but separating lines."""
    found = archive.tree(part) if part in archive else ()
    return {note.get("id", ""): _all_text(note) for note in found if note.get("type") is None}
