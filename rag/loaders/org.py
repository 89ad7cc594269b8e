"""Org mode: as it stands, in sections by its headings; drawers, settings and comments are dropped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from rag.loaders import stated
from rag.loaders.encoding import read_text
from rag.loaders.formats import Reading
from rag.loaders.sections import Sections

_HEADING = re.compile(r"(\*+)[ \t]+(?:(?:TODO|DONE)[ \t]+)?(?:\[#[A-Z]\][ \t]+)?(.*)")
_TAGS = re.compile(r"[ \t]+:[\w@#%:]+:[ \t]*$")
_SETTING = re.compile(r"^#\+(title|date|language):[ \t]*(.+)$", re.MULTILINE | re.IGNORECASE)
_DROPPED = re.compile(r"[ \t]*(?:#\+\w+(?:\[.*?\])?:|# )", re.IGNORECASE)
_RULE = re.compile(r"[-+| ]+")
_SHOWN = re.compile(
    r"[ \t]*#\+(caption|title|subtitle|author|date)(?:\[.*?\])?:[ \t]*", re.IGNORECASE
)
_DRAWER = re.compile(r"[ \t]*:[\w-]+:[ \t]*$")
_DRAWER_END = re.compile(r"[ \t]*:END:[ \t]*$", re.IGNORECASE)
_LINK = re.compile(r"\[\[([^][]+)\](?:\[([^][]+)\])?\]")
_ROW = re.compile(r"[ \t]*\|(.*)\|[ \t]*$")


def read(path: Path) -> Reading:
    """Units of kind `section`. The title is the stated one, else the first main heading.

    Raises as `encoding.read_text` does.
    """
    text = read_text(path)
    settings = {name.lower(): value.strip("<>[] ") for name, value in _SETTING.findall(text)}
    sections = Sections()
    for line in _lines(text.split("\n")):
        sections.take(line)
    return Reading(
        stated.title(settings.get("title"), sections.first_h1),
        sections.units(),
        stated.day(settings.get("date")),
        stated.language(settings.get("language")),
    )


def _lines(lines: list[str]) -> Iterator[str | tuple[int, str]]:
    in_drawer = False
    for line in lines:
        if in_drawer or (_DRAWER.match(line) and not _DRAWER_END.match(line)):
            in_drawer = not _DRAWER_END.match(line)
        elif heading := _HEADING.fullmatch(line):
            yield len(heading[1]), _TAGS.sub("", _LINK.sub(_label, heading[2]))
        elif row := _ROW.match(line):
            if not _RULE.fullmatch(row[1]):
                yield _cells(_LINK.sub(_label, row[1]))
        elif shown := _SHOWN.match(line):
            yield f"{shown[1].capitalize()}: {_LINK.sub(_label, line[shown.end() :])}".rstrip()
        elif not _DROPPED.match(line):
            yield _LINK.sub(_label, line).rstrip()


def _label(link: re.Match[str]) -> str:
    return link[2] or link[1]


def _cells(row: str) -> str:
    return " | ".join(cell.strip() for cell in row.split("|"))
