"""Outlook messages (msg): one unit for the message and for each message attached to it.

Attached files are members. The text is the plain version; else that of the HTML, else of the RTF.
"""

from __future__ import annotations

import mimetypes
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from rag.loaders import html, mail, rtf, rtf_packed, stated
from rag.loaders.archive import damaged
from rag.loaders.containers import TROUBLE
from rag.loaders.encoding import decode
from rag.loaders.formats import Reading
from rag.loaders.limits import MAX_MEMBERS, MAX_NESTING
from rag.loaders.sections import LONGEST_HEADING, shortened
from rag.types import Unit

if TYPE_CHECKING:
    from olefile import OleFileIO

Place = tuple[str, ...]
"""The storages that lead to a message or an attachment; () for the message of the file."""

_SUBJECT, _TO, _CC, _SENDER, _ADDRESS, _SMTP = "0037", "0E04", "0E03", "0C1A", "0C1F", "5D01"
_TEXT, _HTML, _RTF = "1000", "1013", "1009"
_DATA, _NAME, _SHORT_NAME, _SHOWN_NAME, _CONTENT_ID = "3701", "3707", "3704", "3001", "3712"
_SENT, _DELIVERED, _HIDDEN = 0x00390040, 0x0E060040, 0x7FFE000B
_CODE_PAGES = (0x3FFD0003, 0x3FDE0003)
_UNICODE, _BYTES, _BINARY, _MESSAGE = "001F", "001E", "0102", "000D"
_PROPERTIES = "__properties_version1.0"
_ATTACHMENT = "__attach_version1.0_#"
_FIRST_DAY = datetime(1601, 1, 1, tzinfo=UTC)
_CODECS = {20127: "ascii", 28591: "iso8859-1", 50220: "iso2022_jp", 65001: "utf-8", 936: "gb18030"}


def read(path: Path) -> Reading:
    """Units of kind `message`. The title is the subject. Raises `Damaged`."""
    with _opened(path) as file:
        messages = list(file.messages())
        units = tuple(_unit(i, file, message) for i, message in enumerate(messages, 1))
        names = tuple(file.attachments())
        title = stated.title(file.text((), _SUBJECT))
        sent = file.sent(())
    day = sent.date().isoformat() if sent else None
    return Reading(title, units, day, members=names)


def member(path: Path, name: str) -> bytes:
    """The content of an attached file. Raises KeyError and `Damaged`."""
    with _opened(path) as file:
        return file.binary(file.attachments()[name], _DATA)


def _unit(number: int, file: _File, place: Place) -> Unit:
    sent = file.sent(place)
    sender = file.text(place, _SENDER)
    address = file.text(place, _SMTP) or file.text(place, _ADDRESS)
    subject = file.text(place, _SUBJECT)
    shown = (
        ("Subject", subject),
        ("From", f"{sender} <{address}>" if "@" in address and address != sender else sender),
        ("To", file.text(place, _TO)),
        ("Cc", file.text(place, _CC)),
        ("Date", sent.strftime("%Y-%m-%d %H:%M UTC") if sent else ""),
    )
    names = [name for name, where in file.attachments().items() if where[:-1] == place]
    text = mail.composed(shown, file.body(place), names)
    label = f"attached message: {stated.title(subject) or 'no subject'}" if place else "message"
    return Unit(number, "message", shortened(label, LONGEST_HEADING), text)


@contextmanager
def _opened(path: Path) -> Iterator[_File]:
    import olefile

    try:
        with olefile.OleFileIO(str(path)) as ole:
            yield _File(ole)
    except TROUBLE as error:
        if isinstance(error, KeyError):
            raise
        raise damaged(path, "it is cut off or changed") from error


class _File:
    """The properties of the messages and attachments in an OLE container."""

    def __init__(self, ole: OleFileIO) -> None:
        self._ole = ole
        self._entries = {tuple(entry) for entry in ole.listdir(streams=True, storages=True)}

    def messages(self, place: Place = ()) -> Iterator[Place]:
        """The message at a place, then those attached to it."""
        yield place
        if len(place) < 2 * MAX_NESTING:
            for attachment in self._attached(place):
                inner = (*attachment, _stream(_DATA + _MESSAGE))
                if inner in self._entries:
                    yield from self.messages(inner)

    def attachments(self) -> dict[str, Place]:
        """The attached files by their names; pictures shown within the text are none."""
        places = [
            place
            for message in self.messages()
            for place in self._attached(message)
            if (*place, _stream(_DATA + _BINARY)) in self._entries and not self._is_shown(place)
        ][:MAX_MEMBERS]
        return dict(zip(mail.unique(map(self._name, places)), places, strict=True))

    def text(self, place: Place, tag: str) -> str:
        """A property that is text, on one line unless it is the message's."""
        if data := self._read(place, tag + _UNICODE):
            text = data.decode("utf-16-le", "replace")
        else:
            text = decode(self._read(place, tag + _BYTES), self._code_page(place)) or ""
        text = text.rstrip("\0")
        return text if tag == _TEXT else " ".join(text.split())

    def binary(self, place: Place, tag: str) -> bytes:
        return self._read(place, tag + _BINARY)

    def sent(self, place: Place) -> datetime | None:
        """When a message was sent, else when it was delivered."""
        fixed = self._fixed(place)
        for tag in (_SENT, _DELIVERED):
            if ticks := fixed.get(tag):
                try:
                    return _FIRST_DAY + timedelta(microseconds=ticks // 10)
                except OverflowError:
                    continue
        return None

    def body(self, place: Place) -> str:
        if (text := self.text(place, _TEXT)).strip():
            return text
        if markup := self.binary(place, _HTML):
            return html.text_of(decode(markup, self._code_page(place)) or "")
        if markup_text := self.text(place, _HTML):
            return html.text_of(markup_text)
        return rtf.text_of(rtf_packed.unpacked(self.binary(place, _RTF)))

    def _is_shown(self, place: Place) -> bool:
        kind, _ = mimetypes.guess_type(self._name(place))
        is_picture = bool(self.text(place, _CONTENT_ID)) and (kind or "").startswith("image/")
        return is_picture or bool(self._fixed(place).get(_HIDDEN))

    def _name(self, place: Place) -> str:
        names = (self.text(place, tag) for tag in (_NAME, _SHORT_NAME, _SHOWN_NAME))
        return next((name for name in names if name), "attachment")

    def _attached(self, place: Place) -> list[Place]:
        depth = len(place)
        return sorted(
            entry
            for entry in self._entries
            if len(entry) == depth + 1
            and entry[:depth] == place
            and entry[depth].startswith(_ATTACHMENT)
        )

    def _fixed(self, place: Place) -> dict[int, int]:
        """The properties of a fixed size, by their tags."""
        data = self._read_at((*place, _PROPERTIES))
        header = 8 if place and place[-1].startswith(_ATTACHMENT) else 24 if place else 32
        entries = range(header, len(data) - 15, 16)
        return dict(struct.unpack_from("<I4xQ", data, at) for at in entries)

    def _code_page(self, place: Place) -> str | None:
        fixed = self._fixed(place[:-1] if place and place[-1].startswith(_ATTACHMENT) else place)
        for tag in _CODE_PAGES:
            if page := fixed.get(tag, 0) & 0xFFFF:
                return _CODECS.get(page, f"cp{page}")
        return None

    def _read(self, place: Place, tag: str) -> bytes:
        return self._read_at((*place, _stream(tag)))

    def _read_at(self, where: Place) -> bytes:
        return bytes(self._ole.openstream(list(where)).read()) if where in self._entries else b""


def _stream(tag: str) -> str:
    return f"__substg1.0_{tag}"
