"""What the OpenDocument formats share: properties, and the way through headings, lists and tables.

Deleted text, comments and pictures are left out. Knows nothing of archives' contents beyond that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from xml.etree.ElementTree import Element

from rag.loaders import stated
from rag.loaders.archive import Archive
from rag.loaders.numbers import written
from rag.loaders.opc import Properties
from rag.loaders.sections import table_lines

Line = str | tuple[int, str]
"""A line, "" for the end of a paragraph, or the level and text of a heading."""

_NOT_SHOWN = {
    "tracked-changes", "annotation", "annotation-end", "forms", "sequence-decls", "title", "desc",
    "script", "notes", "note-citation", "ruby-text", "event-listeners",
}  # fmt: skip
_BESIDE = {"note", "frame", "custom-shape", "g", "rect", "ellipse", "line", "connector", "polygon"}
_MOST_REPEATED = 50
"""Of one cell or of spaces: the numbers in the file may be anything."""


def properties(archive: Archive) -> Properties:
    """What an OpenDocument file states about itself."""
    if "meta.xml" not in archive:
        return Properties(None, None, None)
    texts = {element.tag: element.text for element in archive.tree("meta.xml").iter()}
    return Properties(
        stated.title(texts.get("title")),
        stated.day(texts.get("date"), texts.get("creation-date")),
        stated.language(texts.get("language")),
    )


class ListStyles:
    """How the items of lists are numbered, by the style and the level of the list.

    `last`: the number of the last item of each style, where another list may go on.
    """

    def __init__(self, archive: Archive) -> None:
        self.last: dict[str, int] = {}
        self._forms: dict[tuple[str, int], tuple[str, str, str]] = {}
        for part, parent in (("styles.xml", "styles"), ("content.xml", "automatic-styles")):
            for style in archive.children(part, parent) if part in archive else ():
                for level in style.iter("list-level-style-number"):
                    form = level.get("num-prefix", ""), level.get("num-format", "")
                    key = style.get("name", ""), _count(level, "level")
                    self._forms[key] = (*form, level.get("num-suffix", "."))

    def marker(self, style: str, level: int, number: int) -> str:
        """What stands before an item, with a space after it."""
        prefix, form, suffix = self._forms.get((style, level), ("", "", ""))
        indent = "  " * min(level - 1, 9)
        return f"{indent}{prefix}{written(number, form)}{suffix} " if form else f"{indent}- "


def lines(blocks: Iterable[Element], lists: ListStyles) -> Iterator[Line]:
    """The lines of paragraphs, headings, lists, tables and what holds some, in reading order."""
    for block in blocks:
        match block.tag:
            case "h":
                yield _count(block, "outline-level"), text_of(block)
            case "p":
                text = text_of(block).strip()
                if text:
                    yield text
                    yield ""
            case "list":
                yield from _items(block, lists, block.get("style-name", ""), 1)
                yield ""
            case "table":
                yield from _table(block, lists)
            case tag if tag not in _NOT_SHOWN:
                yield from lines(block, lists)
        if block.tag in ("h", "p"):
            yield from _beside(block, lists)


def text_of(element: Element) -> str:
    """The text of a paragraph, without what hangs on it."""
    return "".join(_texts(element))


def _texts(element: Element) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        match child.tag:
            case "s":
                yield " " * min(_count(child, "c"), _MOST_REPEATED)
            case "tab":
                yield "\t"
            case "line-break":
                yield "\n"
            case tag if tag not in _NOT_SHOWN and tag not in _BESIDE:
                yield from _texts(child)
        yield child.tail or ""


def _beside(paragraph: Element, lists: ListStyles) -> Iterator[Line]:
    """The notes and text boxes that hang on a paragraph."""
    for child in paragraph:
        if child.tag == "note":
            yield f"† {_flat(child, lists)}"
            yield ""
        elif child.tag in _BESIDE:
            yield from lines(child, lists)
        elif child.tag not in _NOT_SHOWN:
            yield from _beside(child, lists)


def _items(block: Element, lists: ListStyles, style: str, level: int) -> Iterator[Line]:
    number = lists.last.get(style, 0) if block.get("continue-numbering") == "true" else 0
    for item in block:
        if item.tag not in ("list-item", "list-header"):
            continue
        marker = "  " * min(level, 9)
        if item.tag == "list-item":
            number = lists.last[style] = _count(item, "start-value", number + 1)
            marker = lists.marker(style, level, number)
        for child in item:
            if child.tag == "list":
                yield from _items(child, lists, child.get("style-name", style), level + 1)
                continue
            for line in lines([child], lists):
                if isinstance(line, str) and line:
                    yield marker + line
                    marker = ""
                elif line:
                    yield line


def _table(table: Element, lists: ListStyles) -> Iterator[Line]:
    rows = [list(_cells(row)) for row in table.iter("table-row")]
    is_layout = max(map(len, rows), default=0) < 2 or any(
        element.tag in ("h", "table") for row in rows for cell in row for element in cell.iter()
    )
    if is_layout:
        for row in rows:
            for cell in row:
                yield from lines(cell, lists)
        return
    yield from table_lines([_flat(cell, lists) for cell in row] for row in rows)
    yield ""


def _cells(row: Element) -> Iterator[Element]:
    for cell in row:
        if cell.tag in ("table-cell", "covered-table-cell"):
            for _ in range(min(_count(cell, "number-columns-repeated"), _MOST_REPEATED)):
                yield cell


def _flat(element: Element, lists: ListStyles) -> str:
    """Everything below an element on one line."""
    found = (line if isinstance(line, str) else line[1] for line in lines(element, lists))
    return " ".join(" ".join(line.split()) for line in found if line)


def _count(element: Element, name: str, default: int = 1) -> int:
    value = element.get(name, "")
    return int(value) if value.isdecimal() and len(value) < 10 else default
