from collections.abc import Callable
from pathlib import Path

import pytest

from rag.loaders.markdown import read

HANDBOOK = """---
title: "Staff handbook"
date: 2024-01-01
---
Before **any** heading.

# Handbook

Read [the rules](https://example.com/rules) and ![a chart of *costs*](chart.png), `x * y`,
~~old~~ <b>raw</b> text.<br>New line &amp; entity.

## Leave

| Kind | Days |
|------|-----:|
| Sick | **10** |
| Home &#124; away | 3 |

### Sick leave

- first
  1. inner one
  2. inner two
- second

> quoted
> words

```python
def f():
    return 1
```

<div><p>From <i>HTML</i></p><script>alert(1)</script></div>

Setext
------

Last.
"""


@pytest.fixture
def units(write: Callable[[str, str], Path]):
    return read(write("handbook.md", HANDBOOK))


def test_the_title_comes_from_the_front_matter(units) -> None:
    assert units.title == "Staff handbook"
    assert "2024" not in "".join(unit.text for unit in units.units)


def test_each_heading_starts_a_section_with_its_path(units) -> None:
    assert [(u.number, u.kind, u.label, u.headings) for u in units.units] == [
        (1, "section", "beginning", ()),
        (2, "section", "Handbook", ("Handbook",)),
        (3, "section", "Handbook › Leave", ("Handbook", "Leave")),
        (4, "section", "Handbook › Leave › Sick leave", ("Handbook", "Leave", "Sick leave")),
        (5, "section", "Handbook › Setext", ("Handbook", "Setext")),
    ]


def test_the_text_is_what_a_person_sees(units) -> None:
    assert [unit.text for unit in units.units] == [
        "Before any heading.",
        "Handbook\n\nRead the rules and a chart of costs, x * y, old raw text.\nNew line & entity.",
        "Leave\n\nKind | Days\nSick | 10\nHome | away | 3",
        (
            "Sick leave\n\n- first\n  1. inner one\n  2. inner two\n- second\n\nquoted words\n\n"
            "def f():\n    return 1\n\nFrom HTML"
        ),
        "Setext\n\nLast.",
    ]


def test_the_first_main_heading_is_the_title_without_front_matter(
    write: Callable[[str, str], Path],
) -> None:
    reading = read(write("a.md", "---\n\nA rule, not front matter.\n\n# Real title\n\nText."))
    assert reading.title == "Real title"
    assert "A rule" in reading.units[0].text
    assert read(write("b.md", "no heading")).title is None
    assert read(write("c.md", "+++\ntitle = 'T'\n+++\nx")).title == "T"


def test_headings_in_quotes_and_lists_do_not_start_sections(
    write: Callable[[str, str], Path],
) -> None:
    reading = read(write("a.md", "# A\n\n> # B\n\n- # C\n"))
    assert [unit.text for unit in reading.units] == ["A\n\nB\n\n- C"]


def test_a_long_heading_is_shortened_in_the_path_and_whole_in_the_text(
    write: Callable[[str, str], Path],
) -> None:
    (unit,) = read(write("a.md", "# " + "word " * 100)).units
    assert len(unit.headings[0]) <= 160 and unit.headings[0].endswith("…")
    assert unit.text == ("word " * 100).strip()
