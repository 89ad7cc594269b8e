"""OpenDocument text: headings, lists, tables and notes as a person reads them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rag.errors import Damaged
from rag.loaders.odt import read
from rag.types import Unit
from tests.loaders.samples import archive, odf

Write = Callable[[str, str | bytes], Path]
NUMBERED = (
    '<text:list-style style:name="L1">'
    '<text:list-level-style-number text:level="1" style:num-format="1" style:num-suffix="."/>'
    '<text:list-level-style-number text:level="2" style:num-format="a" style:num-suffix=")"/>'
    "</text:list-style>"
)


@pytest.fixture
def units(write: Write) -> Callable[..., tuple[Unit, ...]]:
    def of(body: str, styles: str = "") -> tuple[Unit, ...]:
        return read(write("a.odt", odf("text", body, styles))).units

    return of


def p(text: str) -> str:
    return f"<text:p>{text}</text:p>"


def items(*texts: str, more: str = "") -> str:
    inside = "".join(f"<text:list-item>{text}</text:list-item>" for text in texts)
    return f'<text:list text:style-name="L1"{more}>{inside}</text:list>'


def test_sections_follow_the_headings(units) -> None:
    body = (
        p("Before.") + '<text:h text:outline-level="1">Rules</text:h>'
        '<text:section><text:h text:outline-level="2">Travel</text:h></text:section>' + p("Rome.")
    )  # fmt: skip
    assert [(u.label, u.text) for u in units(body)] == [
        ("beginning", "Before."),
        ("Rules", "Rules"),
        ("Rules › Travel", "Travel\n\nRome."),
    ]


def test_spaces_tabs_and_line_breaks_are_read(units) -> None:
    body = p('a<text:s text:c="2"/>b<text:tab/>c<text:line-break/>d<text:span>e</text:span>f')
    assert units(body)[0].text == "a  b\tc\ndef"


def test_a_lie_about_repeated_spaces_fills_no_memory(units) -> None:
    assert len(units(p('a<text:s text:c="999999999"/>b'))[0].text) < 100


def test_lists_are_numbered_as_they_are_shown(units) -> None:
    inner = items(p("x"), p("y"))
    body = items(p("one") + inner, p("two")) + p("text") + items(p("new"))
    text = units(body, NUMBERED)[0].text
    assert text == "1. one\n  a) x\n  b) y\n2. two\n\ntext\n\n1. new"


def test_a_list_that_goes_on_counts_on(units) -> None:
    body = items(p("one")) + items(p("two"), more=' text:continue-numbering="true"')
    assert units(body, NUMBERED)[0].text == "1. one\n\n2. two"


def test_a_list_without_numbers_has_dashes(units) -> None:
    assert units(items(p("one"), p("two")))[0].text == "- one\n- two"


def test_tables_notes_and_text_boxes_are_read_and_deleted_text_and_comments_are_not(units) -> None:
    cell = "<table:table-cell>{}</table:table-cell>"
    rows = "".join(
        "<table:table-row>" + "".join(cell.format(p(t)) for t in row) + "</table:table-row>"
        for row in (["City", "Euro"], ["Rome", "120"])
    )
    body = (
        f"<text:tracked-changes>{p('deleted')}</text:tracked-changes>"
        + p(
            "Claim."
            "<text:note><text:note-citation>1</text:note-citation><text:note-body>"
            f"{p('See B.')}</text:note-body></text:note>"
            f"<office:annotation>{p('comment')}</office:annotation>"
        )
        + f"<table:table>{rows}</table:table>"
        + p(
            f"<draw:frame><svg:title>alt</svg:title><draw:text-box>{p('boxed')}</draw:text-box></draw:frame>"
        )
    )
    assert units(body)[0].text == "Claim.\n\n† See B.\n\nCity | Euro\nRome | 120\n\nboxed"


def test_title_date_and_language_are_those_of_the_properties(write: Write) -> None:
    meta = (
        "<dc:title>Rules</dc:title><dc:date>2022-08-24T12:00:00</dc:date>"
        "<dc:language>de</dc:language>"
    )
    reading = read(write("a.odt", odf("text", p("x"), meta=meta)))
    assert (reading.title, reading.date, reading.language) == ("Rules", "2022-08-24", "de")


def test_a_container_without_content_is_damaged(write: Write) -> None:
    with pytest.raises(Damaged, match="content is missing"):
        read(write("a.odt", archive({"mimetype": "application/vnd.oasis.opendocument.text"})))
