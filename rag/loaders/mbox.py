"""Mailboxes (mbox): one unit per message; attached files are members, named by their message.

The mailbox is mapped, not read: only the message at hand is in memory.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rag.loaders import mail, stated
from rag.loaders.formats import Reading
from rag.loaders.limits import (
    MAX_CHARACTERS,
    MAX_MEMBERS,
    MAX_PAGES,
    too_many_pages,
    too_much_text,
)
from rag.loaders.sections import LONGEST_HEADING, shortened
from rag.types import Unit, UnitState

# A line that begins with "From ", after an empty one, with a header after it.
_BEGIN = re.compile(rb"(?:\A|(?<=\n\n)|(?<=\n\r\n))From [^\n]*\n(?=>?[!-9;-~]+:)")
_QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)


def read(path: Path) -> Reading:
    """Units of kind `message`, their subjects as headings. Raises `TooLarge`."""
    units: list[Unit] = []
    members: list[str] = []
    characters = 0
    with _messages(path) as messages:
        for number, data in enumerate(messages, 1):
            if number > MAX_PAGES:
                raise too_many_pages(path, number, "or more messages")
            message = mail.parse(path, data)
            unit = _unit(number, mail.header(message, "Subject"), mail.text_of(message))
            characters += len(unit.text)
            if characters > MAX_CHARACTERS:
                raise too_much_text(path)
            units.append(unit)
            members += [f"{number}/{a.name}" for a in mail.attachments(message)]
    return Reading(None, tuple(units), members=tuple(members[:MAX_MEMBERS]))


def member(path: Path, name: str) -> bytes:
    """The content of a file attached to one of the messages. Raises KeyError and `TooLarge`."""
    number, _, file = name.partition("/")
    with _messages(path) as messages:
        for i, data in enumerate(messages, 1):
            if str(i) == number:
                found = {a.name: a for a in mail.attachments(mail.parse(path, data))}
                return found[file].content()
    raise KeyError(name)


def _unit(number: int, subject: str, text: str) -> Unit:
    heading = stated.title(subject)
    label = f"message {number}: {heading}" if heading else f"message {number}"
    headings = (heading,) if heading else ()
    state: UnitState = "read" if text.strip() else "empty"
    return Unit(number, "message", shortened(label, LONGEST_HEADING), text, headings, state)


@contextmanager
def _messages(path: Path) -> Iterator[Iterator[bytes]]:
    """The bytes of every message, without the line that begins it."""
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
    ):
        yield _parts(data)


def _parts(data: mmap.mmap) -> Iterator[bytes]:
    begins = [(match.start(), match.end()) for match in _BEGIN.finditer(data)]
    ends = [start for start, _ in begins[1:]] + [len(data)]
    for (_, start), end in zip(begins, ends, strict=True):
        yield _QUOTED.sub(rb"\1", data[start:end])
