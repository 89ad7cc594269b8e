"""Words and sentences by rules alone."""

from itertools import pairwise
from pathlib import Path

import pytest
from conftest import DATA

from rag.loaders.loading import load
from rag.text import (
    content_words,
    fold,
    is_header_row,
    sentences,
    stem,
    table_above,
    words,
)


def cut(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It costs 3.5 kg. Next.", ["It costs 3.5 kg.", "Next."]),
        ("See Fig. 3 for more. Then go.", ["See Fig. 3 for more.", "Then go."]),
        ("Dr. Smith met Mr. Jones. They left.", ["Dr. Smith met Mr. Jones.", "They left."]),
        ("The U.S. Army is big. Next.", ["The U.S. Army is big.", "Next."]),
        ("No. 5 is alive. It runs.", ["No. 5 is alive.", "It runs."]),
        ("Is it? Yes! Perhaps…", ["Is it?", "Yes!", "Perhaps…"]),
        ("He said “Stop.” Then he left.", ["He said “Stop.”", "Then he left."]),
        ("他来了。我走了。", ["他来了。", "我走了。"]),
        ("e.g. this one. And that.", ["e.g. this one.", "And that."]),
    ],
)
def test_a_full_stop_ends_a_sentence_and_an_abbreviation_does_not(
    text: str, expected: list[str]
) -> None:
    assert cut(text) == expected


def test_a_line_break_inside_a_paragraph_does_not_end_a_sentence() -> None:
    text = "The gauge measures the level of the water with\na radar that hangs over it. It is slow."
    assert cut(text) == [
        "The gauge measures the level of the water with\na radar that hangs over it.",
        "It is slow.",
    ]


def test_headings_list_items_and_table_rows_are_sentences_of_their_own() -> None:
    text = "Safety\nWear a harness at all times on the pier. Look down.\n- one rope\n- two ropes\n"
    assert cut(text) == [
        "Safety",
        "Wear a harness at all times on the pier.",
        "Look down.",
        "- one rope",
        "- two ropes",
    ]
    assert cut("| A | 1 |\n| B | 2 |") == ["| A | 1 |", "| B | 2 |"]


@pytest.mark.parametrize("text", ["", " \n\t ", "\n\n"])
def test_empty_text_has_no_sentences(text: str) -> None:
    assert sentences(text) == []


@pytest.mark.parametrize(
    "path", [p for p in sorted(DATA.iterdir()) if p.suffix != ".jsonl"], ids=lambda p: p.name
)
def test_the_sentences_of_real_documents_hold_every_word_once_and_in_order(path: Path) -> None:
    for unit in load(path).units:
        spans = sentences(unit.text)
        assert all(start < end for start, end in spans)
        assert all(a[1] <= b[0] for a, b in pairwise(spans))
        assert all(cut == cut.strip() for cut in (unit.text[s:e] for s, e in spans))
        assert "".join("".join(cut(unit.text)).split()) == "".join(unit.text.split())


def test_texts_that_look_alike_are_compared_alike() -> None:
    assert fold("Ｆｕｌｌ “x” – ﬁ ß") == 'full "x" - fi ss'
    assert fold("soft\u00adhyphen no\u00a0break") == "softhyphen no break"


def test_words_keep_figures_and_apostrophes() -> None:
    assert words("It’s 19 e-mails_now") == ["it's", "19", "e", "mails", "now"]


def test_endings_agree_and_stop_words_carry_no_meaning() -> None:
    assert content_words("What are the batteries?") == content_words("A battery") == ["battery"]
    assert stem("charging") == stem("charged") == stem("charges") == stem("charge")
    assert stem("glass") == "glass"


# ----------------------------------------------------------------- tables


@pytest.mark.parametrize(
    "line", ["City | Euro", "Item | 2022 | 2023", "Q1 2023 | Q2 2023", " | Sum | Share in %"]
)
def test_a_row_of_names_is_a_header(line: str) -> None:
    assert is_header_row(line)


@pytest.mark.parametrize("line", ["Rome | 120", "a | 1,200.50", "x | (3 %)", "only one", "a | "])
def test_a_row_with_figures_or_of_one_cell_is_no_header(line: str) -> None:
    assert not is_header_row(line)


TABLE = "Before.\n\nTable 1\nCity | Euro\nRome | 120\nOslo | 90\n\nAfter."


@pytest.mark.parametrize(
    ("at", "above"),
    [
        ("Before", ()),
        ("Table 1", ()),
        ("City", ()),
        ("Euro", ()),
        ("Rome", ("Table 1", "City | Euro")),
        ("120", ("Table 1", "City | Euro")),
        ("Oslo", ("Table 1", "City | Euro")),
        ("After", ()),
    ],
)
def test_what_a_place_in_a_table_stands_under(at: str, above: tuple[str, ...]) -> None:
    assert table_above(TABLE, TABLE.index(at)) == above


def test_a_table_without_a_row_of_names_has_none_above_it() -> None:
    text = "Rome | 120\nOslo | 90\nBern | 99"
    assert table_above(text, text.index("Bern")) == ()


def test_one_line_with_a_bar_is_no_table() -> None:
    text = "Use a | b to choose.\nThen go on.\nAnd end."
    assert table_above(text, text.index("And")) == ()
