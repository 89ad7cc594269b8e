"""Titles, dates and languages that documents state, made uniform or left out."""

import pytest

from rag.loaders import stated


@pytest.mark.parametrize(
    ("text", "title"),
    [
        (" Annual\n report ", "Annual report"),
        ("Untitled", None),
        ("Microsoft Word - lease final.doc", None),
        ("lease_v2.docx", None),
        ("PowerPoint Presentation", None),
        ("Document1", None),
        ("--", None),
        (None, None),
        ("Book of rules", "Book of rules"),
    ],
)
def test_what_programs_write_by_themselves_is_no_title(text: str | None, title: str | None) -> None:
    assert stated.title(text) == title


def test_the_first_title_that_is_one_is_taken_and_a_long_one_is_shortened() -> None:
    assert stated.title(None, "Untitled", "Rules", "Other") == "Rules"
    assert len(stated.title("word " * 100) or "") <= 160


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2024-02-03T10:00:00Z", "2024-02-03"),
        ("2024-02-03", "2024-02-03"),
        ("2024-02-31", None),
        ("0000-00-00", None),
        ("yesterday", None),
        (None, None),
    ],
)
def test_a_day_is_one_that_exists(text: str | None, day: str | None) -> None:
    assert stated.day(text) == day


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("en-US", "en-US"),
        ("DE", "de"),
        ("pt_BR", "pt-BR"),
        ("zh-Hant-TW", "zh-Hant-TW"),
        ("und", None),
        ("English", None),
        ("", None),
    ],
)
def test_a_language_is_a_tag(text: str, language: str | None) -> None:
    assert stated.language(text) == language
