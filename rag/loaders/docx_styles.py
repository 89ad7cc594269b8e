"""What the styles and the numbering of a Word document say about its paragraphs.

Knows nothing of text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import NamedTuple
from xml.etree.ElementTree import Element

from rag.loaders import stated
from rag.loaders.archive import Archive
from rag.loaders.numbers import written

_HEADING = re.compile(r"heading (\d)")
_FORMS = {"lowerLetter": "a", "upperLetter": "A", "lowerRoman": "i", "upperRoman": "I", "none": ""}
_MOST_LEVELS = 9
_BULLET = "- "


class Place(NamedTuple):
    """A list and a level in it, from 0."""

    list: str
    level: int


@dataclass(frozen=True, slots=True)
class Style:
    """`level`: of a heading, from 1; 0: it is none."""

    level: int = 0
    numbering: Place | None = None
    is_caption: bool = False


class Styles:
    """The styles of a document by their ids."""

    def __init__(self, archive: Archive, part: str | None) -> None:
        self._styles: dict[str, Style] = {}
        self.language: str | None = None
        if part is None or part not in archive:
            return
        root = archive.tree(part)
        language = root.find("docDefaults/rPrDefault/rPr/lang")
        if language is not None:
            self.language = stated.language(language.get("val"))
        elements = {style.get("styleId", ""): style for style in root.iter("style")}
        for name in elements:
            self._styles[name] = _resolved(name, elements)

    def of(self, paragraph: Element) -> Style:
        """The style of a paragraph, what it says itself included."""
        properties = paragraph.find("pPr")
        if properties is None:
            return self._styles.get("Normal", Style())
        name = properties.find("pStyle")
        style = self._styles.get("" if name is None else name.get("val", ""), Style())
        return _with(style, properties)


def _resolved(name: str, elements: dict[str, Element]) -> Style:
    """A style with what it takes over from those it is based on."""
    chain: list[Element] = []
    while name in elements and elements[name] not in chain:
        chain.append(elements[name])
        based_on = elements[name].find("basedOn")
        name = "" if based_on is None else based_on.get("val", "")
    style = Style()
    for element in reversed(chain):
        style = _with(style, element.find("pPr"))
        label = element.find("name")
        called = "" if label is None else label.get("val", "").lower()
        if match := _HEADING.fullmatch(called):
            style = replace(style, level=int(match[1]))
        elif called in ("title", "caption"):
            style = replace(style, level=int(called == "title"), is_caption=called == "caption")
    return style


def _with(style: Style, properties: Element | None) -> Style:
    """A style with what the properties of a paragraph or style add to it."""
    if properties is None:
        return style
    outline = properties.find("outlineLvl")
    if outline is not None:
        level = _number(outline) + 1
        style = replace(style, level=level if level <= _MOST_LEVELS else 0)
    numbering = properties.find("numPr")
    if numbering is not None:
        which, level_of = numbering.find("numId"), numbering.find("ilvl")
        known = style.numbering or Place("0", 0)
        place = Place(
            known.list if which is None else which.get("val", "0"),
            known.level if level_of is None else _number(level_of),
        )
        style = replace(style, numbering=place if place.list != "0" else None)
    return style


def _number(element: Element, name: str = "val") -> int:
    value = element.get(name, "")
    return int(value) if value.isdecimal() and len(value) < 6 else 0


@dataclass(frozen=True, slots=True)
class _Level:
    """How the items of a level are numbered: `text` like `%1.%2)`."""

    format: str
    text: str
    start: int


class Numbering:
    """Counts the items of all lists on, as Word does."""

    def __init__(self, archive: Archive, part: str | None) -> None:
        self._levels: dict[str, dict[int, _Level]] = {}
        self._abstract: dict[str, str] = {}
        self._restarts: dict[str, dict[int, int]] = {}
        self._counts: dict[str, dict[int, int]] = {}
        if part is not None and part in archive:
            self._learn(archive.tree(part))

    def _learn(self, root: Element) -> None:
        for abstract in root.iter("abstractNum"):
            levels = {_number(level, "ilvl"): _level(level) for level in abstract.iter("lvl")}
            self._levels[abstract.get("abstractNumId", "")] = levels
        for number in root.iter("num"):
            reference = number.find("abstractNumId")
            if reference is None:
                continue
            self._abstract[number.get("numId", "")] = reference.get("val", "")
            self._restarts[number.get("numId", "")] = {
                _number(override, "ilvl"): _number(start)
                for override in number.iter("lvlOverride")
                if (start := override.find("startOverride")) is not None
            }

    def next(self, place: Place) -> str:
        """What stands before the next item at a place, with a space after it."""
        abstract = self._abstract.get(place.list, "")
        levels = self._levels.get(abstract, {})
        level = levels.get(place.level)
        if level is None or level.format == "bullet":
            return "  " * min(place.level, _MOST_LEVELS) + _BULLET
        counts = self._counts.setdefault(abstract, {})
        if (restart := self._restarts[place.list].pop(place.level, None)) is not None:
            counts[place.level] = restart - 1
        counts[place.level] = counts.get(place.level, level.start - 1) + 1
        for deeper in [known for known in counts if known > place.level]:
            del counts[deeper]
        text = re.sub(r"%([1-9])", lambda m: _shown(int(m[1]) - 1, counts, levels), level.text)
        return f"{text} " if text.strip() else ""


def _level(level: Element) -> _Level:
    form, text, start = level.find("numFmt"), level.find("lvlText"), level.find("start")
    return _Level(
        "decimal" if form is None else form.get("val", "decimal"),
        "" if text is None else text.get("val", ""),
        1 if start is None else _number(start),
    )


def _shown(level: int, counts: dict[int, int], levels: dict[int, _Level]) -> str:
    known = levels.get(level)
    start, form = (known.start, known.format) if known else (1, "decimal")
    return written(counts.get(level, start), _FORMS.get(form, "1"))
