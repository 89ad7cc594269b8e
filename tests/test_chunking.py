"""Chunks: exact spans, inside one unit, never longer than the embedding model reads."""

from itertools import pairwise
from pathlib import Path

import pytest
from conftest import DATA
from library import loaded

from rag.chunking import MAX_TOKENS, Chunker, context
from rag.engines import wordpiece
from rag.loaders.loading import load
from rag.types import LoadedDocument, Unit

CHUNKER = Chunker(wordpiece.count)
DOCUMENTS = [p for p in sorted(DATA.iterdir()) if p.suffix != ".jsonl"]


def texts(document: LoadedDocument) -> list[str]:
    by_number = {unit.number: unit.text for unit in document.units}
    return [by_number[c.unit][c.start : c.end] for c in CHUNKER.split(document)]


def tokens_embedded(document: LoadedDocument) -> list[int]:
    return [
        wordpiece.count(CHUNKER.embedded_text(document.title, chunk.headings, text))
        for chunk, text in zip(CHUNKER.split(document), texts(document), strict=True)
    ]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.name)
def test_the_chunks_of_a_real_document_hold_all_its_text_once_and_in_order(path: Path) -> None:
    document = load(path)
    split = CHUNKER.split(document)
    for unit in document.units:
        spans = [(c.start, c.end) for c in split if c.unit == unit.number]
        assert all(a[1] <= b[0] for a, b in pairwise(spans))
        held = "".join(unit.text[start:end] for start, end in spans)
        expected = unit.text if unit.state == "read" else ""
        assert "".join(held.split()) == "".join(expected.split())


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.name)
def test_a_chunk_with_its_title_and_headings_fits_the_embedding_model(path: Path) -> None:
    counts = tokens_embedded(load(path))
    assert counts
    assert max(counts) <= MAX_TOKENS - wordpiece.SPECIAL_TOKENS


@pytest.mark.parametrize(
    "text",
    [
        "word " * 3000,
        "unbroken" * 2000,
        "x" * 10_000,
        "潮位计测量水位并每六分钟记录一次。" * 300,
        "潮位计测量水位并每六分钟记录一次" * 300,
        "🦑" * 2000,
        "https://example.org/" + "a/b-c_d." * 700,
        "1,234.56 " * 900,
        "\n".join("cell | 12 | 34" for _ in range(800)),
        "e\u0301" * 3000,
        "เครื่องวัดระดับน้ำทะเลบันทึกค่าทุกหกนาที" * 40,
    ],
    ids=["words", "huge-word", "xs", "cjk", "cjk-no-stops", "emoji", "url", "figures", "table",
         "combining", "thai"],
)  # fmt: skip
def test_no_text_is_too_dense_for_the_token_bound(text: str) -> None:
    document = loaded(text, title="A title")
    assert "".join("".join(texts(document)).split()) == "".join(text.split())
    assert max(tokens_embedded(document)) <= MAX_TOKENS - wordpiece.SPECIAL_TOKENS


def test_a_huge_word_is_cut_though_the_tokenizer_counts_it_as_one() -> None:
    assert wordpiece.count("x" * 10_000) == 1
    assert max(map(len, texts(loaded("x" * 10_000)))) <= MAX_TOKENS * 10


def test_long_headings_are_shortened_and_the_text_is_not() -> None:
    headings = tuple(f"A heading of many words, number {i}" for i in range(40))
    text = "The gauge measures the water. " * 60
    document = LoadedDocument("text", "Title", (Unit(1, "section", "s", text, headings),), "r")
    assert max(tokens_embedded(document)) <= MAX_TOKENS - wordpiece.SPECIAL_TOKENS
    assert all(
        CHUNKER.embedded_text("Title", headings, piece).endswith(f"\n{piece}")
        for piece in texts(document)
    )


def test_a_change_in_one_unit_moves_no_boundary_of_another() -> None:
    before = loaded("One. " * 400, "Two. " * 400, "Three. " * 400)
    after = loaded("One. " * 400, "New. " + "Two. " * 399, "Three. " * 400)
    for unit in (1, 3):
        assert [c for c in CHUNKER.split(before) if c.unit == unit] == [
            c for c in CHUNKER.split(after) if c.unit == unit
        ]


def test_units_without_readable_text_make_no_chunks() -> None:
    units = (
        Unit(1, "page", "page 1", "", state="empty"),
        Unit(2, "page", "page 2", "@#$ %^& garbled", state="garbled"),
        Unit(3, "page", "page 3", "Some words."),
    )
    document = LoadedDocument("pdf", None, units, "r")
    assert [chunk.unit for chunk in CHUNKER.split(document)] == [3]


def test_repeated_passages_are_each_found_at_their_own_place() -> None:
    text = "The same line again and again.\n\n" * 200
    spans = [(c.start, c.end) for c in CHUNKER.split(loaded(text))]
    assert len(set(spans)) == len(spans) > 1


def test_file_names_never_enter_the_embedded_text() -> None:
    assert CHUNKER.embedded_text("Manual", ("Safety",), "Text.") == "Manual › Safety\nText."
    assert CHUNKER.embedded_text(None, (), "Text.") == "Text."


def test_a_title_that_is_the_first_heading_is_said_once() -> None:
    assert context("Manual", ("MANUAL", "Safety")) == "MANUAL › Safety"


HEADER = "City | Euro a night"
TABLE = "Table 1: Rates\n" + "\n".join([HEADER, *(f"Town {i} | {100 + i}" for i in range(150))])


def test_a_table_is_cut_between_rows_and_each_piece_stands_under_caption_and_header() -> None:
    document = loaded(f"Before.\n\n{TABLE}\n\nAfter.", title="Travel")
    split = CHUNKER.split(document)
    pieces = texts(document)
    assert len(split) > 5
    rows = {f"Town {i} | {100 + i}" for i in range(150)}
    shown = [line for piece in pieces for line in piece.split("\n") if line.startswith("Town")]
    assert set(shown) == rows, "no row is cut"
    within = [c for c, piece in zip(split, pieces, strict=True) if piece.startswith("Town")]
    assert {chunk.headings for chunk in within} == {("Table 1: Rates", HEADER)}
    assert split[0].headings == ()
    assert pieces[-1].endswith("After.")


def test_a_piece_of_a_table_with_its_header_fits_the_embedding_model() -> None:
    wide = " | ".join(f"A column of many words {i}" for i in range(30))
    document = loaded("\n".join([wide, *([" | ".join(["12,5"] * 30)] * 80)]), title="Travel")
    assert max(tokens_embedded(document)) <= MAX_TOKENS - wordpiece.SPECIAL_TOKENS


def test_a_small_table_is_kept_in_one_piece() -> None:
    table = "\n".join([HEADER, *(f"Town {i} | {100 + i}" for i in range(12))])
    document = loaded("Words before the table. " * 40 + "\n\n" + table + "\n\n" + "After. " * 90)
    assert any(table in piece for piece in texts(document))
