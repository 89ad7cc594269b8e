from collections.abc import Callable
from pathlib import Path

import pytest
from fpdf import FPDF

from rag.loaders import pdf_running
from rag.loaders.loading import load

Draw = Callable[[FPDF], None]
DrawnPdf = Callable[..., Path]
SENTENCES = (
    "The pump is switched off before the filter is changed.",
    "Whoever changes it wears gloves and writes the date into the book.",
    "A filter that is older than a year is thrown away at once.",
    "Nothing else has to be done until the lamp comes on again.",
)


def body(pdf: FPDF, number: int, top: float = 120) -> None:
    for row in range(20):
        sentence = SENTENCES[(row + number) % 4]
        pdf.text(72, top + 13 * row, f"{sentence} See {number * 20 + row}.")


def with_margins(number: int, header: str = "Handbook of the pump house") -> Draw:
    def draw(pdf: FPDF) -> None:
        pdf.text(72, 40, header)
        body(pdf, number)
        pdf.text(290, 760, f"Page {number + 1} of 9")

    return draw


def texts(path: Path) -> list[str]:
    return [unit.text for unit in load(path).units]


def test_a_header_stays_once_and_the_numbers_of_pages_do_too(drawn_pdf: DrawnPdf) -> None:
    found = texts(drawn_pdf(*map(with_margins, range(9))))
    assert [text.count("Handbook of the pump house") for text in found] == [1] + [0] * 8
    assert [text.count(" of 9") for text in found] == [1] + [0] * 8
    assert all(text.count("See ") == 20 for text in found)


def test_a_bare_number_of_a_page_goes_from_every_page_however_long_that_is(
    drawn_pdf: DrawnPdf,
) -> None:
    def page(number: int) -> Draw:
        def draw(pdf: FPDF) -> None:
            body(pdf, number)
            pdf.text(300, 420 + 20 * number, str(number + 5))

        return draw

    found = texts(drawn_pdf(*map(page, range(8))))
    assert not any(f"\n{number + 5}" in text for number, text in enumerate(found))


@pytest.mark.parametrize("pages", [1, 2, 3])
def test_nothing_is_removed_from_a_short_document(drawn_pdf: DrawnPdf, pages: int) -> None:
    found = texts(drawn_pdf(*map(with_margins, range(pages))))
    assert all("Handbook of the pump house" in text and " of 9" in text for text in found)


def test_left_and_right_pages_may_have_headers_of_their_own(drawn_pdf: DrawnPdf) -> None:
    heads = ["Handbook of the pump house", "Chapter two: filters"]
    found = texts(drawn_pdf(*(with_margins(n, heads[n % 2]) for n in range(10))))
    assert sum(head in text for text in found for head in heads) == 2


def test_the_headers_of_chapters_go_and_their_titles_stay(drawn_pdf: DrawnPdf) -> None:
    def page(number: int) -> Draw:
        chapter = f"Of {['valves', 'pumps', 'lamps'][number // 5]}"

        def draw(pdf: FPDF) -> None:
            if number % 5 == 0:
                pdf.set_font_size(18)
                pdf.text(72, 80, chapter.upper())
                pdf.set_font_size(10)
            else:
                pdf.text(72, 40, chapter)
            body(pdf, number)

        return draw

    found = texts(drawn_pdf(*map(page, range(15))))
    assert [("Of " in text, "OF " in text) for text in found] == [
        (number % 5 == 1, number % 5 == 0) for number in range(15)
    ]


def test_the_header_row_of_a_table_stays_on_every_page(drawn_pdf: DrawnPdf) -> None:
    def page(number: int) -> Draw:
        def draw(pdf: FPDF) -> None:
            pdf.text(72, 40, "Price list of the pump house")
            for x, name in ((72, "Part"), (250, "Colour"), (430, "Price")):
                pdf.text(x, 66, name)
            for row in range(45):
                pdf.text(72, 80 + 14 * row, f"Valve {number}-{row}")
                pdf.text(250, 80 + 14 * row, "green")
                pdf.text(430, 80 + 14 * row, f"{row * 7 % 90}.50")

        return draw

    found = texts(drawn_pdf(*map(page, range(8))))
    assert all("Part Colour Price" in text for text in found)
    assert sum("Price list" in text for text in found) == 1


def test_the_titles_of_slides_stay(drawn_pdf: DrawnPdf) -> None:
    def page(number: int) -> Draw:
        def draw(pdf: FPDF) -> None:
            pdf.set_font_size(28)
            pdf.text(72, 80, "What we have learned")
            pdf.set_font_size(16)
            for row in range(4):
                sentence = SENTENCES[(number + row) % 4]
                pdf.text(72, 200 + 60 * row, f"{sentence} {number}")

        return draw

    found = texts(drawn_pdf(*map(page, range(6))))
    assert all("What we have learned" in text for text in found)


def test_a_sentence_that_comes_again_within_the_text_stays(drawn_pdf: DrawnPdf) -> None:
    def page(number: int) -> Draw:
        def draw(pdf: FPDF) -> None:
            pdf.text(72, 107, "Before you begin, read the whole page.")
            body(pdf, number)

        return draw

    found = texts(drawn_pdf(*map(page, range(8))))
    assert all("Before you begin" in text for text in found)


def test_what_is_written_up_the_margin_of_every_page_stays_once(drawn_pdf: DrawnPdf) -> None:
    def page(number: int) -> Draw:
        def draw(pdf: FPDF) -> None:
            body(pdf, number)
            with pdf.rotation(90, 590, 600):
                pdf.text(590, 600, "Copied by the guest on the fifth of May")

        return draw

    found = texts(drawn_pdf(*map(page, range(6))))
    assert sum("Copied by the guest" in text for text in found) == 1


def test_a_page_with_nothing_but_running_lines_and_a_picture_is_a_scan(
    drawn_pdf: DrawnPdf,
) -> None:
    from PIL import Image

    def scan(pdf: FPDF) -> None:
        pdf.text(72, 40, "Handbook of the pump house")
        pdf.image(Image.new("RGB", (50, 50), "grey"), 72, 100, 400, 600)

    pages = [with_margins(number) for number in range(6)]
    states = [unit.state for unit in load(drawn_pdf(*pages, scan)).units]
    assert states[:6] == ["read"] * 6 and states[6] != "read"


def test_the_number_of_a_page_is_known_in_every_form() -> None:
    def same(*lines: str) -> bool:
        keys = [pdf_running._keys(line, number) for number, line in enumerate(lines, 4)]
        return bool(set.intersection(*keys))

    assert same("Page 7 of 20", "Page 8 of 20", "page  9 of 20")
    assert same("2018 Report | 41", "2018 Report | 42")
    assert same("iv", "v", "vi") and same("ix", "x", "xi")
    assert same("14 Studies 15", "16 Studies 17")
    assert not same("Total 7 20", "Total 9 31")
    assert not same("x", "y")
