"""HTML: what a person would read of a page, in sections by its headings.

Left out: scripts, styles, navigation, pictures, comments and what the page itself hides (attribute
`hidden`, or an inline style; style sheets are not looked at). Nothing is ever fetched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rag.loaders import stated
from rag.loaders.encoding import read_text
from rag.loaders.formats import Reading
from rag.loaders.sections import Sections

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

_DROPPED = "script,style,noscript,template,svg,math annotation,nav,head,iframe,object,[hidden]"
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
CHARSET = re.compile(rb"""<meta[^>]+charset\s*=\s*["']?\s*([A-Za-z0-9_.:-]+)""", re.IGNORECASE)
_EMPTY = re.compile(
    r"<(?!(?:area|base|br|col|embed|hr|img|input|link|meta|source|track|wbr)\b)"
    r"([a-zA-Z][\w:-]*)((?:\s[^<>]*)?)/>"
)
_DATES = (
    'property="article:published_time"', 'name="date"', 'name="dcterms.date"', 'name="DC.date"',
    'itemprop="datePublished"',
)  # fmt: skip
_HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}
_PARAGRAPHS = {"p", "blockquote", "pre", "table", "ul", "ol", "dl", "figure", "section", "article"}
_BLOCKS = _PARAGRAPHS | set(_HEADINGS) | {
    "address", "aside", "body", "br", "caption", "center", "dd", "details", "dialog", "div", "dt",
    "fieldset", "figcaption", "footer", "form", "header", "hr", "html", "legend", "li", "main",
    "option", "select", "summary", "tbody", "td", "tfoot", "th", "thead", "tr",
}  # fmt: skip
# A table holding one of these, or another table, is there for the layout of the page.
_LAYOUT = "h1, h2, h3, h4, h5, h6, ul, ol, pre, p + p"


def read(path: Path) -> Reading:
    """Units of kind `section`. The title is that of the page, else its first main heading.

    Raises as `encoding.read_text` does.
    """
    return reading(read_text(path, CHARSET))


def reading(markup: str) -> Reading:
    """What `read` gives for a page that is not in a file of its own."""
    from selectolax.lexbor import LexborHTMLParser

    if markup.lstrip().startswith("<?xml"):
        markup = from_xml(markup)
    tree = LexborHTMLParser(markup)
    title = tree.css_first("title")
    root = tree.root
    day = _stated_day(tree)
    sections = Sections()
    if tree.body is not None:
        _drop_unseen(tree.body)
        for line in lines(tree.body):
            sections.take(line)
    return Reading(
        stated.title(title.text() if title else None, sections.first_h1),
        sections.units(),
        day,
        stated.language(root.attributes.get("lang") if root else None),
    )


def text_of(markup: str) -> str:
    """The text of a page or a fragment: one line per block, empty lines between paragraphs."""
    from selectolax.lexbor import LexborHTMLParser

    body = LexborHTMLParser(markup).body
    if body is None:
        return ""
    _drop_unseen(body)
    found = (line if isinstance(line, str) else f"\n{line[1]}\n" for line in lines(body))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(found)).strip("\n")


def from_xml(markup: str) -> str:
    """XHTML as HTML: what XML may write as empty (`<title/>`) is closed."""
    return _EMPTY.sub(r"<\1\2></\1>", markup)


def _stated_day(tree: LexborHTMLParser) -> str | None:
    found = (tree.css_first(f"meta[{where}]") for where in _DATES)
    return stated.day(*(meta.attributes.get("content") for meta in found if meta))


def _drop_unseen(body: LexborNode) -> None:
    for node in body.css(_DROPPED):
        node.decompose()
    for node in body.css("[style]"):
        if _HIDDEN_STYLE.search(node.attributes.get("style") or ""):
            node.decompose()


def lines(root: LexborNode) -> Iterator[str | tuple[int, str]]:
    """The lines below `root` in reading order, headings as (level, text); "" ends a paragraph.

    Walks with a stack of its own: pages nest deeper than Python recurses.
    """
    inline: list[str] = []
    bullet = ""
    stack = [(child, False) for child in reversed(_children(root))]
    while stack:
        node, leaving = stack.pop()
        tag = node.tag or ""
        if node.is_text_node:
            inline.append(node.text_content or "")
            continue
        if tag in _BLOCKS:
            if line := _joined(inline):
                yield bullet + line
                bullet = ""
            inline.clear()
        if tag == "li":
            bullet = "" if leaving else "- "
        if leaving:
            if tag in _PARAGRAPHS:
                yield ""
        elif (whole := _whole(node, tag)) is not None:
            yield from whole
        else:
            stack.append((node, True))
            stack.extend((child, False) for child in reversed(_children(node)))
    if line := _joined(inline):
        yield bullet + line


def _whole(node: LexborNode, tag: str) -> Iterable[str | tuple[int, str]] | None:
    """The lines of an element that is read as one, or None: its children are read one by one."""
    if tag in _HEADINGS:
        return [(_HEADINGS[tag], _flat(node))]
    if tag == "pre":
        return [(node.text() or "").replace("\xad", "").strip("\n") + "\n"]
    if tag == "table" and _holds_data(node):
        return _rows(node)
    return None


def _holds_data(table: LexborNode) -> bool:
    """Whether a table is one of rows to read, not a means to lay out the page."""
    return len(table.css("table")) == 1 and table.css_first(_LAYOUT) is None


def _rows(table: LexborNode) -> Iterator[str]:
    """One line for each row of a table of data, between empty lines."""
    yield ""
    for row in table.css("caption, tr"):
        cells = [row] if row.tag == "caption" else row.css("th, td")
        line = " | ".join(_flat(cell) for cell in cells)
        if line.strip(" |"):
            yield line
    yield ""


def _flat(node: LexborNode) -> str:
    """All text below a node on one line."""
    found = (line if isinstance(line, str) else line[1] for line in lines(node))
    return " ".join(line.strip() for line in found if line.strip())


def _joined(inline: list[str]) -> str:
    return " ".join("".join(inline).replace("\xad", "").split())


def _children(node: LexborNode) -> list[LexborNode]:
    children = []
    child = node.child
    while child is not None:
        children.append(child)
        child = child.next
    return children
