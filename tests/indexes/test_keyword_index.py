"""The keyword index: real tantivy, asked with whatever people type."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rag.errors import LibraryDamaged
from rag.indexes import keyword
from rag.indexes.keyword import KeywordIndex
from rag.types import StoredChunk


def chunk(number: int, text: str, **others: object) -> StoredChunk:
    blank = StoredChunk(
        number, "d", "/d.txt", "d.txt", None, "0", False, 1, "section", "section 1", 0, len(text),
        (), text, b"key",
    )  # fmt: skip
    return replace(blank, **others)  # type: ignore[arg-type]


def index(*texts: str, folder: Path | None = None) -> KeywordIndex:
    made = KeywordIndex(folder)
    made.update([], [chunk(i, text) for i, text in enumerate(texts, start=1)])
    return made


def ids(made: KeywordIndex, query: str, k: int = 10) -> list[int]:
    return [number for number, _ in made.search(query, k)]


@pytest.mark.parametrize(
    "query",
    [
        'gauge AND (', '"gauge', "text:gauge", "gauge^9", "gauge~2", "-gauge", "NOT gauge",
        "gauge OR", "[gauge TO zebra]", "gauge\\", "{!x} gauge", "/gauge/", "gauge*",
        "name:* gauge", "+gauge -battery", "gauge\x00", "gauge " * 5000,
    ],
)  # fmt: skip
def test_query_syntax_typed_by_people_is_only_words(query: str) -> None:
    made = index("The gauge measures.", "A battery.")
    assert 1 in ids(made, query)


@pytest.mark.parametrize("query", ["", "   ", "?!(){}", "🦑", "\x00"])
def test_a_query_without_words_finds_nothing(query: str) -> None:
    assert ids(index("The gauge measures."), query) == []


def test_a_field_name_in_a_query_does_not_choose_a_field() -> None:
    assert ids(index("A battery."), "chunk:1 text:zebra") == []


def test_words_are_found_in_any_form_and_case() -> None:
    made = index("The batteries were charged.", "Nothing of it.")
    assert ids(made, "BATTERY charging") == [1]


def test_two_words_of_one_stem_count_once() -> None:
    made = index("gauges measure", "the valve")
    ((_, once),) = made.search("gauge", 1)
    ((_, twice),) = made.search("gauge gauges gauged", 1)
    assert twice == once


def test_title_headings_and_file_name_are_searched_as_the_text_is() -> None:
    made = KeywordIndex(None)
    made.update(
        [],
        [
            chunk(1, "Some words.", title="About resin"),
            chunk(2, "Some words.", headings=("Resin", "Curing")),
            chunk(3, "Some words.", name="resin.txt"),
            chunk(4, "Resin here."),
        ],
    )
    assert set(ids(made, "resin")) == {1, 2, 3, 4}


def test_a_question_that_names_a_file_finds_it_before_others_that_say_the_same() -> None:
    made = KeywordIndex(None)
    text = "Revenue grew in the year under review."
    names = ("AMAZON_2017_10K.pdf", "BESTBUY_2017_10K.pdf", "BESTBUY_2023_10K.pdf")
    made.update([], [chunk(i, text, name=name) for i, name in enumerate(names)])
    assert ids(made, "How did the revenue of Best Buy grow in FY2023?")[0] == 2
    assert ids(made, "How did the revenue of Amazon grow?")[0] == 0


def on_page(number: int, chunk_id: int, label: str = "", kind: str = "page") -> StoredChunk:
    text = "Signatures of the parties"
    label = label or f"{kind} {number}"
    return replace(chunk(chunk_id, text), unit=number, label=label, kind=kind)


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("What stands on page 12?", {1}),
        ("Signatures on p. 12", {1}),
        ("Unterschriften auf Seite 12", {1}),
        ("signatures on pages 11-13", {1, 2}),
        ("signatures on page 6985", {3}),
        ("signatures on slide 12", {1}),
        ("signatures of 12 parties", set()),
    ],
)
def test_the_page_that_a_question_names_comes_first(question: str, found: set[int]) -> None:
    index = KeywordIndex(None)
    pages = [on_page(number, 100 + number) for number in range(20, 60)]
    labelled = on_page(4, 3, "page 4 (labelled 6985)")
    lines = on_page(12, 4, "lines 221-240", "lines")
    index.update([], [*pages, on_page(12, 1), on_page(13, 2), labelled, lines])
    hits = dict(index.search(f"{question} of the parties", 50))
    assert {i for i, score in hits.items() if score > min(hits.values())} == found


def test_the_best_of_many_come_first_and_no_more_than_asked() -> None:
    made = index(*(f"The gauge {'gauge ' * n}" + "filler " * 20 for n in range(30)))
    found = made.search("gauge", 7)
    assert len(found) == 7
    assert [score for _, score in found] == sorted((s for _, s in found), reverse=True)


def test_a_word_that_most_chunks_of_a_large_index_have_chooses_nothing_beside_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = index("The gauge.", "The mast.", "The hull.", "A winch.")
    assert ids(made, "the gauge") == [1, 2, 3]
    assert set(made.scores("the gauge", [1, 2, 4])) == {1, 2}
    monkeypatch.setattr(keyword, "LARGE", 4)
    assert ids(made, "the gauge") == [1]
    assert set(made.scores("the gauge", [1, 2, 4])) == {1}
    assert ids(made, "the") == [1, 2, 3], "alone it is all there is"


def test_the_commonest_words_of_a_long_question_are_left_out_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = index(
        "The gauge.", "The mast.", "The gauge of the hull.", "The gauge, a winch.", "Oars."
    )
    question = "the gauge, mast and hull"
    assert set(ids(made, question)) == {1, 2, 3, 4}
    monkeypatch.setattr(keyword, "MOST_READ", 5)  # mast 1, hull 1, gauge 3; the 4
    assert made.scores(question, [4]) == made.scores("gauge", [4])
    monkeypatch.setattr(keyword, "MOST_READ", 4)
    assert set(ids(made, question)) == {2, 3}
    assert set(ids(made, "the")) == {1, 2, 3, 4}, "alone it is all there is"


def test_scores_are_those_of_the_search() -> None:
    made = index("A gauge and a winch.", "A winch.", "A hull.", "The gauge of the hull.")
    found = dict(made.search("gauge of a hull", 10))
    assert made.scores("gauge of a hull", [1, 3, 4, 99]) == {i: found[i] for i in (1, 3, 4)}
    assert made.among([4, 99, 1]) == [1, 4]


def test_a_removed_chunk_is_not_found_again() -> None:
    made = index("The gauge.", "The gauge too.")
    made.update([1], [])
    assert ids(made, "gauge") == [2]


def test_following_the_same_changes_twice_changes_nothing(tmp_path: Path) -> None:
    made = index("The gauge.", "The gauge too.", folder=tmp_path)
    before = made.search("gauge", 10)
    for _ in range(2):
        made.update([1], [chunk(2, "The gauge too."), chunk(3, "The gauge three.")])
    assert sorted(ids(made, "gauge")) == [2, 3]
    assert len(before) == 2


def test_many_chunks_are_committed_in_parts_each_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyword, "_COMMITTED_AT_ONCE", 2)
    renamed = [chunk(i, f"The gauge {i}.", name=f"new-{i}.txt") for i in range(1, 6)]

    def cut_off() -> Iterator[StoredChunk]:
        yield from renamed
        raise RuntimeError

    folder = tmp_path / "index"
    index(*(f"The gauge {i}." for i in range(1, 7)), folder=folder)
    with pytest.raises(RuntimeError):
        KeywordIndex(folder).update([6], cut_off())
    kept = KeywordIndex(folder)
    assert sorted(ids(kept, "gauge")) == [1, 2, 3, 4, 5]
    assert sorted(ids(kept, "new")) == [1, 2, 3, 4]
    kept.update([6], renamed)
    assert sorted(ids(kept, "gauge")) == sorted(ids(kept, "new")) == [1, 2, 3, 4, 5]


def test_a_reader_sees_what_a_writer_committed_after_it_opened(tmp_path: Path) -> None:
    writer = index("The gauge.", folder=tmp_path)
    reader = KeywordIndex(tmp_path)
    assert ids(reader, "battery") == []
    writer.update([], [chunk(2, "A battery.")])
    assert ids(reader, "battery") == [2]


def test_a_folder_that_holds_no_index_does_not_exist(tmp_path: Path) -> None:
    assert not KeywordIndex.exists(tmp_path)
    assert not KeywordIndex.exists(tmp_path / "missing")
    index("x", folder=tmp_path / "made")
    assert KeywordIndex.exists(tmp_path / "made")


def test_a_damaged_index_is_an_error_of_ours_with_the_way_out(tmp_path: Path) -> None:
    index("x", folder=tmp_path)
    (tmp_path / "meta.json").write_text("{ damaged")
    with pytest.raises(LibraryDamaged) as caught:
        KeywordIndex(tmp_path)
    assert "rag ingest" in caught.value.hint
