"""PDF text by pypdf: slower, without places on the page, but it opens some files pdfium does not.

Only the second try of `pdf.py`. Knows nothing of units and titles.
"""

from __future__ import annotations

import logging
import struct
import zlib
from pathlib import Path

from rag.errors import Damaged, LoadError, NeedsPassword
from rag.loaders.cleaning import clean, letters
from rag.loaders.limits import MAX_CHARACTERS, MAX_PAGES, too_many_pages, too_much_text

PROBED = 10
"""If this many pages have no text, the rest is not tried: a long scan would take minutes."""

# What pypdf lets through from a damaged file besides its own errors.
_TROUBLE = (
    ArithmeticError, AssertionError, AttributeError, LookupError, NotImplementedError,
    RecursionError, TypeError, ValueError, struct.error, zlib.error,
)  # fmt: skip


def page_texts(path: Path) -> list[str]:
    """The text of each page. Raises `NeedsPassword`, `TooLarge` or `Damaged`."""
    from pypdf.errors import (
        DependencyError,
        DeprecationError,
        FileNotDecryptedError,
        PyPdfError,
    )

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        return _texts(path)
    except FileNotDecryptedError as error:
        raise _encrypted(path, "it needs a password") from error
    except DependencyError as error:  # AES without the package cryptography, which we do not need
        raise _encrypted(path, "it is encrypted in an unusual way") from error
    except (PyPdfError, DeprecationError, *_TROUBLE) as error:
        raise Damaged(
            str(path),
            f"{path.name} is damaged or no PDF: {type(error).__name__}.",
            "Get a whole copy of the file, or print it to PDF again.",
        ) from error


def _texts(path: Path) -> list[str]:
    from pypdf import PdfReader

    texts: list[str] = []
    with PdfReader(path) as reader:
        count = len(reader.pages)
        if count > MAX_PAGES:
            raise too_many_pages(path, count)
        for page in reader.pages:
            texts.append(clean(page.extract_text()))
            if sum(map(len, texts)) > MAX_CHARACTERS:
                raise too_much_text(path)
            if len(texts) == PROBED and not any(letters(text) for text in texts):
                return texts + [""] * (count - PROBED)
    return texts


def _encrypted(path: Path, why: str) -> LoadError:
    return NeedsPassword(
        str(path),
        f"{path.name} cannot be opened: {why}.",
        "Save a copy without a password and add that.",
    )
