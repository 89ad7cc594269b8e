"""What every engine promises, on real weights: the embedded engine and a real Ollama alike."""

from __future__ import annotations

import numpy as np
import pytest

from rag.errors import ModelMissing
from tests.engines.conftest import Subject

TEXTS = ["The cat sits on the mat.", "A feline rests on a rug.", "Share prices fell on Monday."]


def test_vectors_are_float32_of_unit_length_one_row_a_text(subject: Subject) -> None:
    vectors = subject.engine.embed(subject.model, TEXTS, "document")
    assert vectors.shape == (3, 384)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_texts_of_one_meaning_are_nearer_than_others(subject: Subject) -> None:
    cat, feline, shares = subject.engine.embed(subject.model, TEXTS, "document")
    assert cat @ feline > 0.5 > 0.2 > cat @ shares


def test_a_text_has_the_same_vector_alone_and_in_a_batch(subject: Subject) -> None:
    batch = subject.engine.embed(subject.model, TEXTS * 3, "document")
    alone = subject.engine.embed(subject.model, TEXTS[1:2], "document")[0]
    assert batch[1] @ alone > 0.9999
    assert batch[4] @ alone > 0.9999


def test_no_texts_give_no_rows(subject: Subject) -> None:
    assert len(subject.engine.embed(subject.model, [], "document")) == 0


def test_a_text_longer_than_the_window_is_read_to_its_end(subject: Subject) -> None:
    filler = "the weather was fine and nothing else happened that day. " * 60
    long = [filler, filler + "Penguins breed in Antarctica. " * 60]
    bare, tailed = subject.engine.embed(subject.model, long, "document")
    penguin = subject.engine.embed(subject.model, ["Where do penguins breed?"], "query")[0]
    assert tailed @ penguin > bare @ penguin + 0.2


def test_the_identity_names_weights_dimensions_and_prefixes(subject: Subject) -> None:
    identity = subject.engine.identity(subject.model)
    assert identity == subject.engine.identity(subject.model)
    assert identity.engine == subject.engine.name
    assert identity.dims == 384
    assert len(identity.digest) == 64


def test_a_model_that_is_not_there_is_named_with_a_hint(subject: Subject) -> None:
    for call in (
        lambda: subject.engine.embed("no-such-model", ["x"], "document"),
        lambda: subject.engine.identity("no-such-model"),
        lambda: subject.engine.model_info("no-such-model"),
    ):
        with pytest.raises(ModelMissing, match="no-such-model") as error:
            call()
        assert error.value.hint


def test_token_counts_are_intervals_in_order(subject: Subject) -> None:
    for text, count in zip(TEXTS, subject.engine.count_tokens(subject.model, TEXTS), strict=True):
        assert 0 < count.low <= count.high, text


def test_it_is_healthy_and_lists_its_model(subject: Subject) -> None:
    assert subject.engine.health().ok
    assert any(m.name.split(":")[0] == subject.model for m in subject.engine.models())
