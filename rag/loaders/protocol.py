"""Documents and errors as frames: what the reading process answers with.

The block of a frame holds character maps or a picture. The child may have been taken over by a
crafted file: whatever of a frame is not of the expected form is a ValueError.
"""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from rag.errors import LOAD_ERRORS, LoadError
from rag.frames import Frame
from rag.types import LoadedDocument, Unit, UnitState


def pack_document(document: LoadedDocument) -> Frame:
    units = [
        [u.number, u.kind, u.label, u.text, u.headings, u.state, len(u.char_map)]
        for u in document.units
    ]
    message = {
        "format": document.format,
        "title": document.title,
        "reader": document.reader,
        "date": document.date,
        "language": document.language,
        "members": document.members,
        "hidden": document.hidden_characters,
    }
    return Frame({**message, "units": units}, b"".join(u.char_map for u in document.units))


def unpack_document(frame: Frame) -> LoadedDocument:
    """The document in a reply. Raises ValueError if it is none."""
    try:
        message = frame.message
        units = []
        start = 0
        for number, kind, label, text, headings, state, length in message["units"]:
            end = start + _natural(length)
            path = tuple(_text(heading) for heading in headings)
            if state not in get_args(UnitState):
                raise ValueError("a unit has an unknown state")
            place = (_natural(number), _text(kind), _text(label))
            units.append(Unit(*place, _text(text), path, state, frame.block[start:end]))
            start = end
        return LoadedDocument(
            format=_text(message["format"]),
            title=_text_or_none(message["title"]),
            units=tuple(units),
            reader=_text(message["reader"]),
            date=_text_or_none(message["date"]),
            language=_text_or_none(message["language"]),
            members=tuple(_text(name) for name in message["members"]),
            hidden_characters=_natural(message["hidden"]),
        )
    except (KeyError, TypeError) as error:
        raise ValueError("a reply is no document") from error


def pack_error(error: LoadError) -> Frame:
    return Frame({"error": [error.code, error.message, error.hint]})


def unpack_error(frame: Frame, path: Path) -> LoadError | None:
    """The error in a reply about `path`, if it is one. Raises ValueError for a wrong form."""
    if "error" not in frame.message:
        return None
    try:
        code, message, hint = (_text(part) for part in frame.message["error"])
        kind: type[LoadError] = LoadError if code == LoadError.code else LOAD_ERRORS[code]
    except (KeyError, TypeError) as error:
        raise ValueError("a reply holds an unknown error") from error
    return kind(str(path), message, hint)


def _text(value: object) -> str:
    if type(value) is not str:
        raise ValueError("a reply has something else in the place of a text")
    if not value.isascii():
        value.encode()  # a lone surrogate is a UnicodeEncodeError, so a ValueError
    return value


def _text_or_none(value: object) -> str | None:
    return None if value is None else _text(value)


def _natural(value: object) -> int:
    if type(value) is not int or not 0 <= value < 1 << 31:
        raise ValueError("a reply has something else in the place of a number")
    return value
