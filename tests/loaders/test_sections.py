"""Sections: the path of headings, and no part too long to be opened."""

from rag.loaders.sections import LONGEST, Sections, slide, table_lines


def test_a_heading_ends_those_of_its_level_and_below() -> None:
    sections = Sections()
    for level, text in ((1, "A"), (3, "B"), (2, "C"), (2, " "), (1, "D")):
        sections.heading(level, text)
    assert [unit.headings for unit in sections.units()] == [
        ("A",), ("A", "B"), ("A", "C"), ("D",),
    ]  # fmt: skip


def test_a_long_section_is_cut_between_paragraphs_and_loses_nothing() -> None:
    sections = Sections()
    sections.heading(1, "Long")
    paragraphs = [f"Paragraph {i}. " + "word " * 50 for i in range(300)]
    for paragraph in paragraphs:
        sections.line(paragraph + "\n")
    units = sections.units()
    assert [unit.label for unit in units] == ["Long", *(f"Long (part {i})" for i in (2, 3, 4, 5))]
    assert {unit.headings for unit in units} == {("Long",)}
    assert all(len(unit.text) <= LONGEST for unit in units)
    words = " ".join(unit.text for unit in units).split()
    assert words == ["Long", *" ".join(paragraphs).split()]


def test_a_paragraph_put_into_a_long_section_moves_no_cut_further_down() -> None:
    paragraphs = [f"Paragraph {i} of many. " + "word " * (i % 70) for i in range(1200)]
    before = _parts(paragraphs)
    for place in (3, 40, 77):
        changed = [*paragraphs[:place], "Something else. " * 9, *paragraphs[place:]]
        assert len(before) > 10
        assert len(set(_parts(changed)) - set(before)) <= 2


def _parts(paragraphs: list[str]) -> list[str]:
    sections = Sections()
    for paragraph in paragraphs:
        sections.line(paragraph + "\n")
    return [unit.text for unit in sections.units()]


def test_a_long_section_without_any_line_end_is_kept_whole() -> None:
    sections = Sections()
    sections.line("x" * 3 * LONGEST)
    assert len(sections.units()) == 1


def test_rows_without_text_are_left_out() -> None:
    assert list(table_lines([["a", " b\n c"], ["", " "], ["d", ""]])) == ["a | b c", "d | "]


def test_a_slide_without_text_is_empty() -> None:
    assert slide(3, " ", []).state == "empty"
    assert slide(3, "A\nB", ["c"]).headings == ("A B",)
