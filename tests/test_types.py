"""What makes two vectors comparable, and that data cannot be changed in passing."""

from dataclasses import FrozenInstanceError, replace

import pytest

from rag.catalog import vectors
from rag.types import (
    RETIRING,
    SEARCHABLE,
    TRANSIENT,
    EmbeddingIdentity,
    ErrorInfo,
    TokenCount,
)

NOMIC = EmbeddingIdentity(
    "ollama", "nomic-embed-text", "0a109f42", 768, "search_document: ", "search_query: "
)


@pytest.mark.parametrize("change", [{"model": "my/nomic:latest"}, {"engine": "embedded"}])
def test_the_same_weights_under_another_name_are_the_same_identity(change: dict) -> None:
    assert replace(NOMIC, **change).key == NOMIC.key


@pytest.mark.parametrize(
    "change", [{"digest": "other"}, {"dims": 256}, {"document_prefix": ""}, {"query_prefix": "q: "}]
)
def test_other_weights_dimensions_or_prefixes_are_another_identity(change: dict) -> None:
    assert replace(NOMIC, **change).key != NOMIC.key


def test_prefixes_cannot_be_told_apart_wrongly() -> None:
    one = EmbeddingIdentity("e", "m", "d", 1, "ab", "c")
    other = EmbeddingIdentity("e", "m", "d", 1, "a", "bc")
    assert one.key != other.key


def test_keys_are_stable_from_release_to_release() -> None:
    """A change of these values would embed every library anew."""
    assert NOMIC.key == "e297b4267353a025"
    assert vectors.key_of("A text.").hex() == "3b6444e203f18aca2e805df7fe60bda9"


def test_an_identity_survives_being_written_down() -> None:
    assert EmbeddingIdentity.from_json(NOMIC.to_json()) == NOMIC


def test_token_bounds_add_up() -> None:
    assert TokenCount(1, 2) + TokenCount(10, 20) == TokenCount(11, 22)


def test_an_outcome_either_answers_retires_or_may_pass() -> None:
    assert not (SEARCHABLE & RETIRING or SEARCHABLE & TRANSIENT or RETIRING & TRANSIENT)
    assert len(SEARCHABLE | RETIRING | TRANSIENT) == 11  # and `removed`


def test_data_that_crosses_borders_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        ErrorInfo("c", "m", "h").code = "x"  # type: ignore[misc]
