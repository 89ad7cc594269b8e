"""reStructuredText: as it stands, in sections by its headings.

Directives and roles are left in the text: which of them say something depends on programs that
are not at hand. Nothing is included or executed. Adornments of headings are dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from rag.loaders import stated
from rag.loaders.encoding import read_text
from rag.loaders.formats import Reading
from rag.loaders.sections import Sections

_ADORNMENT = re.compile(r"([!-/:-@\[-`{-~])\1{2,}[ \t]*")
_FIELD = re.compile(r"^:(date|lang|language):[ \t]+(.+)$", re.MULTILINE | re.IGNORECASE)
_SHORT = 0.6
"""Share of its title that an underline must be long."""


def read(path: Path) -> Reading:
    """Units of kind `section`. The title is the first main heading.

    Raises as `encoding.read_text` does.
    """
    text = read_text(path)
    sections = Sections()
    for line in _lines(text.split("\n")):
        sections.take(line)
    fields = {name.lower(): value for name, value in _FIELD.findall(text)}
    return Reading(
        stated.title(sections.first_h1),
        sections.units(),
        stated.day(fields.get("date")),
        stated.language(fields.get("lang"), fields.get("language")),
    )


def _lines(lines: list[str]) -> Iterator[str | tuple[int, str]]:
    """The lines; headings with their level, which is how early their adornment is first met."""
    levels: list[tuple[str, bool]] = []
    i = 0
    while i < len(lines):
        has_overline = _is_adornment(lines[i]) and _is_title(lines, i + 1, lines[i])
        at = i + has_overline
        if _is_title(lines, at, lines[i] if has_overline else ""):
            kind = lines[at + 1][0], has_overline
            if kind not in levels:
                levels.append(kind)
            yield levels.index(kind) + 1, lines[at]
            i = at + 2
        else:
            yield lines[i].rstrip()
            i += 1


def _is_adornment(line: str) -> bool:
    return bool(_ADORNMENT.fullmatch(line))


def _is_title(lines: list[str], at: int, overline: str) -> bool:
    """Whether the line at `at` is a title: underlined, and overlined with the same if at all."""
    if at + 1 >= len(lines) or not lines[at].strip() or not _is_adornment(lines[at + 1]):
        return False
    title, underline = lines[at].rstrip(), lines[at + 1].rstrip()
    if overline:
        return overline.rstrip() == underline and not _is_adornment(title)
    is_free = at == 0 or not lines[at - 1].strip()
    return (
        is_free
        and not title[0].isspace()
        and not _is_adornment(title)
        and len(underline) >= _SHORT * len(title)
    )
