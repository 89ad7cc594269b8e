"""Words and sentences by rules alone."""

from itertools import pairwise
from pathlib import Path

import pytest
from conftest import DATA

from rag.loaders.loading import load
from rag.text import content_words, fold, sentences, stem, words


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
