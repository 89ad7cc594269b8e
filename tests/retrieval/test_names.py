"""Names in a text that may be those of other documents: pure."""

import pytest

from rag.indexes.keyword import label
from rag.retrieval.names import names_in


def names(text: str) -> list[str]:
    return names_in(text, label)


def test_a_name_is_a_run_of_capitals_with_small_words_inside() -> None:
    found = names("Lothair II was a son of Ermengarde of Tours and ruled.")
    assert {"lothair ii", "ermengarde of tours"} <= set(found)
    assert "son of ermengarde" not in found


def test_every_part_of_a_run_may_be_the_name_meant() -> None:
    assert {"petrel 4 manual", "petrel 4", "manual"} <= set(names("see the Petrel 4 Manual."))


def test_small_words_neither_begin_nor_end_a_name() -> None:
    assert not [n for n in names("The Art of War and Peace in Rome") if n.split()[0] == "of"]
    assert not [n for n in names("War and Peace of") if n.split()[-1] in ("and", "of")]


def test_a_number_alone_is_no_name() -> None:
    assert names("in 1998, or 2003") == []
    assert "3 dots" in names("the film 3 Dots")


@pytest.mark.parametrize("text", ["", "all lower case here", "電池は十九日間", "!?"])
def test_texts_without_capitals_have_no_names(text: str) -> None:
    assert names(text) == []


def test_a_page_of_capitals_has_a_bounded_number_of_names() -> None:
    assert len(names("Word " * 5000 + " ".join(f"Name{i}" for i in range(5000)))) <= 400
