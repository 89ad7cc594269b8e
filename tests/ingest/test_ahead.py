"""Groups of texts are embedded ahead of whoever takes them, in slices whose size is learnt."""

import threading
import time
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from fakes import MODEL, ScriptedEngine

from rag.engine_choice import BoundEmbedder
from rag.errors import EngineUnreachable
from rag.ingest import ahead
from rag.ingest.ahead import Ahead, Pace
from rag.types import Task, Vectors


def texts(name: str, count: int) -> dict[bytes, str]:
    return {f"{name}{i}".encode(): f"The tide at {name} {i}" for i in range(count)}


@pytest.fixture
def embedding(engine: ScriptedEngine) -> Iterator[Ahead]:
    found = Ahead(BoundEmbedder(engine, MODEL, None))
    yield found
    found.close()


def test_the_next_group_is_embedded_before_the_first_is_taken(
    embedding: Ahead, engine: ScriptedEngine
) -> None:
    first, second = embedding.begin(texts("a", 20)), embedding.begin(texts("b", 30))
    deadline = time.monotonic() + 10
    while len(engine.embedded) < 50 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(engine.embedded) == 50
    for slices, count in ((first, 20), (second, 30)):
        taken = list(slices)
        assert len({key for part in taken for key in part.keys}) == count
        assert all(part.rows.shape == (len(part.keys), engine.dims) for part in taken)


def test_each_key_comes_with_the_vector_of_its_own_text(
    embedding: Ahead, engine: ScriptedEngine
) -> None:
    wanted = {bytes([i]): "word " * (40 - i) + str(i) for i in range(40)}
    for part in embedding.begin(wanted):
        rows = engine.embed(MODEL, [wanted[key] for key in part.keys], "document")
        assert np.array_equal(part.rows, rows)


def test_an_error_is_raised_where_its_group_is_taken(
    embedding: Ahead, engine: ScriptedEngine
) -> None:
    engine.refused["a 3"] = EngineUnreachable("x", "Gone.", "Start it.")
    first, second = embedding.begin(texts("a", 5)), embedding.begin(texts("b", 5))
    with pytest.raises(EngineUnreachable):
        list(first)
    assert sum(len(part.keys) for part in second) == 5


def test_closing_ends_after_the_slices_that_are_being_embedded() -> None:
    class Slow(BoundEmbedder):
        begun = threading.Event()

        def embed(self, texts: Sequence[str], task: Task) -> Vectors:
            self.begun.set()
            time.sleep(0.2)
            return super().embed(texts, task)

    engine = ScriptedEngine()
    embedding = Ahead(Slow(engine, MODEL, None))
    embedding.begin(texts("a", 500))
    assert Slow.begun.wait(10)
    embedding.close()
    assert len(engine.embedded) == ahead.LANES * ahead.FIRST_SLICE


def test_a_slice_takes_about_as_long_as_a_kill_may_cost() -> None:
    pace = Pace()
    assert pace.slice == ahead.FIRST_SLICE
    pace.add(8, 0.4)  # twenty a second
    assert pace.slice == 20 * ahead.SLICE_SECONDS
    pace.add(8, 1000.0)
    assert pace.slice == ahead.FIRST_SLICE
    pace.add(1_000_000, 1.0)
    assert pace.slice == ahead.LARGEST_SLICE


def test_a_group_is_what_is_sorted_and_committed_together() -> None:
    pace = Pace()
    assert pace.group == ahead.LEAST_GROUP
    pace.add(20, 1.0)
    assert pace.group == 20 * ahead.GROUP_SECONDS
    pace.add(1_000_000, 1.0)
    assert pace.group == ahead.LARGEST_GROUP


def test_texts_are_embedded_in_the_order_of_their_tokens(engine: ScriptedEngine) -> None:
    embedding = Ahead(BoundEmbedder(engine, MODEL, None), lambda text: text.count(" "))
    wanted = {b"long word": "antidisestablishmentarianism", b"words": "a b c d", b"pair": "a tide"}
    taken = [key for part in embedding.begin(wanted) for key in part.keys]
    assert taken == [b"long word", b"pair", b"words"]
    embedding.close()
