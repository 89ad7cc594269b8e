"""The sizes beyond which a file is refused, and the error that says so."""

from __future__ import annotations

from pathlib import Path

from rag.errors import TooLarge

MAX_BYTES = 500 * 1000 * 1000
MAX_PAGES = 5000
MAX_CHARACTERS = 20 * 1000 * 1000
MAX_PART = 100 * 1000 * 1000
"""Bytes of one part of an archive, unpacked. A bomb of 250 kB holds 250 MB."""
MAX_UNPACKED = 300 * 1000 * 1000
"""Bytes of all parts of an archive that are read, unpacked."""
MAX_PARTS = 20_000
"""Parts of an archive."""
MAX_DEPTH = 200
"""Elements of a markup within one another. No real document comes near it."""
MAX_MEMBER = 100 * 1000 * 1000
"""Bytes of one attachment."""
MAX_MEMBERS = 1000
"""Attachments of one container."""
MAX_NESTING = 4
"""Containers within one another."""
MAX_HEADER = 20_000
"""Characters of one header of a message. Decoding is slower than linear."""
MAX_PIXELS = 100 * 1000 * 1000
"""Of an image: unpacked it has to fit into the reading process, more than once."""
MAX_MAIL_PARTS = 500
"""Parts of one message. Parsing is slower than linear, and recurses once for each level."""


def too_many_bytes(path: Path, size: int) -> TooLarge:
    return TooLarge(
        str(path),
        f"{path.name} has {size / 1e6:,.0f} MB; at most {MAX_BYTES / 1e6:,.0f} MB are read.",
        "Split it into smaller files.",
    )


def too_many_pages(path: Path, pages: int, called: str = "pages") -> TooLarge:
    return TooLarge(
        str(path),
        f"{path.name} has {pages:,} {called}; at most {MAX_PAGES:,} are read.",
        "Split it into smaller files.",
    )


def too_much_text(path: Path) -> TooLarge:
    return TooLarge(
        str(path),
        f"{path.name} has more than {MAX_CHARACTERS:,} characters of text.",
        "Split it into smaller files.",
    )


def too_much_unpacked(path: Path) -> TooLarge:
    return TooLarge(
        str(path),
        f"{path.name} unpacks to more than a document may: it may be a decompression bomb.",
        "If it is a real document, split it or save it as PDF.",
    )


def too_large_member(path: Path, name: str) -> TooLarge:
    return TooLarge(
        str(path),
        f"{name} in {path.name} has more than {MAX_MEMBER / 1e6:,.0f} MB.",
        "Save it as a file of its own and add that.",
    )
