import random
from collections.abc import Callable
from pathlib import Path

import pytest
from fpdf import FPDF

from rag.loaders.cleaning import clean
from rag.loaders.hyphens import is_divided, mended, words_of
from rag.loaders.loading import load
from rag.loaders.pdf_picture import highlight_rects


def joined(text: str, *others: str) -> str:
    return clean(mended(text, words_of([text, *others])))


@pytest.mark.parametrize(
    "end", ["-\n", "-\r\n", "- \r\n", "\u2010\n", "\u00ad\n", "\ufffe", "\ufffe\r\n"]
)
def test_a_word_divided_at_the_end_of_a_line_is_put_together(end: str) -> None:
    assert joined(f"new infor{end}mation") == "new information"


def test_the_document_tells_whether_a_hyphen_belongs_to_the_word() -> None:
    assert joined("a long\ufffeterm plan", "The Long-Term view") == "a long-term plan"
    assert joined("a long-\nterm plan", "all longterm plans") == "a longterm plan"
    assert joined("a non-\ncontrolling share", "non-controlling and noncontrolling") == (
        "a noncontrolling share"
    )


def test_two_words_of_the_document_are_a_compound() -> None:
    assert joined("its risk-\nbased view", "a risk; based on it") == "its risk-based view"
    assert joined("to-\ngether", "he went to the sea") == "together"


def test_a_hyphen_before_a_capital_or_a_figure_stays() -> None:
    assert joined("the Anglo-\r\nSaxon kings") == "the Anglo-Saxon kings"
    assert joined("COVID\ufffe19 and Form 10\ufffeK") == "COVID-19 and Form 10-K"
    assert joined("the state-of-the-\nart pump") == "the state-of-the-art pump"


def test_half_words_before_a_conjunction_and_dashes_stay() -> None:
    assert joined("pre-\nand post-war") == "pre-\nand post-war"
    assert joined("a pho-\nto of it", "her photo") == "a photo of it"
    assert joined("profit -\nthe highest") == "profit -\nthe highest"
    assert joined("1999-\n2000") == "1999-\n2000"
    assert joined("- one\n- two") == "- one\n- two"


def test_every_text_keeps_its_length() -> None:
    chooser = random.Random(5)
    for _ in range(500):
        text = "".join(chooser.choices("abAB-\u2010\u00ad\ufffe\r\n 1é", k=60))
        assert len(mended(text, words_of([text]))) == len(text)


def test_a_text_without_divided_words_is_known_as_one() -> None:
    assert not is_divided("well-known words -\nand lists\n- of them")
    assert is_divided("infor-\nmation")


def test_a_million_letters_without_a_space_take_no_time() -> None:
    text = "a" * 1_000_000 + "-\n" + "b" * 1_000_000
    assert len(mended(text, words_of([text]))) == len(text)


def test_a_divided_word_of_a_page_is_one_word_with_two_marks(
    drawn_pdf: Callable[..., Path],
) -> None:
    def draw(pdf: FPDF) -> None:
        pdf.text(72, 100, "The keeper of the pump house had no infor-")
        pdf.text(72, 113, "mation about the well-")
        pdf.text(72, 126, "Known river and its fish.")

    path = drawn_pdf(draw)
    (unit,) = load(path).units
    assert " ".join(unit.text.split()) == (
        "The keeper of the pump house had no information about the well-Known river and its fish."
    )
    start = unit.text.index("information")
    before, after = highlight_rects(path, 1, unit.char_map, [(start, start + len("information"))])
    assert before[0] > 200 and after[0] < 75 and before[1] > after[3]
