"""Markdown (CommonMark and tables): the text as rendered, in sections by its headings.

No marks of emphasis, no addresses of links, no pictures (their alternative text stays), raw HTML as
its text; code verbatim, table rows on one line each. Front matter gives the title and is dropped.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from rag.loaders import stated
from rag.loaders.encoding import read_text
from rag.loaders.formats import Reading
from rag.loaders.html import text_of
from rag.loaders.sections import Sections

if TYPE_CHECKING:
    from markdown_it.token import Token

# Front matter: YAML between --- or TOML between +++, and only if its first line is a key.
_FRONT_MATTER = re.compile(
    r"\A(?:---[ \t]*\n(?=[\w-]+[ \t]*:)(.*?\n)(?:---|\.\.\.)"
    r"|\+\+\+[ \t]*\n(?=[\w-]+[ \t]*=|\[)(.*?\n)\+\+\+)[ \t]*(?:\n|\Z)",
    re.DOTALL,
)
_KEY = re.compile(r"^(\w+)[ \t]*[:=][ \t]*(.+)$", re.MULTILINE)
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)


def read(path: Path) -> Reading:
    """Units of kind `section`. The title is that of the front matter, else the first main heading.

    Raises as `encoding.read_text` does.
    """
    front, body = _parted(read_text(path))
    sections = Sections()
    fill(sections, body)
    return Reading(
        stated.title(front.get("title"), sections.first_h1),
        sections.units(),
        stated.day(front.get("date")),
        stated.language(front.get("lang"), front.get("language")),
    )


def fill(sections: Sections, text: str) -> None:
    """Add a text in Markdown that is part of something else."""
    page = _Page(sections)
    for token in _tokens(text):
        page.take(token)


def _parted(text: str) -> tuple[dict[str, str], str]:
    """The front matter's keys with a text, and what comes after it."""
    match = _FRONT_MATTER.match(text)
    if not match:
        return {}, text
    found = {key.lower(): value.strip("\"' \t") for key, value in _KEY.findall(match[0])}
    return found, text[match.end() :]


def _tokens(text: str) -> list[Token]:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)


class _Page:
    """Turns block tokens, in order, into headings and lines; top-level headings open sections."""

    def __init__(self, sections: Sections) -> None:
        self.sections = sections
        self._lists: list[int | None] = []
        """The next number of each list we are in; None: bullets."""
        self._marker = ""
        self._heading = 0
        self._row: list[str] | None = None

    def take(self, token: Token) -> None:
        """The next token."""
        match token.type:
            case "inline":
                self._take_text(_inline(token))
            case "fence" | "code_block":
                self._line(token.content)
            case "html_block":
                self.sections.line(text_of(token.content) + "\n")
            case "heading_open" if token.level == 0:
                self._heading = int(token.tag[1])
            case "paragraph_close" | "heading_close" | "table_close" if not self._lists:
                self.sections.line("")
            case "tr_open":
                self._row = []
            case "tr_close":
                self.sections.line(" | ".join(self._row or ()))
                self._row = None
            case _:
                self._take_list(token)

    def _take_list(self, token: Token) -> None:
        match token.type:
            case "bullet_list_open":
                self._lists.append(None)
            case "ordered_list_open":
                self._lists.append(int(token.attrGet("start") or 1))
            case "list_item_open":
                self._marker = self._next_marker()
            case "bullet_list_close" | "ordered_list_close":
                self._lists.pop()
                if not self._lists:
                    self.sections.line("")

    def _take_text(self, text: str) -> None:
        if self._heading:
            self.sections.heading(self._heading, text)
            self._heading = 0
        elif self._row is not None:
            self._row.append(" ".join(text.split()))
        else:
            self._line(text)

    def _line(self, text: str) -> None:
        self.sections.line(self._marker + text)
        self._marker = ""

    def _next_marker(self) -> str:
        """What stands before a list item; counts the innermost list on."""
        number = self._lists[-1]
        indent = "  " * (len(self._lists) - 1)
        if number is None:
            return indent + "- "
        self._lists[-1] = number + 1
        return f"{indent}{number}. "


def _inline(token: Token) -> str:
    """The text of a paragraph, a heading or a cell."""
    return "".join(_visible(child) for child in token.children or ())


def _visible(token: Token) -> str:
    match token.type:
        case "text" | "code_inline" | "text_special":
            return token.content.replace("\xad", "")
        case "image":
            return _inline(token) or token.content
        case "softbreak":
            return " "
        case "hardbreak":
            return "\n"
        case "html_inline" if _BREAK.fullmatch(token.content):
            return "\n"
    return ""
