"""The sizes beyond which a file is refused, and the error that says so."""

from __future__ import annotations

from pathlib import Path

from rag.errors import TooLarge

MAX_BYTES = 500 * 1000 * 1000
MAX_PAGES = 5000
MAX_CHARACTERS = 20 * 1000 * 1000


def too_many_bytes(path: Path, size: int) -> TooLarge:
    return TooLarge(
        str(path),
        f"{path.name} has {size / 1e6:,.0f} MB; at most {MAX_BYTES / 1e6:,.0f} MB are read.",
        "Split it into smaller files.",
    )


def too_many_pages(path: Path, pages: int) -> TooLarge:
    return TooLarge(
        str(path),
        f"{path.name} has {pages:,} pages; at most {MAX_PAGES:,} are read.",
        "Split it into smaller files.",
    )


def too_much_text(path: Path) -> TooLarge:
    return TooLarge(
        str(path),
        f"{path.name} has more than {MAX_CHARACTERS:,} characters of text.",
        "Split it into smaller files.",
    )
