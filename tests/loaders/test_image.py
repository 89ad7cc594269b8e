"""Images as documents: their pages, their limits, their pictures."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from rag.errors import Damaged, NoText, TooLarge, Unreadable
from rag.loaders import image
from rag.loaders.loading import load
from rag.loaders.picture import MOST_PIXELS, for_ocr, words_marked
from rag.loaders.word_boxes import WHOLE, Word, encode
from rag.loaders.worker import ReaderProcess
from rag.types import Unit
from tests.pictures import marked_box, written

Write = Callable[[str, str | bytes], Path]


def saved(picture: Image.Image, kind: str, **how: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **how)
    return out.getvalue()


def png_of(width: int, height: int) -> bytes:
    """A PNG that says it is so large, and holds hardly anything."""

    def part(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", zlib.compress(b"\0")) + part(
        b"IEND", b""
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF"])
def test_every_kind_of_image_is_a_page_that_needs_ocr_whatever_its_name(
    kind: str, write: Write
) -> None:
    document = load(write("a.txt", saved(written("heron"), kind)))
    (unit,) = document.units
    assert (document.format, unit.kind, unit.state, unit.text) == ("image", "page", "needs_ocr", "")


def test_a_tiff_has_all_its_pages_and_an_animation_one(write: Write) -> None:
    pages = [written(f"page {number}") for number in range(3)]
    for kind, count in (("TIFF", 3), ("GIF", 1), ("WEBP", 1)):
        path = write(f"a.{kind}", saved(pages[0], kind, save_all=True, append_images=pages[1:]))
        assert [unit.number for unit in load(path).units] == list(range(1, count + 1))
    path = write("a.tif", saved(pages[0], "TIFF", save_all=True, append_images=pages[1:]))
    assert image.page_picture(path, 3).tobytes() == pages[2].convert("RGB").tobytes()
    with pytest.raises(Unreadable, match="no page 4"):
        image.page_picture(path, 4)


def test_a_photo_is_turned_upright_and_what_is_transparent_is_paper(write: Write) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held on its side
    lying = Image.new("RGB", (200, 100), "white")
    path = write("a.jpg", saved(lying, "JPEG", exif=exif))
    assert image.page_picture(path, 1).size == (100, 200)
    clear = Image.new("RGBA", (50, 50), (0, 0, 0, 0))
    assert image.page_picture(write("a.png", saved(clear, "PNG")), 1).getpixel((5, 5)) == (255,) * 3


def test_pictures_of_sixteen_bits_keep_their_letters(write: Write) -> None:
    deep = Image.new("I;16", (100, 100), 40_000)
    deep.paste(2_000, (20, 20, 60, 60))
    grey = image.page_picture(write("a.tif", saved(deep, "TIFF")), 1).convert("L")
    low, high = grey.getextrema()
    assert high - low > 100


def test_what_is_too_small_for_a_line_of_text_has_none(write: Write) -> None:
    with pytest.raises(NoText, match="too small"):
        load(write("dot.gif", saved(Image.new("L", (1, 1)), "GIF")))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_an_image_cut_off_is_damaged(kind: str, write: Write) -> None:
    whole = saved(written("heron\n" * 10), kind)
    with pytest.raises(Damaged):
        load(write("a.img", whole[: len(whole) // 3]))


def test_a_decompression_bomb_is_refused_before_it_is_unpacked(
    reader: ReaderProcess, write: Write
) -> None:
    path = write("bomb.png", png_of(60_000, 60_000))
    with pytest.raises(TooLarge, match="3,600 million pixels"):
        reader.load(path)
    with pytest.raises(TooLarge):
        reader.scan(path, 1)


def test_a_large_image_is_shown_with_fewer_pixels(write: Write) -> None:
    shown = image.page_picture(write("a.png", saved(Image.new("1", (6000, 4000)), "PNG")), 1)
    assert shown.width * shown.height <= MOST_PIXELS * 1.01
    assert shown.width / shown.height == pytest.approx(1.5, abs=0.01)


def test_a_small_picture_is_enlarged_for_ocr_and_a_page_is_not() -> None:
    assert for_ocr(Image.new("RGB", (800, 600)), enlarge=True).size == (1600, 1200)
    assert for_ocr(Image.new("RGB", (800, 600)), enlarge=False).size == (800, 600)
    assert for_ocr(Image.new("RGB", (1654, 2339)), enlarge=True).size == (1654, 2339)


def test_the_words_of_a_span_are_marked_in_a_picture_of_any_size() -> None:
    box = (WHOLE // 4, WHOLE // 2, WHOLE // 2, WHOLE * 3 // 4)
    boxes = encode([Word(0, 3, (0, 0, 9, 9)), Word(4, 9, box)])
    for width, height in ((400, 200), (1000, 2000)):
        found = marked_box(
            words_marked(Image.new("RGB", (width, height), "white"), boxes, [(5, 6)])
        )
        expected = (width / 4, height / 2, width / 2, height * 3 / 4)
        assert found == pytest.approx(expected, abs=4)


def test_an_image_is_drawn_by_the_reading_process_with_its_words_marked(
    reader: ReaderProcess, write: Write
) -> None:
    path = write("a.png", saved(written("heron"), "PNG"))
    boxes = encode([Word(0, 5, (0, 0, WHOLE // 2, WHOLE // 2))])
    unit = Unit(1, "page", "page 1", "heron", state="ocr", char_map=boxes)
    plain = Image.open(io.BytesIO(reader.render(path, unit)))
    marked = Image.open(io.BytesIO(reader.render(path, unit, [(0, 5)])))
    assert marked_box(plain) is None
    assert marked_box(marked) == pytest.approx((0, 0, marked.width / 2, marked.height / 2), abs=4)
