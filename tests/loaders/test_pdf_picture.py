import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from rag.errors import Damaged, NeedsPassword, Unreadable
from rag.loaders.loading import load
from rag.loaders.pdf_picture import render_page
from rag.loaders.picture import LONGEST_SIDE, YELLOW

RawPdf = Callable[..., Path]
SHOWN = "MMMM here is the quote"


def marked_box(png: bytes) -> tuple[Image.Image, tuple[int, int, int, int]]:
    """The picture, and the box around its yellow pixels."""
    picture = Image.open(io.BytesIO(png))
    mask = Image.new("L", picture.size)
    mask.putdata([255 * (pixel == YELLOW) for pixel in picture.get_flattened_data()])
    box = mask.getbbox()
    assert box is not None
    return picture, box


def drawn(path: Path, page: str = "") -> tuple[Image.Image, tuple[int, int, int, int]]:
    (unit,) = load(path).units
    start = unit.text.index("MMMM")  # rotation changes the order in which pdfium reads lines
    return marked_box(render_page(path, 1, unit.char_map, [(start, start + 4)], dpi=72))


def test_the_mark_lies_over_the_quote(raw_pdf: RawPdf) -> None:
    picture, (left, top, right, bottom) = drawn(raw_pdf(SHOWN))
    assert picture.format == "PNG" and picture.size == (612, 792)
    assert 96 <= left <= 104 and 160 <= right <= 175  # 4 letters of 0.833 em at 20 points
    assert 74 <= top <= 82 and 90 <= bottom <= 96  # the line stands on 792 - 700


@pytest.mark.parametrize(
    ("page", "size", "place"),
    [
        ("/Rotate 90", (792, 612), (700, 100)),
        ("/Rotate 180", (612, 792), (612 - 100, 700)),
        ("/Rotate 270", (792, 612), (792 - 700, 612 - 100)),
        ("/CropBox[50 300 400 750]", (350, 450), (50, 50)),
        ("/CropBox[50 300 400 750]/Rotate 90", (450, 350), (400, 50)),
    ],
)
def test_the_mark_follows_rotation_and_crop_box(
    raw_pdf: RawPdf, page: str, size: tuple[int, int], place: tuple[int, int]
) -> None:
    picture, (left, top, right, bottom) = drawn(raw_pdf(SHOWN, page=page))
    assert picture.size == size
    # `place` is where the base line of the first letter starts on the rotated, cropped page.
    assert left - 5 <= place[0] <= right + 5 and top - 5 <= place[1] <= bottom + 5
    upright = "Rotate 90" not in page and "Rotate 270" not in page
    assert (right - left > bottom - top) == upright
    dark = picture.convert("L").crop((left, top, right, bottom)).point(lambda p: 255 * (p < 100))
    assert dark.getbbox() is not None, "the letters show through the mark"


def test_without_a_map_the_page_is_drawn_unmarked(raw_pdf: RawPdf) -> None:
    picture = Image.open(io.BytesIO(render_page(raw_pdf(SHOWN), 1, b"", [(0, 4)], 72)))
    assert YELLOW not in {color for _, color in picture.getcolors(1 << 24)}


def test_a_page_of_kilometres_is_drawn_small(raw_pdf: RawPdf) -> None:
    path = raw_pdf(SHOWN)
    path.write_bytes(path.read_bytes().replace(b"0 0 612 792", b"0 0 2e5 1e5"))
    picture = Image.open(io.BytesIO(render_page(path, 1, b"", [], 72)))
    assert max(picture.size) <= LONGEST_SIDE


def test_a_missing_page_and_a_password_are_said(raw_pdf: RawPdf, make_pdf: RawPdf) -> None:
    with pytest.raises(Unreadable, match="no page 7"):
        render_page(raw_pdf(SHOWN), 7, b"", [], 72)
    with pytest.raises(NeedsPassword):
        render_page(make_pdf(["x"], password="secret"), 1, b"", [], 72)
    broken = raw_pdf(SHOWN)
    broken.write_bytes(b"%PDF-1.4 nothing")
    with pytest.raises(Damaged):
        render_page(broken, 1, b"", [], 72)
