"""E-mail messages: their headers and text, and the files attached to them.

Shared by eml, mbox and mhtml. The text is the plain version of a message, or that of its HTML where
it says much more. Pictures shown within the HTML and signatures are no attachments; a message
attached to a message is one. The parser of the standard library is used without its header policy,
which needs gigabytes for a crafted header.

Knows nothing of units and documents.
"""

from __future__ import annotations

import binascii
import email
import mimetypes
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import parsedate_to_datetime
from pathlib import Path

from rag.errors import TooLarge
from rag.loaders import html
from rag.loaders.cleaning import clean, letters
from rag.loaders.encoding import decode
from rag.loaders.limits import MAX_HEADER, MAX_MAIL_PARTS, MAX_MEMBERS

SHOWN = ("Subject", "From", "To", "Cc", "Date")
_SIGNATURES = ("application/pkcs7-signature", "application/x-pkcs7-signature",
               "application/pgp-signature", "application/pgp-keys")  # fmt: skip
_PART = re.compile(rb"^content-type:", re.IGNORECASE | re.MULTILINE)
_LONGEST_NAME = 180  # bytes, of the 255 that file systems take
_MUCH_MORE = 2
"""How many times as many letters the HTML must have for it to be read instead of the plain text."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file in a message; `name` is fit for a path and unique within the message."""

    name: str
    part: Message

    def content(self) -> bytes:
        if self.part.get_content_type() == "message/rfc822":
            inner = self.part.get_payload(0)
            return inner.as_bytes() if isinstance(inner, Message) else b""
        payload = self.part.get_payload(decode=True)
        return payload if isinstance(payload, bytes) else b""


def parse(path: Path, data: bytes) -> Message:
    """A message in a file: any bytes are one of some kind. Raises `TooLarge`."""
    if b"\0" in data[:64]:  # saved as UTF-16
        data = (decode(data) or "").encode()
    if len(_PART.findall(data)) > MAX_MAIL_PARTS:
        raise TooLarge(
            str(path),
            f"{path.name} has more than {MAX_MAIL_PARTS:,} parts.",
            "Save what you need of it as files of its own.",
        )
    return email.message_from_bytes(data)


def header(message: Message, name: str) -> str:
    """A header as it is shown, on one line; "" where it is missing."""
    for key, value in message.raw_items():
        if key.lower() == name.lower():
            return " ".join(clean(_decoded(str(value)[:MAX_HEADER])).split())
    return ""


def day(message: Message) -> str | None:
    """The day a message was sent, as YYYY-MM-DD."""
    try:
        return parsedate_to_datetime(header(message, "Date")).date().isoformat()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def text_of(message: Message) -> str:
    """Headers, text and the names of the attachments, as one text."""
    shown = [(name, header(message, name)) for name in SHOWN]
    return composed(shown, body(message), [a.name for a in attachments(message)])


def composed(shown: Iterable[tuple[str, str]], text: str, files: Sequence[str]) -> str:
    """A message as it is stored: its headers, its text, the names of its attachments."""
    top = "\n".join(f"{name}: {value}" for name, value in shown if value)
    end = f"Attachments: {', '.join(files)}" if files else ""
    return "\n\n".join(part for part in (top, clean(text).strip("\n"), end) if part.strip())


def body(message: Message) -> str:
    """The text of a message, without its headers."""
    return "\n\n".join(text for text in _texts(message) if text.strip())


def attachments(message: Message) -> list[Attachment]:
    """The files of a message, at most MAX_MEMBERS of them."""
    parts = list(_attached(message))[:MAX_MEMBERS]
    names = unique(_name(part) for part in parts)
    return [Attachment(name, part) for name, part in zip(names, parts, strict=True)]


def unique(names: Iterable[str]) -> list[str]:
    """The names fit for a path and told apart: no separators, no marks of containers, not long."""
    found: dict[str, None] = {}
    for given in names:
        name = given.replace("\\", "/").rsplit("/", 1)[-1].replace("!", "_")
        name = " ".join(clean(name).split()).lstrip(".") or "unnamed"
        stem, dot, suffix = name.rpartition(".")
        if not dot or len(suffix) > 10:
            stem, suffix = name, ""
        stem = stem.encode()[:_LONGEST_NAME].decode(errors="ignore")
        count = 1
        while (name := _numbered(stem, suffix, count)) in found:
            count += 1
        found[name] = None
    return list(found)


def _numbered(stem: str, suffix: str, count: int) -> str:
    end = f".{suffix}" if suffix else ""
    return f"{stem} ({count}){end}" if count > 1 else f"{stem}{end}"


def _texts(part: Message) -> Iterator[str]:
    kind = part.get_content_type()
    if kind == "multipart/alternative":
        yield _best(list(_children(part)))
    elif kind == "multipart/related":
        yield from _texts(next(_children(part), Message()))
    elif part.is_multipart() and kind != "message/rfc822":
        for child in _children(part):
            if not _is_attachment(child):
                yield from _texts(child)
    elif part.get_content_maintype() in ("text", "message") and kind != "message/rfc822":
        yield _text(part)


def _best(versions: Sequence[Message]) -> str:
    """The version of a text to read: the plain one, if it says about as much as the others."""
    texts = ["\n\n".join(_texts(version)) for version in versions]
    plain = [
        t for t, v in zip(texts, versions, strict=True) if v.get_content_type() == "text/plain"
    ]
    longest = max(texts, key=letters_of, default="")
    if plain and letters_of(longest) <= _MUCH_MORE * letters_of(plain[0]):
        return plain[0]
    return longest


def letters_of(text: str) -> int:
    return letters(text, len(text) + 1)


def _text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    declared = part.get_param("charset")
    text = decode(payload, declared if isinstance(declared, str) else None) or ""
    return html.text_of(text) if part.get_content_subtype() in ("html", "xhtml+xml") else text


def _attached(part: Message, related: bool = False) -> Iterator[Message]:
    if part.get_content_maintype() == "multipart":
        inner = part.get_content_type() == "multipart/related"
        for child in _children(part):
            yield from _attached(child, inner)
    elif part.get_content_type() not in _SIGNATURES and _is_attachment(part, related):
        yield part


def _is_attachment(part: Message, related: bool = False) -> bool:
    kind, main = part.get_content_type(), part.get_content_maintype()
    if kind == "message/rfc822":
        return True
    disposition = part.get_content_disposition()
    if main in ("text", "message"):
        return disposition == "attachment" or bool(part.get_filename() and disposition != "inline")
    shown_within = related or disposition == "inline"
    return main != "multipart" and not (main == "image" and shown_within)


def _name(part: Message) -> str:
    """The name of an attached file, or one that says what it is."""
    if part.get_content_type() == "message/rfc822":
        inner = next(_children(part), Message())
        return f"{header(inner, 'Subject').replace('/', '-') or 'message'}.eml"
    given = part.get_filename()
    if given:
        return _decoded(given[:MAX_HEADER])
    return f"attachment{mimetypes.guess_extension(part.get_content_type()) or ''}"


def _children(part: Message) -> Iterator[Message]:
    payload = part.get_payload()
    if isinstance(payload, list):
        yield from (child for child in payload if isinstance(child, Message))


def _decoded(raw: str) -> str:
    """A header's value: encoded words, and bytes that should have been encoded, to text."""
    try:
        parts = decode_header(" ".join(raw.split()))
    except (HeaderParseError, binascii.Error):
        parts = [(raw, None)]
    return "".join(
        # bytes that are no ASCII were made into lone surrogates
        decode(part.encode("utf-8", "surrogateescape") if isinstance(part, str) else part, charset)
        or ""
        for part, charset in parts
    )
