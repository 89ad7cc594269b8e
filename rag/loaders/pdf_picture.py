"""The picture of a PDF page, and where on it passages of its text lie.

Works on the file as it was read: character maps of another file, or of another version of pdfium,
would mark other words. Knows nothing of quotes and documents.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pypdfium2.raw as pdfium  # type: ignore[import-untyped]
from PIL import Image
from pypdfium2 import PdfiumError, PdfPage

from rag.errors import Damaged, Unreadable
from rag.loaders.charmap import char_ranges, decode_map
from rag.loaders.pdf import needs_password, open_pdf
from rag.loaders.picture import Pixels, as_png, longest_side, marked

Rect = tuple[float, float, float, float]
"""Left, bottom, right, top in PDF units (1/72 inch, upwards) of the unrotated page."""
Span = tuple[int, int]

SPREAD = 1.3
"""Two rectangles become one if that adds less than this share to their area."""


def render_page(path: Path, number: int, char_map: bytes, spans: Sequence[Span], dpi: int) -> bytes:
    """A PNG of page `number` (from 1), the `spans` of its stored text marked in yellow.

    Raises `Unreadable` if there is no such page, `Damaged` if it cannot be drawn, `NeedsPassword`.
    """
    with _page(path, number) as page:
        picture = _drawn(path, number, page, dpi).convert("RGB")
        boxes = [_on_picture(page, rect, picture.size) for rect in _rects(page, char_map, spans)]
    return as_png(marked(picture, boxes))


def page_picture(path: Path, number: int, dpi: int) -> Image.Image:
    """Page `number` (from 1) as a picture. Raises as `render_page` does."""
    with _page(path, number) as page:
        return _drawn(path, number, page, dpi)


def _drawn(path: Path, number: int, page: PdfPage, dpi: int) -> Image.Image:
    """The page, smaller than at `dpi` where it claims to be kilometres wide."""
    scale = min(dpi / 72, longest_side(dpi) / max(1.0, *page.get_size()))
    if math.ceil(min(page.get_size()) * scale) < 1:
        raise Damaged(str(path), f"Page {number} of {path.name} has no area.", "")
    picture: Image.Image = page.render(scale=scale).to_pil()
    return picture


def highlight_rects(path: Path, number: int, char_map: bytes, spans: Sequence[Span]) -> list[Rect]:
    """Where the `spans` of the stored text of a page lie, about one rectangle for each line.

    Raises as `render_page` does.
    """
    with _page(path, number) as page:
        return _rects(page, char_map, spans)


@contextmanager
def _page(path: Path, number: int) -> Iterator[PdfPage]:
    """The page, open. Errors of pdfium inside the block become ours."""
    try:
        with open_pdf(path) as document:
            if not 1 <= number <= len(document):
                raise Unreadable(
                    str(path),
                    f"{path.name} has no page {number}.",
                    "It has changed since it was read; ingest it again.",
                )
            yield document[number - 1]
    except PdfiumError as error:
        if error.err_code == pdfium.FPDF_ERR_PASSWORD:
            raise needs_password(path) from error
        raise Damaged(
            str(path), f"Page {number} of {path.name} cannot be drawn.", "Read its text instead."
        ) from error


def _rects(page: PdfPage, char_map: bytes, spans: Sequence[Span]) -> list[Rect]:
    pieces = decode_map(char_map)
    textpage = page.get_textpage()
    rects: list[Rect] = []
    for start, end in spans:
        for index, count in char_ranges(pieces, start, end):
            found = textpage.count_rects(index, count)
            for rect in map(textpage.get_rect, range(found)):
                if _area(rect):  # a line end has none
                    _add(rects, rect)
    return rects


def _add(rects: list[Rect], rect: Rect) -> None:
    """Add a rectangle, or widen the last one by it: kerning cuts a line of text into many."""
    if rects and _in_line(last := rects[-1], rect):
        union = _union(last, rect)
        # Side by side and yet not in line: two lines of text that runs upwards.
        if _area(union) <= SPREAD * (_area(last) + _area(rect)):
            rects[-1] = union
            return
    rects.append(rect)


def _in_line(a: Rect, b: Rect) -> bool:
    overlap = min(a[3], b[3]) - max(a[1], b[1])
    return overlap > 0.5 * min(a[3] - a[1], b[3] - b[1])


def _union(a: Rect, b: Rect) -> Rect:
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])


def _area(rect: Rect) -> float:
    return (rect[2] - rect[0]) * (rect[3] - rect[1])


def _on_picture(page: PdfPage, rect: Rect, size: tuple[int, int]) -> Pixels:
    """pdfium's own conversion knows rotation and crop box."""
    x, y = ctypes.c_int(), ctypes.c_int()
    corners = []
    for horizontal, vertical in (rect[:2], rect[2:]):
        pdfium.FPDF_PageToDevice(page, 0, 0, *size, 0, horizontal, vertical, x, y)
        corners.append((x.value, y.value))
    (x0, y0), (x1, y1) = corners
    return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)
