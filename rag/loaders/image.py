"""Images (png, jpg, tiff, bmp, webp, gif): one page each, a tiff's all, read by OCR; no animation.

A page of an image is a unit that needs OCR; what is too small for a line of text is `empty`.
"""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from PIL import Image, ImageOps, UnidentifiedImageError

from rag.errors import Damaged, NoText, TooLarge, Unreadable
from rag.loaders.formats import Reading
from rag.loaders.limits import MAX_PAGES, MAX_PIXELS, too_many_pages
from rag.loaders.picture import fitting
from rag.types import Unit, UnitState

KINDS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF", "MPO")
"""What Pillow calls them; whatever else it can open it is not let open. MPO: photos of some phones."""
SMALLEST = 24
"""Pixels: a picture with a shorter side holds an icon or a line, not text."""
_TROUBLE = (
    ArithmeticError, AttributeError, IndexError, KeyError, OSError, SyntaxError, TypeError,
    ValueError, struct.error,
)  # fmt: skip


def read(path: Path) -> Reading:
    """Units of kind `page`. Raises `Damaged`, `TooLarge`, `NoText` where all are too small."""
    with _open(path) as image:
        count = getattr(image, "n_frames", 1) if image.format == "TIFF" else 1
        if count > MAX_PAGES:
            raise too_many_pages(path, count)
        units = tuple(_unit(path, image, number) for number in range(1, count + 1))
        image.seek(0)
        image.draft("L", (SMALLEST, SMALLEST))  # a JPEG is decoded small: enough to see it is whole
        image.load()
    if all(unit.state == "empty" for unit in units):
        raise NoText(
            str(path), f"{path.name} is too small to hold text.", "There is nothing in it."
        )
    return Reading(None, units)


def page_picture(path: Path, number: int) -> Image.Image:
    """Page `number` (from 1), upright, on white where it is transparent.

    Raises `Unreadable` if there is no such page, `Damaged`, `TooLarge`.
    """
    with _open(path) as image:
        _seek(path, image, number)
        upright = ImageOps.exif_transpose(fitting(_of_eight_bits(image)))
        if upright.has_transparency_data:
            upright = upright.convert("RGBA")
            white = Image.new("RGBA", upright.size, "white")
            upright = Image.alpha_composite(white, upright)
        return upright.convert("RGB")


def _of_eight_bits(image: Image.Image) -> Image.Image:
    """The image; one of more bits than a screen shows with its own darkest and lightest as ends."""
    if image.mode not in ("I", "F") and not image.mode.startswith("I;16"):
        return image
    plain = image.convert("F")
    low, high = cast(tuple[float, float], plain.getextrema())
    scale = 255 / (high - low) if high > low else 0.0
    return plain.point(lambda value: value * scale - low * scale).convert("L")


@contextmanager
def _open(path: Path) -> Iterator[Image.Image]:
    """The image, nothing of it decoded yet. Errors of Pillow inside the block become ours."""
    Image.MAX_IMAGE_PIXELS = None  # our own limit is lower, and says what is wrong
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path, formats=KINDS) as image:
            yield image
    except UnidentifiedImageError as error:
        raise _damaged(path) from error
    except _TROUBLE as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise _damaged(path) from error


def _unit(path: Path, image: Image.Image, number: int) -> Unit:
    _seek(path, image, number)
    state: UnitState = "empty" if min(image.size) < SMALLEST else "needs_ocr"
    return Unit(number, "page", f"page {number}", "", state=state)


def _seek(path: Path, image: Image.Image, number: int) -> None:
    """Go to a page, whose size is then known. Raises `Unreadable`, `TooLarge`."""
    try:
        image.seek(number - 1)
    except EOFError as error:
        raise Unreadable(
            str(path), f"{path.name} has no page {number}.", "It has changed; ingest it again."
        ) from error
    if image.width * image.height > MAX_PIXELS:
        raise TooLarge(
            str(path),
            f"{path.name} has {image.width * image.height / 1e6:,.0f} million pixels; at most "
            f"{MAX_PIXELS / 1e6:.0f} million are read: it may be a decompression bomb.",
            "Save it smaller.",
        )


def _damaged(path: Path) -> Damaged:
    return Damaged(
        str(path),
        f"{path.name} is damaged, or no picture.",
        "Open and save it again with the program that made it, and add that.",
    )
