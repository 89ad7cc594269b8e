"""What documents state about themselves, each format in its own way, made uniform.

Knows nothing of formats.
"""

from __future__ import annotations

import re
from datetime import date

from rag.loaders.cleaning import clean, letters
from rag.loaders.sections import LONGEST_HEADING, shortened

_DAY = re.compile(r"\s*(\d{4})-(\d{2})-(\d{2})(?!\d)")
_LANGUAGE = re.compile(r"\s*([A-Za-z]{2,3})(?:[-_]([A-Za-z0-9_-]{2,20}))?\s*")
# What programs write by themselves, and names of files.
_NO_TITLE = re.compile(
    r"(?:microsoft (?:word|powerpoint|excel)(?: - .*)?|(?:power ?point|libre ?office) presentation"
    r"|presentation|untitled(?: document| spreadsheet| presentation)?|unknown|title|slide \d+"
    r"|document\s?\d*|book\d*|workbook|.*\.(?:docx?|pptx?|xlsx?|od[tsp]|rtf|html?|pdf|indd|dvi|tex))",
    re.IGNORECASE,
)


def title(*candidates: str | None) -> str | None:
    """The first of these texts that can be a title, on one line."""
    for text in candidates:
        line = " ".join(clean(text or "").split())
        if letters(line) and not _NO_TITLE.fullmatch(line):
            return shortened(line, LONGEST_HEADING)
    return None


def day(*candidates: str | None) -> str | None:
    """The first of these texts that begins with a date in ISO form, as YYYY-MM-DD."""
    for text in candidates:
        if match := _DAY.match(text or ""):
            try:
                return date(*map(int, match.groups())).isoformat()
            except ValueError:
                continue
    return None


def language(*candidates: str | None) -> str | None:
    """The first of these texts that is a language tag: `de`, `pt-BR`."""
    for text in candidates:
        if (match := _LANGUAGE.fullmatch(text or "")) and match[1].lower() not in ("und", "zxx"):
            region = match[2].replace("_", "-") if match[2] else ""
            return f"{match[1].lower()}-{region}" if region else match[1].lower()
    return None
