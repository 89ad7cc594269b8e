"""Pictures of pages: marked, for OCR, as PNG. What PDF pages and image files have in common.

Knows nothing of documents and of where the marks come from.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

from PIL import Image, ImageChops, ImageDraw

from rag.loaders import word_boxes

MOST_PIXELS = 12_000_000
"""Of an image that is shown or read: a page of A3 at 200 dpi has eight million."""
LONGEST_SIDE = 2000
"""Pixels at 110 dpi; in proportion at others."""
SMALL = 2_000_000
"""Pixels of a picture that is enlarged for OCR. A page of A4 has as many at 150 dpi."""
YELLOW = (255, 236, 110)
MARGIN = 1.5
"""Pixels that a mark reaches beyond its letters."""

Pixels = tuple[float, float, float, float]
"""Left, top, right, bottom of a box in a picture."""


def marked(picture: Image.Image, boxes: Sequence[Pixels]) -> Image.Image:
    """The picture as if a marker had been drawn over the boxes: dark stays dark."""
    picture = picture.convert("RGB")
    if not boxes:
        return picture
    mask = Image.new("L", picture.size)
    draw = ImageDraw.Draw(mask)
    for left, top, right, bottom in boxes:
        draw.rounded_rectangle(
            (left - MARGIN, top - MARGIN, right + MARGIN, bottom + MARGIN), MARGIN, fill=255
        )
    yellow = ImageChops.multiply(picture, Image.new("RGB", picture.size, YELLOW))
    return Image.composite(yellow, picture, mask)


def words_marked(
    picture: Image.Image, boxes: bytes, spans: Sequence[tuple[int, int]]
) -> Image.Image:
    """The picture of a page that OCR read, with the words of these spans of its text marked."""
    width, height = (side / word_boxes.WHOLE for side in picture.size)
    found = word_boxes.boxes_of(boxes, spans)
    return marked(
        picture, [(b[0] * width, b[1] * height, b[2] * width, b[3] * height) for b in found]
    )


def for_ocr(picture: Image.Image, enlarge: bool) -> Image.Image:
    """The picture in grey. `enlarge`: twice as large where it is small, as pictures of screens are,
    whose letters have too few pixels to be told apart.
    """
    grey = picture.convert("L")
    return _scaled(grey, 2.0) if enlarge and grey.width * grey.height < SMALL else grey


def longest_side(dpi: int) -> int:
    """The most pixels that a picture of so many dots per inch is high or wide."""
    return LONGEST_SIDE * dpi // 110


def fitting(picture: Image.Image) -> Image.Image:
    """The picture, made smaller where it has more pixels than are shown."""
    share = MOST_PIXELS / (picture.width * picture.height)
    return picture if share >= 1 else _scaled(picture, math.sqrt(share))


def as_png(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG", compress_level=3)
    return out.getvalue()


def _scaled(picture: Image.Image, factor: float) -> Image.Image:
    size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
    return picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
