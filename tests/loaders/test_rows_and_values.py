"""Delimited text, JSON and XML: rows under their header, values with the names that lead to them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rag.loaders import delimited, json_values, xml_text
from rag.loaders.loading import load

Write = Callable[[str, str | bytes], Path]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_and_rows_stand_under_their_header(
    delimiter: str, write: Write
) -> None:
    rows = [["Name", "Sum"], *([f"x{i}", f"{i}"] for i in range(60))]
    text = "\r\n".join(delimiter.join(row) for row in rows)
    first, second = delimited.read(write("a.csv", text)).units
    assert (first.kind, first.label) == ("rows", "rows 1–50")
    assert first.text.startswith("Name | Sum\nx0 | 0")
    assert second.headings == ("Name | Sum",)


def test_decimal_commas_do_not_make_the_comma_a_delimiter(write: Write) -> None:
    text = "Year;Revenue;Costs\n2022;123,5;-1\n2023;143,1;-814,38\n"
    (unit,) = delimited.read(write("a.csv", text)).units
    assert unit.text == "Year | Revenue | Costs\n2022 | 123,5 | -1\n2023 | 143,1 | -814,38"


def test_quoted_cells_may_hold_delimiters_and_line_ends(write: Write) -> None:
    (unit,) = delimited.read(write("a.csv", 'a,b\n"x, y","1\n2"\n')).units
    assert unit.text == "a | b\nx, y | 1 2"


@pytest.mark.parametrize("text", ['a,b\n"open' + "x" * 200_000, "one\ntwo\nthree"])
def test_what_is_no_table_is_read_as_lines(text: str, write: Write) -> None:
    units = delimited.read(write("a.csv", text)).units
    assert {unit.kind for unit in units} == {"lines"}
    assert units[0].text.startswith(text[:3])


def test_values_stand_with_the_names_that_lead_to_them(write: Write) -> None:
    text = """{"title": "Gauges", "data": [
    {"name": "Pier 5", "height": 1.10, "tags": ["a", "b"]},
    {"name": "Pier 6", "on": true, "none": null, "void": [],
     "deep": {"x": {"y": 10000000000000000001}}}]}"""
    document = load(write("a.json", text))
    assert (document.format, document.title) == ("json", "Gauges")
    assert document.units[0].text == (
        "title: Gauges\ndata:\n  - name: Pier 5\n    height: 1.10\n    tags:\n      - a\n      - b\n\n"
        "  - name: Pier 6\n    on: true\n    none: null\n    void: []\n    deep:\n      x:\n"
        "        y: 10000000000000000001"
    )


def test_a_long_list_is_cut_between_its_items(write: Write) -> None:
    items = ",".join(f'{{"name": "Pier {i}", "height": {i}}}' for i in range(100))
    units = json_values.read(write("a.json", f'{{"piers": [{items}]}}')).units
    assert len(units) > 3
    assert {unit.kind for unit in units} == {"values"}
    assert all(unit.text.lstrip().startswith("- name:") for unit in units[1:])
    assert units[1].headings == ("piers",)


def test_lines_of_json_are_a_list(write: Write) -> None:
    document = load(write("a.jsonl", '{"a": 1}\n\n{"a": 2}\n'))
    assert document.format == "json"
    assert document.units[0].text == "- a: 1\n- a: 2"


@pytest.mark.parametrize("text", ["{not json", "[" * 100_000, '{"a": 1} trailing', "// c\n{}"])
def test_what_is_not_quite_json_is_read_as_it_stands(text: str, write: Write) -> None:
    units = json_values.read(write("a.json", text)).units
    assert units[0].kind == "lines"
    assert units[0].text == text.rstrip()


def test_xml_is_read_by_titles_names_and_paragraphs(write: Write) -> None:
    text = """<?xml version="1.0"?><book xml:lang="en"><title>Tides</title>
    <chapter><title>Flood</title><para>Water <em>rises</em> at nine.</para></chapter>
    <gauge><name>Pier 5</name><height>1.10</height><limit low="1" high="3"/></gauge></book>"""
    document = load(write("a.xml", text))
    assert (document.format, document.title, document.language) == ("xml", "Tides", "en")
    assert [(u.label, u.text) for u in document.units] == [
        ("Tides", "Tides"),
        (
            "Tides › Flood",
            "Flood\n\nWater rises at nine.\n\nname: Pier 5\nheight: 1.10\nlimit low=1 high=3",
        ),
    ]


def test_xml_in_the_encoding_it_declares(write: Write) -> None:
    text = "<?xml version='1.0' encoding='windows-1251'?><a><b>Стрелец</b><c>x</c></a>"
    assert "b: Стрелец" in xml_text.read(write("a.xml", text.encode("cp1251"))).units[0].text


@pytest.mark.parametrize("text", ["<a><b></a>", '<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>'])
def test_what_is_not_quite_xml_is_read_as_it_stands(text: str, write: Write) -> None:
    (unit,) = xml_text.read(write("a.xml", text)).units
    assert (unit.kind, unit.text) == ("lines", text)
