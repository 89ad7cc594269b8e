"""The embedded engine against known values of all-MiniLM-L6-v2."""

from __future__ import annotations

import random

import numpy as np
import pytest

from rag.engines import wordpiece
from rag.engines.embedded import (
    MODEL,
    MOST_IN_A_BATCH,
    TOKENS_A_BATCH,
    EmbeddedEngine,
    _batches,
)
from rag.errors import ModelMissing
from rag.types import ChatOptions, Message

WEIGHTS = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"


@pytest.fixture(scope="module")
def engine() -> EmbeddedEngine:
    return EmbeddedEngine(threads=1)


def test_the_weights_are_the_ones_we_know(engine: EmbeddedEngine) -> None:
    assert engine.identity(MODEL).digest == WEIGHTS


def test_known_similarities_of_the_model_hold(engine: EmbeddedEngine) -> None:
    # the pair of the model card of sentence-transformers; int8 weights move the third decimal
    one, other = engine.embed(
        MODEL, ["This is an example sentence", "Each sentence is converted"], "document"
    )
    assert float(one @ other) == pytest.approx(0.405, abs=0.01)
    assert one[:3] == pytest.approx([0.0676, 0.0635, 0.0487], abs=0.01)


def test_counts_are_exact(engine: EmbeddedEngine) -> None:
    count = engine.count_tokens(MODEL, ["embeddings"])[0]
    assert count.low == count.high == 4  # em ##bed ##ding ##s
    assert wordpiece.count("embeddings") == 4


def test_a_text_has_the_tokens_of_its_words_whatever_is_in_them() -> None:
    chance = random.Random(0)
    letters = [chr(c) for c in (*range(0x250), *range(0x300, 0x370), 0x3A3, 0x2028, 0x3000, 0x4E00)]
    letters += [" ", "\n", "a", "e"] * 40
    texts = ["".join(chance.choices(letters, k=chance.randint(0, 90))) for _ in range(2000)]
    assert [wordpiece.count(text) for text in texts] == wordpiece.count_all(texts)


def test_it_has_no_language_model_and_says_what_to_do(engine: EmbeddedEngine) -> None:
    with pytest.raises(ModelMissing, match="quoting") as error:
        next(iter(engine.chat("llama3.1", [Message("user", "x")], ChatOptions(512, 16))))
    assert "ollama pull" in error.value.hint


def test_sorting_by_length_keeps_the_order_of_the_caller(engine: EmbeddedEngine) -> None:
    texts = ["a " * n for n in (90, 3, 50, 1, 200, 7, 120, 2, 30)]
    together = engine.embed(MODEL, texts, "document")
    for text, row in zip(texts, together, strict=True):
        assert np.dot(row, engine.embed(MODEL, [text], "document")[0]) > 0.9999


def test_workers_that_share_the_texts_make_the_vectors_of_one(engine: EmbeddedEngine) -> None:
    texts = [f"The tide at pier {n} rises. " * (1 + n % 9) for n in range(40)]
    shared = EmbeddedEngine(threads=3).embed(MODEL, texts, "document")
    assert np.abs(shared - engine.embed(MODEL, texts, "document")).max() < 1e-5


def test_a_batch_holds_as_many_texts_as_its_longest_allows() -> None:
    lengths = [3] * 40 + [100] * 25 + [250] * 9
    batches = list(_batches(range(len(lengths)), lengths))
    assert [text for batch in batches for text in batch] == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) <= MOST_IN_A_BATCH
        assert len(batch) * lengths[batch[-1]] <= TOKENS_A_BATCH
    assert len(batches) <= 12
    assert list(_batches([7], [5000])) == [[7]]
