from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from fpdf import FPDF

from rag.loaders.charmap import char_ranges, decode_map
from rag.loaders.loading import load
from rag.loaders.pdf_picture import highlight_rects

DrawnPdf = Callable[..., Path]
LEFT = (
    "The pump house was built in the year", "in which the river had risen higher", "than anybody "
    "could remember, and", "it has stood ever since on its little", "hill above the meadows, where the",
    "storks walk up and down and the", "children fly their kites in autumn.",
)  # fmt: skip
MIDDLE = (
    "Its first keeper was a man who had", "been a sailor and who wrote down", "every evening what "
    "the wind had", "done and how much water there was", "below the wheel, and whether he had",
    "seen anybody on the road that day", "who was not from the village.",
)  # fmt: skip
RIGHT = (
    "His books are kept in the town hall", "together with the plans, which are", "drawn in ink of "
    "three colours and", "show a second wheel that was never", "made, because the money for it was",
    "given to the school, so that there", "were windows in it before winter.",
)  # fmt: skip


def row_by_row(*columns: Sequence[str], width: float) -> Callable[[FPDF], None]:
    """Draws columns the wrong way: what stands on one height is one line to pdfium."""

    def draw(pdf: FPDF) -> None:
        pdf.text(
            72, 60, "About the pump house, its keepers and what has become of it, in a few words"
        )
        for row, lines in enumerate(zip(*columns, strict=True)):
            for number, line in enumerate(lines):
                pdf.text(72 + width * number, 100 + 13 * row, line)

    return draw


@pytest.mark.parametrize("columns", [(LEFT, RIGHT), (LEFT, MIDDLE, RIGHT)])
def test_columns_are_read_one_after_the_other(
    drawn_pdf: DrawnPdf, columns: Sequence[Sequence[str]]
) -> None:
    (unit,) = load(drawn_pdf(row_by_row(*columns, width=185 if len(columns) > 2 else 250))).units
    heading, *lines = (line.strip() for line in unit.text.splitlines())
    assert heading.startswith("About the pump house")
    assert lines == [line for column in columns for line in column]


@pytest.mark.parametrize("lower", [2, 6, 8, 11])
def test_columns_whose_lines_take_turns_are_read_one_after_the_other(
    drawn_pdf: DrawnPdf, lower: int
) -> None:
    def draw(pdf: FPDF) -> None:
        for row, (left, right) in enumerate(zip(LEFT, RIGHT, strict=True)):
            pdf.text(72, 100 + 15 * row, left)
            pdf.text(322, 100 + lower + 15 * row, right)

    (unit,) = load(drawn_pdf(draw)).units
    assert [line.strip() for line in unit.text.splitlines()] == [*LEFT, *RIGHT]


def test_the_map_leads_from_columns_to_their_places_on_the_page(drawn_pdf: DrawnPdf) -> None:
    path = drawn_pdf(row_by_row(LEFT, RIGHT, width=250))
    (unit,) = load(path).units
    quote = "three colours and\nshow a second wheel"
    start = unit.text.replace(" \n", "\n ").index(quote)
    rects = highlight_rects(path, 1, unit.char_map, [(start, start + len(quote))])
    assert len(rects) == 2 and all(rect[0] > 300 for rect in rects)
    pieces = decode_map(unit.char_map)
    ranges = char_ranges(pieces, 0, len(unit.text))
    mapped = [i for first, n in ranges for i in range(first, first + n)]
    assert len(mapped) == len(set(mapped)), "no character of the page stands for two of the text"


def test_a_table_of_two_columns_is_read_row_by_row(drawn_pdf: DrawnPdf) -> None:
    names = ("Keeper of the wheel", "Second keeper", "Clerk of the town hall", "Teacher at school",
             "Driver of the cart", "Doctor for the horses")  # fmt: skip
    people = ("Anna Maria Weber", "Johann Ludwig Sommer", "Karl Anton Winter", "Elisabeth von Berg",
              "Peter Paul Hofmann", "Friederike Louise Kurz")  # fmt: skip

    def draw(pdf: FPDF) -> None:
        for row, (name, person) in enumerate(zip(names, people, strict=True)):
            pdf.text(72, 100 + 13 * row, name)
            pdf.text(322, 100 + 13 * row, person)

    (unit,) = load(drawn_pdf(draw)).units
    assert [" ".join(line.split()) for line in unit.text.splitlines()] == [
        f"{name} {person}" for name, person in zip(names, people, strict=True)
    ]


def test_terms_and_what_they_mean_stay_side_by_side(drawn_pdf: DrawnPdf) -> None:
    terms = ("Weir", "Sluice gate", "Mill race", "Head of water", "Penstock", "Tail water")

    def draw(pdf: FPDF) -> None:
        for row, (term, meaning) in enumerate(zip(terms, LEFT, strict=False)):
            pdf.text(72, 100 + 13 * row, term)
            pdf.text(222, 100 + 13 * row, meaning)

    (unit,) = load(drawn_pdf(draw)).units
    assert "Sluice gate in which the river" in " ".join(unit.text.split())


def test_columns_that_were_drawn_one_after_the_other_are_left_as_they_are(
    drawn_pdf: DrawnPdf,
) -> None:
    def draw(pdf: FPDF) -> None:
        for number, column in enumerate((LEFT, RIGHT)):
            for row, line in enumerate(column):
                pdf.text(72 + 250 * number, 100 + 13 * row, line)

    (unit,) = load(drawn_pdf(draw)).units
    assert unit.text.split() == " ".join((*LEFT, *RIGHT)).split()
    assert len(decode_map(unit.char_map)) <= len(LEFT) + len(RIGHT) + 1
