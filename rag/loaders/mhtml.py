"""Web pages saved as one file (mhtml): the page itself; its pictures and styles are left aside."""

from __future__ import annotations

from email.message import Message
from pathlib import Path

from rag.loaders import html, mail, stated
from rag.loaders.encoding import decode
from rag.loaders.formats import Reading


def read(path: Path) -> Reading:
    """Units of kind `section`. The title is that of the page, else the subject.

    Raises `TooLarge`.
    """
    message = mail.parse(path, path.read_bytes())
    page = next((p for p in message.walk() if p.get_content_subtype() in _PAGES), None)
    reading = html.reading(_markup(page) if page else "")
    title = reading.title or stated.title(mail.header(message, "Subject"))
    return reading._replace(title=title, date=reading.date or mail.day(message))


_PAGES = ("html", "xhtml+xml")


def _markup(page: Message) -> str:
    payload = page.get_payload(decode=True)
    declared = page.get_param("charset")
    data = payload if isinstance(payload, bytes) else b""
    return decode(data, declared if isinstance(declared, str) else None) or ""
