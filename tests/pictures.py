"""Pictures of text, as scanners and screens make them, and what reads them."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from rag.loaders import tesseract

MARK = (255, 236, 110)
"""The yellow of a highlight on white paper."""


def needs_tesseract() -> None:
    """Skip the test where no tesseract with English is installed."""
    tesseract._asked.cache_clear()
    engine = tesseract.installed()
    if engine is None or "eng" not in engine.languages:
        pytest.skip("no tesseract: apt-get install tesseract-ocr")


def written(text: str, size: int = 40, width: int = 1300) -> Image.Image:
    """A page with a text on it, black on white, as a scan of 150 dpi has it."""
    lines = text.split("\n")
    picture = Image.new("L", (width, 200 + size * 3 // 2 * len(lines)), "white")
    font = ImageFont.load_default(size)
    for i, line in enumerate(lines):
        ImageDraw.Draw(picture).text((100, 100 + size * 3 // 2 * i), line, fill="black", font=font)
    return picture


def scanned(path: Path, pages: Sequence[str]) -> Path:
    """A PDF whose pages are pictures of text; one that begins with "text:" has a text layer."""
    from fpdf import FPDF

    document = FPDF()
    document.set_font("helvetica", size=12)
    for page in pages:
        document.add_page()
        if page.startswith("text:"):
            document.multi_cell(0, text=page.removeprefix("text:"))
        elif page:
            document.image(written(page), x=10, y=10, w=180)
    path.parent.mkdir(parents=True, exist_ok=True)
    document.output(str(path))
    return path


def marked_box(picture: Image.Image) -> tuple[int, int, int, int] | None:
    """The box around all that is highlighted."""
    red, green, blue = picture.convert("RGB").split()
    yellow = [
        band.point(lambda value, wanted=wanted: 255 * (value == wanted))
        for band, wanted in zip((red, green, blue), MARK, strict=True)
    ]
    both = Image.composite(yellow[1], Image.new("L", picture.size), yellow[0])
    return Image.composite(yellow[2], Image.new("L", picture.size), both).getbbox()


@contextmanager
def only_programs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that is the PATH: what is in it is all that is installed."""
    folder.mkdir(exist_ok=True)
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(folder))
        tesseract._asked.cache_clear()
        yield folder
    tesseract._asked.cache_clear()


def install(folder: Path, body: str, languages: str = "eng", version: str = "5.9") -> None:
    """A program of our own in the place of tesseract; `body` is what it does with a page."""
    folder.mkdir(exist_ok=True)
    listed = "\\n".join(["List of available languages (1):", *languages.split()])
    program = folder / "tesseract"
    program.write_text(
        f"#!{sys.executable}\nimport os, sys, time\n"
        f"if '--version' in sys.argv: print('tesseract {version}\\n leptonica-1'); sys.exit()\n"
        f"if '--list-langs' in sys.argv: print('{listed}'); sys.exit()\n{body}\n"
    )
    program.chmod(0o755)
    tesseract._asked.cache_clear()


def counted(folder: Path, log: Path) -> None:
    """The real tesseract, each page it is given noted in a log."""
    real = shutil.which("tesseract")
    arguments = f"[{real!r}, *sys.argv[1:]]"
    install(folder, f"open({str(log)!r}, 'a').write('page\\n')\nos.execv({real!r}, {arguments})")
