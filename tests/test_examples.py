"""The Modelfiles that ship with the program: read, explained, and made into models."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rag.answering.prompts import SYSTEM
from rag.engines.known_models import KNOWN_MODELS
from rag.engines.modelfile import parse
from rag.paths import bundled

FILES = [bundled("Modelfile"), *sorted(bundled("models").glob("*.Modelfile"))]


@pytest.fixture(params=FILES, ids=lambda file: file.name)
def example(request: pytest.FixtureRequest) -> Path:
    return request.param


def test_there_is_one_for_documents_one_for_code_and_one_for_stories() -> None:
    names = {file.name.removesuffix(".Modelfile") for file in FILES}
    assert {"Modelfile", "documents-small", "coding", "creative"} <= names


def test_it_is_made_from_a_model_of_the_table_and_sets_its_window(example: Path) -> None:
    read = parse(example.read_text())
    (base,) = read.sources
    known = next(m for m in KNOWN_MODELS if m.name == base or m.name.startswith(f"{base}:"))
    window = read.parameters["num_ctx"]
    assert isinstance(window, int) and window <= known.context_length
    assert read.system


def test_each_parameter_is_explained_where_it_stands(example: Path) -> None:
    for block in re.split(r"\n\n+", example.read_text()):
        if re.search(r"^PARAMETER", block, re.MULTILINE):
            assert block.startswith("# "), block


def test_those_for_documents_carry_the_rules_that_are_sent_with_every_question() -> None:
    for name in ("Modelfile", "models/documents-small.Modelfile"):
        text = (bundled("Modelfile").parent / name).read_text()
        assert parse(text).system == SYSTEM
