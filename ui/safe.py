"""Makes text of documents, file names and models harmless before it is shown.

Streamlit reads most of what it is given as Markdown: an image would be fetched, a link could be
clicked, `--` would become another character. So long texts go through `plain` to `st.text`, which
shows characters as they are; where only Markdown will do (labels, buttons, marked excerpts), `line`
and `lines` write the text so that Markdown shows exactly it.

The browser is also told by the server's headers to load nothing from elsewhere (rag/server).
"""

from __future__ import annotations

import re
import string
import unicodedata

BREAK = "\u200b"
"""A zero-width space: invisible, and no pattern goes across it."""
NO_BREAK = "\u00a0"
"""A space that Markdown leaves alone."""

# Turned around, hidden or smuggled in: text that is not what it looks like.
_INVISIBLE = re.compile(
    "[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff"
    "\U000e0000-\U000e007f]"
)
# What Streamlit's Markdown changes in running text, however it is escaped: addresses, mail
# addresses, :emoji: and :material/icon: names, and arrows and signs made of ASCII.
_ACTIVE = re.compile(
    r"(?<=http)(?=s?://)|(?<=https)(?=://)|(?<=www)(?=\.)|(?=@)|(?<=@)"
    r"|(?<=:)(?=[\w+/-]+:)|((?<=^[<>~-])|(?<=\s[<>~-]))(?=[>=-]+(\s|$))",
    re.IGNORECASE,
)
_ESCAPED = str.maketrans({mark: "\\" + mark for mark in string.punctuation})


def plain(text: str) -> str:
    """Text for `st.text`: without control characters and without invisible ones."""
    visible = _INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return "".join(c for c in visible if c in "\n\t" or unicodedata.category(c) != "Cc")


def flowing(text: str) -> str:
    """Text for `st.text` whose line breaks are those of a printed page, of no meaning."""
    return " ".join(plain(text).split())


def line(text: str) -> str:
    """Text as one line of Markdown that shows exactly its words."""
    return _inert(flowing(text))


def lines(text: str, marked: tuple[int, int] = (0, 0)) -> str:
    """Text as Markdown that shows exactly it, line by line. `marked`: code points to highlight."""
    start, end = marked
    rows = []
    place = 0
    for row in text.split("\n"):
        rows.append(_row(row, start - place, end - place))
        place += len(row) + 1
    return "  \n".join(rows)  # two spaces make Markdown break the line


def _row(row: str, start: int, end: int) -> str:
    indent = len(row) - len(row.lstrip())
    start = min(max(start, indent), len(row))
    end = min(max(end, start), len(row))
    lead = NO_BREAK * indent  # four spaces would make a code block
    if not row[start:end].strip():
        return lead + _piece(row[indent:])
    highlight = f":orange-background[{_piece(row[start:end])}]"
    return lead + _piece(row[indent:start]) + highlight + _piece(row[end:])


def _piece(text: str) -> str:
    return _inert(plain(text).replace("\n", " "))


def _inert(text: str) -> str:
    return _ACTIVE.sub(BREAK, text).translate(_ESCAPED)
