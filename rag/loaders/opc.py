"""The packaging that docx, pptx, xlsx and xlsb share: relationships and properties.

Knows nothing of what stands in the parts.
"""

from __future__ import annotations

import posixpath
from typing import NamedTuple

from rag.loaders import stated
from rag.loaders.archive import Archive, damaged, relative


class Relationship(NamedTuple):
    """A part that another refers to; `kind` is the last word of the type, like `image`."""

    kind: str
    part: str


def relationships(archive: Archive, part: str) -> dict[str, Relationship]:
    """What a part refers to inside the archive, by the ids it uses. Links to outside are left out.

    `part` is "" for the archive itself.
    """
    folder, name = posixpath.split(part)
    file = posixpath.join(folder, "_rels", f"{name}.rels")
    if file not in archive:
        return {}
    found = {}
    for entry in archive.tree(file):
        target = entry.get("Target", "")
        if entry.get("TargetMode") != "External" and target:
            kind = entry.get("Type", "").rpartition("/")[2]
            found[entry.get("Id", "")] = Relationship(kind, relative(part, target))
    return found


def main_part(archive: Archive) -> str:
    """The name of the part that is the document. Raises `Damaged` if there is none."""
    for kind, part in relationships(archive, "").values():
        if kind == "officeDocument" and part in archive:
            return part
    raise damaged(archive.path, "its main part is missing")


class Properties(NamedTuple):
    """What the package states about itself."""

    title: str | None
    date: str | None
    language: str | None


def properties(archive: Archive) -> Properties:
    """The core properties; all None where there are none."""
    for kind, part in relationships(archive, "").values():
        if kind == "core-properties" and part in archive:
            texts = {element.tag: element.text for element in archive.tree(part)}
            return Properties(
                stated.title(texts.get("title")),
                stated.day(texts.get("modified"), texts.get("created")),
                stated.language(texts.get("language")),
            )
    return Properties(None, None, None)
