"""E-mail messages (eml): one unit; the files attached to them are members."""

from __future__ import annotations

from pathlib import Path

from rag.loaders import mail, stated
from rag.loaders.formats import Reading
from rag.types import Unit


def read(path: Path) -> Reading:
    """One unit of kind `message`. The title is the subject. Raises `TooLarge`."""
    message = mail.parse(path, path.read_bytes())
    unit = Unit(1, "message", "message", mail.text_of(message))
    names = tuple(attachment.name for attachment in mail.attachments(message))
    title = stated.title(mail.header(message, "Subject"))
    return Reading(title, (unit,), mail.day(message), members=names)


def member(path: Path, name: str) -> bytes:
    """The content of an attached file. Raises KeyError and `TooLarge`."""
    found = {a.name: a for a in mail.attachments(mail.parse(path, path.read_bytes()))}
    return found[name].content()
