"""Fonts to draw text of any script with: those of this machine, else those that packages carry.

A character is drawn with the first font that has it; which have none at all is known, so that it can
be said instead of drawing boxes. Knows nothing of pages.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import unicodedata
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path

from PIL import ImageDraw, ImageFont

_SANS = ("DejaVuSans", "NotoSans-Regular", "LiberationSans-Regular", "arial", "Arial", "Helvetica")
_FIXED = ("DejaVuSansMono", "NotoSansMono-Regular", "LiberationMono-Regular", "consola", "Menlo")
# What has the other scripts, where it is installed: by the beginning of its name, the best first.
_OTHERS = re.compile(
    "NotoSansCJK-Regular|NotoSansCJKsc-Regular|NotoSans[A-Z][A-Za-z]*-Regular|NotoNaskhArabic-Regular"
    "|SourceHanSans|wqy-|DroidSansFallback|Arial Unicode|PingFang|Hiragino Sans GB|AppleSDGothicNeo"
    "|GeezaPro|Kohinoor|Thonburi|msyh$|msgothic$|malgun$|Nirmala|LeelawUI$|Lohit-|FreeSans$|Symbola"
)
_SUFFIXES = {".ttf", ".otf", ".ttc"}
_MOST_FILES = 20_000
_REGULAR = 400
"""The weight of letters in running text."""
_ABSENT = "\U0010fffe"
"""A code point that is no character: what a font draws for it, it draws for all that it lacks."""

Font = ImageFont.FreeTypeFont


class Fonts:
    """The fonts of one size, in pixels. `fixed`: letters of one width first, for code."""

    def __init__(self, size: int, fixed: bool = False) -> None:
        self._size = size
        names = [_FIXED, _SANS] if fixed else [_SANS]
        self._paths = [*(p for some in names for p in _named(some)), *_others(), *_carried(fixed)]
        self._fonts: list[Font] = []
        self._of: dict[str, int] = {}
        self._widths: dict[str, float] = {}
        self.missing: set[str] = set()

    def width(self, text: str) -> float:
        """Pixels from the beginning of a text to its end."""
        if text not in self._widths:
            self._widths[text] = sum(font.getlength(run) for font, run in self._runs(text))
        return self._widths[text]

    def draw(
        self, draw: ImageDraw.ImageDraw, place: tuple[float, float], text: str, fill: str
    ) -> None:
        """Draw a line of text, its base line at a place. What no font has is left out."""
        x, y = place
        for font, run in self._runs(text):
            draw.text((x, y), run, fill=fill, font=font, anchor="ls")
            x += font.getlength(run)

    def _runs(self, text: str) -> Iterator[tuple[Font, str]]:
        """The text in pieces of one font each; a space or a mark stays with what is before it."""
        places: list[int] = []
        for character in text:
            joins = character.isspace() or unicodedata.category(character) in ("Mn", "Mc", "Cf")
            places.append(places[-1] if joins and places else self._font_of(character))
        for place, run in groupby(zip(places, text, strict=True), key=lambda pair: pair[0]):
            if place >= 0:
                yield self._font(place), "".join(character for _, character in run)

    def _font_of(self, character: str) -> int:
        """The place of the font for a character; -1 where none has it."""
        if character not in self._of:
            count = len(self._paths) + 1
            found = (i for i in range(count) if _has(self._font(i), character))
            self._of[character] = next(found, -1)
            if self._of[character] < 0:
                self.missing.add(character)
        return self._of[character]

    def _font(self, place: int) -> Font:
        while len(self._fonts) <= place:
            self._fonts.append(self._opened(len(self._fonts)))
        return self._fonts[place]

    def _opened(self, place: int) -> Font:
        if place < len(self._paths):
            path = self._paths[place]
            with contextlib.suppress(OSError, ValueError):  # damaged, or of an unknown kind
                font = ImageFont.truetype(str(path), self._size)
                if path.suffix == ".woff2":
                    font.set_variation_by_axes([_REGULAR])
                return font
        carried = ImageFont.load_default(self._size)
        assert isinstance(carried, Font), "Pillow is built with FreeType"
        return carried


def _has(font: Font, character: str) -> bool:
    if character.isspace():
        return True
    drawn, absent = font.getmask(character), font.getmask(_ABSENT)
    return drawn.getbbox() is not None and (
        drawn.size != absent.size or bytes(drawn) != bytes(absent)
    )


@cache
def _carried(fixed: bool) -> list[Path]:
    """The fonts of the web app, which Streamlit carries: Latin, Greek and Cyrillic."""
    found = find_spec("streamlit")
    if found is None or found.origin is None:
        return []
    folder = Path(found.origin).parent / "static" / "static" / "media"
    names = ["SourceCodeVF-Upright", "SourceSansVF-Upright"][0 if fixed else 1 :]
    return [path for name in names for path in folder.glob(f"{name}.ttf.*.woff2")]


def _named(names: tuple[str, ...]) -> list[Path]:
    return [_installed()[name] for name in names if name in _installed()][:1]


@cache
def _others() -> list[Path]:
    ranked = [(m.group(), p) for name, p in _installed().items() if (m := _OTHERS.match(name))]
    alternatives = _OTHERS.pattern.split("|")
    return [
        path
        for _, path in sorted(
            ranked, key=lambda item: next(
                (i for i, one in enumerate(alternatives) if re.match(one, item[0])), 0
            )
        )
    ]  # fmt: skip


@cache
def _installed() -> dict[str, Path]:
    """The font files of this machine by their names without the suffix."""
    found: dict[str, Path] = {}
    count = 0
    for folder in _folders():
        for root, _, names in os.walk(folder):
            for name in sorted(names):
                count += 1
                path = Path(root, name)
                if path.suffix.lower() in _SUFFIXES:
                    found.setdefault(path.stem, path)
            if count > _MOST_FILES:
                return found
    return found


def _folders() -> list[Path]:
    home = Path.home()
    if sys.platform == "darwin":
        return [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts"]
    if sys.platform == "win32":
        return [Path(os.environ.get("WINDIR", r"C:\Windows"), "Fonts")]
    shared = ("/usr/share/fonts", "/usr/local/share/fonts")
    return [*map(Path, shared), home / ".local/share/fonts", home / ".fonts"]
