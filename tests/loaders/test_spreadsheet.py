"""Spreadsheets and rows: whole rows, their numbers, and a header that is never lost."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rag.loaders.loading import load
from rag.loaders.rows import units
from rag.types import Unit
from tests.loaders.samples import core, ods, xls, xlsx

Write = Callable[[str, str | bytes], Path]
TABLE = [["Name", "Amount"], *([f"item {i}", str(i)] for i in range(1, 120))]


def places(found: list[Unit]) -> list[tuple[str, tuple[str, ...]]]:
    return [(unit.label, unit.headings) for unit in found]


def test_units_are_whole_rows_and_know_the_header_they_begin_below() -> None:
    found = list(units("Sales", TABLE))
    assert places(found) == [
        ("Sales, rows 1–50", ("Sales",)),
        ("Sales, rows 51–100", ("Sales", "Name | Amount")),
        ("Sales, rows 101–120", ("Sales", "Name | Amount")),
    ]
    assert found[1].text.split("\n")[0] == "item 50 | 50"
    assert {unit.kind for unit in found} == {"rows"}


def test_blank_rows_are_counted_and_left_out() -> None:
    rows = [["a", "b"], [], ["", ""], ["1", "2"], ["3", ""]]
    (unit,) = units("", rows)
    assert (unit.label, unit.text) == ("rows 1–5", "a | b\n1 | 2\n3")


def test_a_row_of_names_after_a_blank_row_begins_a_new_table() -> None:
    rows = [["Name", "Sum"], ["x", "1"], [], ["City", "2023"], *([["Rome", "9"]] * 60)]
    first, second = units("S", rows)
    assert first.text.startswith("Name | Sum\nx | 1\n\nCity | 2023\nRome | 9")
    assert second.headings == ("S", "City | 2023")


def test_a_blank_row_within_the_data_does_not_lose_the_header() -> None:
    rows = [["Name", "Sum"], ["x", "1"], [], ["y", "2"], *([["z", "3"]] * 60)]
    assert list(units("S", rows))[1].headings == ("S", "Name | Sum")


def test_titles_above_a_table_are_parted_from_it() -> None:
    rows = [["Sales of the year"], ["in euro"], ["Name", "Sum"], ["x", "1"]]
    (unit,) = units("S", rows)
    assert unit.text == "Sales of the year\nin euro\n\nName | Sum\nx | 1"


def test_rows_of_figures_alone_have_no_header() -> None:
    assert all(unit.headings == () for unit in units("", [["1", "2"]] * 120))


def test_line_breaks_in_a_cell_do_not_break_its_row() -> None:
    (unit,) = units("", [["a\nb", " c "]])
    assert unit.text == "a b | c"


def test_no_rows_make_no_unit() -> None:
    assert list(units("S", [[], ["", " "]])) == []


def test_every_sheet_of_a_workbook_is_read_under_its_name(write: Write) -> None:
    stated = core("Figures", "2024-05-06T00:00:00Z")
    book = xlsx({"One": [["Name", "Sum"], ["x", 2.5]], "Void": [], "Two": [["y"]]}, stated)
    document = load(write("a.xlsx", book))
    assert (document.format, document.title, document.date) == ("xlsx", "Figures", "2024-05-06")
    assert [(u.number, u.label, u.text) for u in document.units] == [
        (1, "One, rows 1–2", "Name | Sum\nx | 2.5"),
        (2, "Two, row 1", "y"),
    ]


def test_whole_numbers_have_no_point_and_others_no_noise(write: Write) -> None:
    document = load(write("a.xlsx", xlsx({"S": [[3.0, 0.1 + 0.2, 1e20, -4]]})))
    assert document.units[0].text == "3 | 0.3 | 1e+20 | -4"


def test_rows_are_numbered_as_the_program_shows_them(write: Write) -> None:
    document = load(write("a.xlsx", xlsx({"S": [(), (), ["", "x"], (), ["", "y"]]})))
    assert document.units[0].label == "S, rows 3–5"


@pytest.mark.parametrize("format", ["xls", "ods"])
def test_the_other_formats_of_spreadsheets_are_read_alike(format: str, write: Write) -> None:
    rows = [["Name", "City"], ["Ann", "Rome"]]
    content = xls(rows, "One") if format == "xls" else ods({"One": rows})
    document = load(write(f"a.{format}", content))
    assert (document.format, document.units[0].label) == (format, "One, rows 1–2")
    assert document.units[0].text == "Name | City\nAnn | Rome"


def test_a_binary_workbook_is_read(shared: Callable[[str], Path]) -> None:
    document = load(shared("corpus/xlsb/poi__bug66682.xlsb"))
    assert document.format == "xlsb"
    assert document.units[0].kind == "rows"
