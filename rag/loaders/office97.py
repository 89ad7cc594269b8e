"""Word and PowerPoint 97-2003 (doc, ppt): named with what to do; libreoffice.py converts them."""

from __future__ import annotations

from pathlib import Path

from rag.errors import Unsupported
from rag.loaders.formats import Reading


def read(path: Path) -> Reading:
    """Always raises `Unsupported`."""
    raise Unsupported(
        str(path),
        f"{path.name} is Word or PowerPoint 97-2003, which is read only where LibreOffice is.",
        "Save it as docx or pptx and add that, or install LibreOffice.",
    )
