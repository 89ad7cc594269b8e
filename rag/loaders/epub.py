"""Books (EPUB): the chapters in reading order, by their headings or their names in the contents."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from rag.errors import NeedsPassword
from rag.loaders import html, stated
from rag.loaders.archive import Archive, damaged, relative
from rag.loaders.encoding import decode
from rag.loaders.formats import Reading
from rag.loaders.limits import MAX_CHARACTERS, too_much_text
from rag.types import Unit

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_XML_ENCODING = re.compile(rb"""<\?xml[^>]+encoding\s*=\s*["']([A-Za-z0-9_.:-]+)""")
_DRAWING = re.compile(r"(?:\s|<\?[^>]*>|<!--.*?-->|<!DOCTYPE[^>]*>)*<svg\b", re.DOTALL)
_DRAWN = re.compile(r"<text\b[^>]*>(.*?)</text>", re.DOTALL)
_PAGES = (
    "application/xhtml+xml",
    "image/svg+xml",
    "text/html",
    "application/x-dtbook+xml",
    "text/x-oeb1-document",
)


def read(path: Path) -> Reading:
    """Units of kind `chapter`, one for each heading or each file of the book without any.

    Raises as `archive.Archive` does; `NeedsPassword` for a book under copy protection.
    """
    with Archive(path) as archive:
        package = _package_part(archive)
        root = archive.tree(package)
        manifest = {item.get("id", ""): item for item in root.iter("item")}
        pages = _pages(archive, package, root, manifest)
        _refuse_protected(archive, pages)
        units = tuple(_units(archive, pages, _contents(archive, package, manifest)))
    texts = {element.tag: element.text for element in root.iter() if element.text}
    return Reading(
        stated.title(texts.get("title")),
        units,
        stated.day(texts.get("date")),
        stated.language(texts.get("language")),
    )


def _package_part(archive: Archive) -> str:
    if _CONTAINER in archive:
        for entry in archive.tree(_CONTAINER).iter("rootfile"):
            if (part := entry.get("full-path", "")) in archive:
                return part
    raise damaged(archive.path, "its table of files is missing")


def _pages(
    archive: Archive, package: str, root: Element, manifest: dict[str, Element]
) -> list[str]:
    """The parts with text, in reading order."""
    order = [entry.get("idref", "") for entry in root.iter("itemref")] or list(manifest)
    items = [manifest[name] for name in order if name in manifest]
    names = [_part(package, i) for i in items if i.get("media-type", _PAGES[0]) in _PAGES]
    return [name for name in names if name in archive]


def _part(base: str, element: Element, attribute: str = "href") -> str:
    target = unquote(element.get(attribute, "")).split("#")[0]
    return relative(base, target) if target else ""


def _contents(archive: Archive, package: str, manifest: dict[str, Element]) -> dict[str, str]:
    """What the table of contents calls each part."""
    found: dict[str, str] = {}
    for item in manifest.values():
        part = _part(package, item)
        is_nav = "nav" in item.get("properties", "").split()
        if part in archive and (is_nav or item.get("media-type") == "application/x-dtbncx+xml"):
            for name, target in _entries(archive.tree(part)):
                found.setdefault(_part(part, target, "href" if is_nav else "src"), name)
    return found


def _entries(contents: Element) -> Iterator[tuple[str, Element]]:
    """The names and targets of a table of contents of either version of the format."""
    for link in contents.iter("a"):
        yield " ".join("".join(link.itertext()).split()), link
    for point in contents.iter("navPoint"):
        label, target = point.find("navLabel"), point.find("content")
        if label is not None and target is not None:
            yield " ".join("".join(label.itertext()).split()), target


def _refuse_protected(archive: Archive, pages: list[str]) -> None:
    """Fonts may be encrypted in any book, text only under copy protection."""
    if _ENCRYPTION in archive:
        references = archive.tree(_ENCRYPTION).iter("CipherReference")
        if {unquote(entry.get("URI", "")) for entry in references} & set(pages):
            raise NeedsPassword(
                str(archive.path),
                f"{archive.path.name} is copy-protected.",
                "Only the program it was bought for can open it.",
            )


def _markup(data: bytes) -> str:
    """A page as HTML is written; of a drawing its texts."""
    declared = _XML_ENCODING.match(data)
    text = decode(data, declared[1].decode() if declared else None) or ""
    if _DRAWING.match(text):
        text = "".join(f"<p>{line}</p>" for line in _DRAWN.findall(text))
    return html.from_xml(text)


def _units(archive: Archive, pages: list[str], contents: dict[str, str]) -> Iterator[Unit]:
    number = characters = 0
    for page, part in enumerate(pages, 1):
        name = contents.get(part, "")
        for unit in html.reading(_markup(archive.read(part))).units:
            number += 1
            characters += len(unit.text)
            if characters > MAX_CHARACTERS:
                raise too_much_text(archive.path)
            headings = unit.headings or ((name,) if name else ())
            label = " › ".join(headings) or f"part {page}"
            yield replace(unit, number=number, kind="chapter", label=label, headings=headings)
