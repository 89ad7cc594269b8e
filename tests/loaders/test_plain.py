from collections.abc import Callable
from pathlib import Path

from rag.loaders.plain import read

Write = Callable[[str, str | bytes], Path]


def test_lines_are_cut_at_a_blank_line_within_sixty(write: Write) -> None:
    lines = [f"line {n}" if n != 50 else "" for n in range(1, 101)]
    units = read(write("a.txt", "\n".join(lines))).units
    assert [unit.label for unit in units] == ["lines 1–49", "lines 51–100"]
    assert [(unit.number, unit.kind) for unit in units] == [(1, "lines"), (2, "lines")]
    assert units[1].text.split("\n") == lines[50:]


def test_lines_without_blanks_are_cut_at_sixty(write: Write) -> None:
    units = read(write("a.csv", "\r\n".join(f"{n};x" for n in range(130)))).units
    assert [unit.label for unit in units] == ["lines 1–60", "lines 61–120", "lines 121–130"]


def test_one_line_is_labelled_as_one(write: Write) -> None:
    assert read(write("a.txt", "words\n")).units[0].label == "line 1"


def test_form_feeds_part_pages_and_a_blank_page_keeps_its_number(write: Write) -> None:
    units = read(write("a.txt", "one\n\f\n\fthree\f")).units
    assert [(u.number, u.kind, u.label, u.text) for u in units] == [
        (1, "page", "page 1", "one"),
        (3, "page", "page 3", "three"),
    ]
