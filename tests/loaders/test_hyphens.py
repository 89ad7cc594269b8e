import random

import pytest

from rag.loaders.cleaning import clean
from rag.loaders.hyphens import is_divided, mended, words_of


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
