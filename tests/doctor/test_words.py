"""Every finding has its words, its test and its place in the docs."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.doctor.words import WORDS

HERE = Path(__file__).parent
TESTS = "".join(path.read_text() for path in HERE.glob("test_*.py") if path.name != "test_words.py")


@pytest.mark.parametrize("code", WORDS)
def test_every_finding_is_produced_by_a_test(code: str) -> None:
    assert f'"{code}"' in TESTS


@pytest.mark.parametrize("code", [code for code, words in WORDS.items() if words.status != "ok"])
def test_whatever_is_wrong_says_why_it_matters_and_what_to_do(code: str) -> None:
    words = WORDS[code]
    assert words.message and words.why
    assert words.advice and not words.advice.endswith((".", ":"))
    assert words.command
