"""What the languages of a question and of the documents mean for a search: pure."""

import pytest

from rag.engines.languages import serves
from rag.retrieval.languages import asked_in, notice

GERMAN = "Wie lange hält der Akku ohne Sonne?"


@pytest.mark.parametrize(
    ("model", "language", "expected"),
    [
        ("all-minilm-l6-v2", "en", True),
        ("all-minilm-l6-v2", "de", False),
        ("nomic-embed-text:latest", "th", False),
        ("nomic-embed-text-v2-moe", "th", True),
        ("library/bge-m3:567m", "hi", True),
        ("some-model-of-my-own", "hi", True),
        ("all-minilm-l6-v2", None, True),
    ],
)
def test_models_serve_the_languages_they_were_made_for(
    model: str, language: str | None, expected: bool
) -> None:
    assert serves(model, language) is expected


def test_a_question_that_does_not_tell_is_taken_for_the_language_of_the_documents() -> None:
    assert asked_in("Akku", {"de": 90, "en": 10}) == "de"
    assert asked_in(GERMAN, {"en": 10}) == "de"
    assert asked_in("Akku", {"xx": 90}) is None
    assert asked_in("Akku", {}) is None


def test_a_language_that_the_model_does_not_serve_is_told_with_a_way_out() -> None:
    told = notice(GERMAN, {"de": 100}, "all-minilm-l6-v2") or ""
    assert "was not made for German" in told
    assert "bge-m3" in told


def test_a_question_in_one_language_over_documents_in_another_is_told() -> None:
    told = notice(GERMAN, {"en": 1000, "de": 3}, "all-minilm-l6-v2") or ""
    assert "The question is in German, most documents are in English" in told
    assert "bge-m3" in told
    assert "bge-m3" not in (notice(GERMAN, {"en": 1000}, "bge-m3") or "")


@pytest.mark.parametrize(
    ("query", "documents", "model"),
    [
        ("How long does the battery last?", {"en": 10}, "all-minilm-l6-v2"),
        ("E09", {"de": 10}, "all-minilm-l6-v2"),
        (GERMAN, {"de": 10, "en": 500}, "bge-m3"),
        (GERMAN, {}, "all-minilm-l6-v2"),
    ],
)
def test_where_all_is_well_nothing_is_said(
    query: str, documents: dict[str, int], model: str
) -> None:
    if documents.get("de") == 10 and "en" in documents:
        documents = {"de": 100, "en": 500}
    assert notice(query, documents, model) is None
