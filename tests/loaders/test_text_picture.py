"""The stored text of a unit as a picture: all of it, its tables in columns, the quote marked."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from rag.errors import Unsupported
from rag.loaders import fonts, text_picture
from rag.loaders.text_picture import GAP, MARGIN, MOST_LINES, WIDEST, _Page
from rag.loaders.worker import ReaderProcess
from rag.types import Unit
from tests.pictures import marked_box

PROSE = "A heron stands in the reeds. " * 40
TABLE = "Code | Item | Price\nA-1 | Mounting arm, made of steel | 255\nB-2 | Panel | 1,450"


def unit(text: str, kind: str = "section", headings: tuple[str, ...] = ()) -> Unit:
    return Unit(3, kind, "section 3", text, headings)


def drawn(shown: Unit, *spans: tuple[int, int], dpi: int = 110) -> Image.Image:
    return Image.open(io.BytesIO(text_picture.render_text(shown, "a.md", spans, dpi)))


def pieces(shown: Unit, *spans: tuple[int, int]) -> list[text_picture.Piece]:
    return [piece for line in _Page(shown, 1.0).lines(spans) for piece in line]


@pytest.mark.parametrize(
    "text",
    [
        PROSE,
        TABLE,
        "\tdef f():\n\t\treturn 1\tx",
        "x" * 500,
        "  two  spaces  ",
        "汉字" * 200,
        "",
        "\n\n",
    ],
)
def test_every_character_stands_in_its_place_and_nothing_is_wider_than_the_page(text: str) -> None:
    shown = unit(text)
    page = _Page(shown, 1.0)
    found = [piece for line in page.lines([]) for piece in line if piece.start >= 0]
    for piece in found:
        stored = text[piece.start : piece.start + len(piece.text)].replace("\t", " ")
        assert piece.text == stored
        assert piece.x + page.fonts.width(piece.text) <= WIDEST - 2 * MARGIN
    said = "".join(piece.text for piece in found)
    assert [c for c in said if not c.isspace()] == [c for c in text if c not in " \t\n|"]


def test_the_cells_of_a_table_stand_below_one_another() -> None:
    found = {piece.text: piece for piece in pieces(unit(TABLE))}
    assert found["Code"].x == found["A-1"].x == found["B-2"].x == 0
    assert found["Item"].x == found["Panel"].x > GAP
    assert found["Price"].x == found["255"].x == found["1,450"].x > found["Item"].x
    assert found["Code"].strong and not found["A-1"].strong


def test_a_long_cell_is_broken_within_its_column() -> None:
    words = " ".join(f"word{number}" for number in range(300))
    found = pieces(unit(f"A | B\n{words} | short"))
    lines = [piece for piece in found if piece.text.startswith("word")]
    assert len(lines) > 3 and {piece.x for piece in lines} == {0}
    assert " ".join(piece.text for piece in lines).split() == words.split()


def test_the_mark_lies_where_the_quote_does() -> None:
    text = "first line\nthe second line\nthe third line"
    start = text.index("second")
    picture = drawn(unit(text), (start, start + 6))
    left, top, right, bottom = marked_box(picture) or (0, 0, 0, 0)
    page = _Page(unit(text), 1.0)
    assert left == pytest.approx(MARGIN + page.fonts.width("the "), abs=2)
    assert right == pytest.approx(MARGIN + page.fonts.width("the second"), abs=2)
    assert bottom - top < 30
    inside = picture.convert("L").crop((left, top, right, bottom))
    assert inside.getextrema()[0] < 100, "the letters show through the mark"
    assert marked_box(drawn(unit(text))) is None


def test_the_mark_goes_on_over_the_end_of_a_line() -> None:
    shown = unit(PROSE)
    _, top, right, bottom = marked_box(drawn(shown, (90, 250))) or (0, 0, 0, 0)
    assert bottom - top > 40 and right > 600


def test_of_a_long_unit_the_part_with_the_quote_is_drawn_and_that_is_said() -> None:
    text = "\n".join(f"line {number} of the long text" for number in range(4000))
    start = text.index("line 3000 ")
    shown = [piece.text for piece in pieces(unit(text), (start, start + 9))]
    assert shown[0].startswith("… it begins") and shown[-1].startswith("… it goes on")
    assert "line 3000 of the long text" in shown
    assert len(shown) <= MOST_LINES + 4
    assert drawn(unit(text), (start, start + 9)).height < 5000


def test_a_piece_of_a_table_carries_its_header_row_where_that_is_further_up() -> None:
    rows = "\n".join(f"Town {number} | {number}" for number in range(2000))
    shown = [
        piece.text
        for piece in pieces(unit(rows, "rows", ("Rates", "Town | Euro")), (15_000, 15_004))
    ]
    assert shown[1] == "Town | Euro"


def test_letters_that_no_font_has_are_named_and_not_drawn_as_boxes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fonts, "_installed", lambda: {})
    monkeypatch.setattr(fonts, "_others", lambda: [])
    few = pieces(unit("A long text of Latin letters, and one other: \u4e00."))
    assert (
        few[-1].text == "Left out, since no font here has it: Cjk Unified Ideograph-4E00 (U+4E00)"
    )
    with pytest.raises(Unsupported, match="No font of this machine has the letters") as caught:
        drawn(unit("\u4e00\u4e8c\u4e09 all"))
    assert "fonts-noto" in caught.value.hint


def test_latin_is_drawn_without_any_font_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "_installed", lambda: {})
    monkeypatch.setattr(fonts, "_others", lambda: [])
    assert drawn(unit("Größe: 12 µm — “naïve”")).convert("L").getextrema()[0] < 100


def test_dots_per_inch_scale_the_picture() -> None:
    small, large = drawn(unit(PROSE), dpi=55), drawn(unit(PROSE), dpi=220)
    assert large.width == pytest.approx(4 * small.width, abs=4)


def test_the_reading_process_draws_it_without_opening_the_file(reader: ReaderProcess) -> None:
    png = reader.draw(Path("gone.md"), unit("The heron stands."), [(4, 9)])
    assert marked_box(Image.open(io.BytesIO(png))) is not None
