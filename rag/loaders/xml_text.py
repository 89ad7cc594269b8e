"""XML of any kind: what stands in it, without knowing what its elements mean.

Where an element begins with a title, that is a heading. Running text is a paragraph; a short value
is a line with the name of its element; an element that says all in its attributes is one with those.
What is not quite XML, or declares entities, is read as plain text.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

from rag.loaders import markup, plain, stated
from rag.loaders.encoding import read_text
from rag.loaders.formats import Reading
from rag.loaders.sections import Sections

DECLARED = re.compile(rb"""<\?xml[^>]+encoding\s*=\s*["']([A-Za-z0-9_.:-]+)""")
_TITLES = {"title", "head", "heading", "book-title", "invention-title", "article-title"}
_SHORT = 80
"""Characters of a value that is told with its name."""


def read(path: Path) -> Reading:
    """Units of kind `section`, or those of plain text. Raises as `encoding.read_text` does."""
    text = read_text(path, DECLARED)
    try:
        root = tree(text)
    except markup.MarkupError:
        return Reading(None, plain.units(text))
    sections = Sections()
    for line in _lines(root, 1):
        sections.take(line)
    first = next((_flat(e) for e in root.iter() if e.tag in _TITLES), None)
    return Reading(
        stated.title(first), sections.units(), language=stated.language(root.get("lang"))
    )


def tree(text: str) -> Element:
    """The root element of a text that was decoded already. Raises `markup.MarkupError`."""
    return markup.tree(io.BytesIO(text.encode()), "utf-8")


def _lines(element: Element, level: int) -> Iterator[str | tuple[int, str]]:
    text = _flat(element)
    if not len(element) or _is_running(element):
        if not text:
            yield _attributes(element)
        elif len(text) <= _SHORT and not len(element):
            yield f"{element.tag}: {text}"
        else:
            yield text + "\n"
        return
    children = list(element)
    if children[0].tag in _TITLES and len(children) > 1 and (title := _flat(children[0])):
        yield level, title
        children = children[1:]
    for child in children:
        yield from _lines(child, level + 1)
    if len(children) > 1:
        yield ""


def _is_running(element: Element) -> bool:
    """Whether text stands between the children of an element."""
    between = (element.text, *(child.tail for child in element))
    return any(text and text.strip() for text in between)


def _flat(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())


def _attributes(element: Element) -> str:
    values = " ".join(f"{name}={value}" for name, value in element.attrib.items())
    return f"{element.tag} {values}" if values else ""
