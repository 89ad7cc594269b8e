"""Word: what a person would read of it, under its headings, with the numbers of its lists."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rag.errors import Damaged
from rag.loaders.docx import read
from rag.types import Unit
from tests.loaders.samples import core, docx, numbering, paragraph, word_part, word_table

Write = Callable[[str, str | bytes], Path]


@pytest.fixture
def units(write: Write) -> Callable[..., tuple[Unit, ...]]:
    def of(body: str, parts: dict[str, str] | None = None) -> tuple[Unit, ...]:
        return read(write("a.docx", docx(body, parts))).units

    return of


def test_styles_make_headings_also_those_that_are_based_on_others(units) -> None:
    body = (
        paragraph("Before.") + paragraph("Rules", "H1") + paragraph("Of travel", "Mine")
        + paragraph("Rome.") + paragraph("End", "H1")
    )  # fmt: skip
    assert [(u.kind, u.label, u.text) for u in units(body)] == [
        ("section", "beginning", "Before."),
        ("section", "Rules", "Rules"),
        ("section", "Rules › Of travel", "Of travel\n\nRome."),
        ("section", "End", "End"),
    ]


def test_title_date_and_language_are_those_of_the_properties(write: Write) -> None:
    stated = core("Travel rules", "2024-02-03T09:00:00Z", "en-GB")
    reading = read(write("a.docx", docx(paragraph("x"), properties=stated)))
    assert (reading.title, reading.date, reading.language) == (
        "Travel rules", "2024-02-03", "en-GB",
    )  # fmt: skip


def test_the_first_heading_is_the_title_where_the_properties_have_only_a_file_name(
    write: Write,
) -> None:
    stated = core("Microsoft Word - travel.doc")
    body = paragraph("Travel rules", "H1")
    assert read(write("a.docx", docx(body, properties=stated))).title == "Travel rules"


def test_tables_stay_together_with_their_caption(units) -> None:
    body = paragraph("Table 1: Rates", "Cap") + word_table([["City", "Euro"], ["Rome", "120"]])
    assert units(body)[0].text == "Table 1: Rates\nCity | Euro\nRome | 120"


def test_a_table_around_headings_or_other_tables_is_only_a_frame(units) -> None:
    inner = word_table([["a", "b"], ["c", "d"]])
    body = word_table([["left", paragraph("News", "H1") + paragraph("text") + inner]])
    assert [u.text for u in units(body)] == ["left", "News\n\ntext\n\na | b\nc | d"]


def test_list_items_carry_the_numbers_that_word_shows(units) -> None:
    parts = {"numbering.xml": numbering([("decimal", "%1."), ("lowerLetter", "%1.%2)")])}
    places = [(1, 0), (1, 1), (1, 1), (1, 0), (1, 1), (2, 0)]
    body = "".join(paragraph("x", numbering=place) for place in places)
    expected = "1. x\n1.a) x\n1.b) x\n2. x\n2.a) x\n3. x"
    assert units(body, parts)[0].text == expected


def test_a_list_that_restarts_begins_with_one(units) -> None:
    parts = {"numbering.xml": numbering([("upperRoman", "§ %1")], restarts=True)}
    body = "".join(paragraph("x", numbering=(which, 0)) for which in (1, 1, 2, 2))
    assert units(body, parts)[0].text == "§ I x\n§ II x\n§ I x\n§ II x"


def test_a_numbered_heading_has_its_number(units) -> None:
    parts = {"numbering.xml": numbering([("decimal", "%1")])}
    body = paragraph("Scope", "H1", numbering=(1, 0)) + paragraph("Terms", "H1", numbering=(1, 0))
    assert [u.label for u in units(body, parts)] == ["1 Scope", "2 Terms"]


def test_bullets_are_dashes(units) -> None:
    parts = {"numbering.xml": numbering([("bullet", "o"), ("bullet", "o")])}
    body = paragraph("one", numbering=(1, 0)) + paragraph("two", numbering=(1, 1)) + paragraph("p")
    assert units(body, parts)[0].text == "- one\n  - two\n\np"


def test_what_was_deleted_or_hidden_is_left_out_and_what_was_inserted_is_in(units) -> None:
    more = (
        "<w:ins><w:r><w:t> inserted</w:t></w:r></w:ins>"
        "<w:del><w:r><w:delText> deleted</w:delText></w:r></w:del>"
        "<w:r><w:rPr><w:vanish/></w:rPr><w:t> hidden</w:t></w:r>"
        '<w:r><w:rPr><w:vanish w:val="0"/></w:rPr><w:t> shown</w:t></w:r>'
        "<w:r><w:instrText> PAGE </w:instrText></w:r>"
    )
    assert units(paragraph("kept", more=more))[0].text == "kept inserted shown"


def test_tabs_breaks_links_and_fields_are_read(units) -> None:
    more = (
        "<w:r><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t><w:noBreakHyphen/></w:r>"
        "<w:hyperlink><w:r><w:t>d</w:t></w:r></w:hyperlink>"
        "<w:sdt><w:sdtContent><w:r><w:t>e</w:t></w:r></w:sdtContent></w:sdt>"
    )
    assert units(paragraph("a", more=more))[0].text == "a\tb\nc-de"


def test_a_text_box_is_read_once_after_its_paragraph(units) -> None:
    box = f"<w:txbxContent>{paragraph('boxed')}</w:txbxContent>"
    more = (
        '<w:r><mc:AlternateContent xmlns:mc="urn:mc">'
        f"<mc:Choice>{box}</mc:Choice><mc:Fallback>{box}</mc:Fallback>"
        "</mc:AlternateContent></w:r>"
    )
    assert units(paragraph("before", more=more))[0].text == "before\n\nboxed"


def test_a_note_stands_after_the_paragraph_that_it_hangs_on(units) -> None:
    notes = (
        f'<w:footnote w:type="separator" w:id="0">{paragraph("---")}</w:footnote>'
        f'<w:footnote w:id="2">{paragraph("See annex B.")}</w:footnote>'
    )
    more = '<w:r><w:footnoteReference w:id="2"/></w:r>'
    body = paragraph("Claim.", more=more) + paragraph("Next.")
    text = units(body, {"footnotes.xml": word_part("footnotes", notes)})[0].text
    assert text == "Claim.\n\n† See annex B.\n\nNext."


def test_headers_and_footers_are_not_part_of_the_text(units) -> None:
    footer = {"footer.xml": word_part("ftr", paragraph("Page 1 of 3"))}
    assert [u.text for u in units(paragraph("text"), footer)] == ["text"]


def test_invisible_marks_are_removed(units) -> None:
    assert units(paragraph("pay\u200b 5\u202e€"))[0].text == "pay 5€"


def test_a_package_without_a_document_is_damaged(write: Write) -> None:
    from tests.loaders.samples import archive

    with pytest.raises(Damaged, match="main part"):
        read(write("a.docx", archive({"word/other.xml": "<x/>"})))
