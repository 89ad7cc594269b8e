"""Foreign text shown as what it is: no images, links, HTML or changed characters."""

from __future__ import annotations

import html
import re

import pytest
from markdown_it import MarkdownIt

from ui import safe

HOSTILE = [
    "![x](http://evil.test/a.png)",
    "![x][1]\n\n[1]: http://evil.test/a.png",
    "[click](http://evil.test)",
    "[click][1] <http://evil.test>",
    "http://evil.test/?q=secret and https://evil.test",
    "HTTPS://EVIL.test",
    "www.evil.test",
    "mail me@evil.test now",
    "<img src=http://evil.test/a.png>",
    "<script>alert(1)</script>",
    "&lt;img src=x&gt; &amp; &#105;",
    "# not a heading",
    "1. not a list\n- not a list",
    "> not a quote",
    "`code` **bold** _it_ ~~gone~~",
    "```\nnot a block\n```",
    "    four spaces are not code",
    "| a | b |\n|---|---|\n| c | d |",
    "$x^2$ and $$y$$",
    ":red[loud] :material/home: :smile: :streamlit:",
    "a -- b -> c <- d <-> e >= f <= g ~= h",
    "\\![x](y) \\",
    "[x]: http://evil.test",
    "*[HTML]: abbreviation",
    "a\tb",
]
BREAK = safe.BREAK


def rendered(markdown: str) -> str:
    return MarkdownIt("commonmark", {"linkify": False}).enable("table").render(markdown)


def shown(markdown: str) -> str:
    """The text a reader sees, and would copy (but for the invisible break)."""
    text = re.sub(r"<br\s*/?>\n?", "\n", rendered(markdown))
    return html.unescape(re.sub(r"</?p>", "", text)).strip("\n").replace(BREAK, "")


@pytest.mark.parametrize("text", HOSTILE)
def test_no_markup_of_a_foreign_text_is_obeyed(text: str) -> None:
    for markdown in (safe.line(text), safe.lines(text)):
        tags = set(re.findall(r"<(\w+)", rendered(markdown)))
        assert tags <= {"p", "br"}, rendered(markdown)


@pytest.mark.parametrize("text", HOSTILE)
def test_the_words_of_a_foreign_text_are_all_shown(text: str) -> None:
    assert shown(safe.line(text)) == " ".join(text.split())


# What Streamlit's Markdown finds in running text after escapes are undone (its bundled scripts).
FOUND_IN_TEXT = [
    r"https?://", r"www\.", r"[-.\w+]+@[-\w]+(\.[-\w]+)+", r":[\w+-]+:", r":material/\w+:",
    r"(^|\s)(<->|->|<-|--|>=|<=|~=)(\s|$)",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_is_left_for_patterns_that_ignore_escapes(text: str) -> None:
    seen = html.unescape(re.sub(r"<[^>]*>", "", rendered(safe.line(text))))
    for pattern in FOUND_IN_TEXT:
        assert not re.search(pattern, seen, re.IGNORECASE), (pattern, seen)


def test_ordinary_text_has_no_breaks_in_it() -> None:
    text = "At 10:30, 19 days (70 %) at -10 °C; A/B, 1-2, x=y, a->b; rag serve --port 8600."
    assert BREAK not in safe.line(text)


def test_plain_text_keeps_its_characters_but_not_the_invisible_ones() -> None:
    assert safe.plain("a\u202eb\u200bc\ufeffd\x1b[31m\x00\U000e0041") == "abcd[31m"
    assert safe.plain("![x](y)\r\n<b> -- \tz\rq") == "![x](y)\n<b> -- \tz\nq"


def test_a_marked_span_is_highlighted_line_by_line() -> None:
    text = "before\nfirst [x] line\nsecond line after"
    start, end = text.index("first"), text.index(" after")
    marked = safe.lines(text, (start, end))
    assert ":orange-background[first \\[x\\] line]  \n" in marked
    assert ":orange-background[second line]" in marked
    assert marked.endswith(" after")
    assert shown(re.sub(r":orange-background(?=\[)", "", marked)).count("[") == 3


def test_a_text_cannot_close_the_highlight() -> None:
    marked = safe.lines("a ] :red[b] c", (0, 13))
    inside = re.search(r":orange-background\[(.*)\]$", marked)
    assert inside
    assert not re.search(r"(?<!\\)[\[\]]", inside.group(1))
