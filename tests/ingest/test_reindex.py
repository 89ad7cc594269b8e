"""A library embedded anew with another model: who answers when, and the way back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import pytest
from fakes import MODEL, ScriptedEngine
from library import Library

from rag.catalog import indexing, vectors
from rag.engine_choice import BoundEmbedder
from rag.errors import EngineUnreachable, IdentityMismatch
from rag.indexes.generations import current
from rag.ingest import ahead
from rag.ingest.commit import Embedded
from rag.ingest.reindex import Outlook, Publishing, ReindexEvent, Swapped, discard_former, outlook
from rag.ingest.remove import remove
from rag.types import Hit, Task, Vectors

NOTES: dict[str, str | bytes] = {
    "resin.txt": "The resin cures in three hours at five degrees.",
    "battery.txt": "A full battery lasts nineteen days without any sun.",
    "holiday.txt": "Everyone has twenty seven days of paid holiday a year.",
}
QUESTION = "How long does a battery last without sun?"


@pytest.fixture
def other() -> ScriptedEngine:
    """Another model; its vectors have other dimensions, so that a mix of the two is an error."""
    return ScriptedEngine("d2", dims=32)


class Changing(ScriptedEngine):
    """Another model takes the place of this one when it has embedded a few texts."""

    def embed(self, model: str, texts: Sequence[str], task: Task) -> Vectors:
        rows = super().embed(model, texts, task)
        if len(self.embedded) > 3:
            self.digest = "d3"
        return rows


@pytest.fixture
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "FIRST_SLICE", 1)
    monkeypatch.setattr(ahead, "LARGEST_SLICE", 1)


def best(library: Library, question: str = QUESTION) -> Hit:
    """The best hit of a search that had to do without nothing."""
    result = library.retriever.search(question)
    assert result.notice is None
    assert result.hits[0].dense_rank == 1
    return result.hits[0]


def stored(library: Library) -> Counter[str]:
    """How many vectors there are, by the digest of what made them."""
    engines = (library.engine, *library.engines.values())
    digests = {e.identity(MODEL).key: e.digest for e in engines}
    with library.catalog.read() as db:
        return Counter(digests[row[0]] for row in db.execute("SELECT identity FROM vectors"))


def generations(library: Library) -> set[str]:
    """The keys of the identities that have a generation on disk."""
    return {p.parent.name for p in (library.home.root / "indexes" / "vector").glob("*/*/")}


def interrupted(library: Library, engine: ScriptedEngine, slices: int = 1) -> None:
    """A re-embedding that is stopped after so many slices."""
    with library.lock() as lock:
        events = library.reindex(engine).run(lock)
        embedded = 0
        while embedded < slices:
            embedded += isinstance(next(events), Embedded)
        events.close()  # type: ignore[attr-defined]


def forget(library: Library, name: str) -> None:
    document = library.document(name)
    assert document is not None
    with library.lock() as lock:
        remove(library.catalog, library.home, lock, [document])


def last(events: Sequence[ReindexEvent]) -> Swapped:
    end = events[-1]
    assert isinstance(end, Swapped)
    return end


# ----------------------------------------------------------------- there


def test_the_old_model_answers_until_the_swap_and_the_new_one_after_it_in_an_open_reader(
    indexed: Library, other: ScriptedEngine, small_slices: None
) -> None:
    indexed.fill(NOTES)
    old = indexed.identity()
    kinds = []
    with indexed.lock() as lock:
        for event in indexed.reindex(other).run(lock):
            kinds.append(type(event))
            indexed.engine.tasks.clear()
            other.tasks.clear()
            assert best(indexed).chunk.name == "battery.txt"
            asked, silent = (indexed.engine, other)
            if isinstance(event, Swapped):
                asked, silent = silent, asked
            assert (asked.tasks, silent.tasks) == (["query"], [])
            with indexed.catalog.read() as db:
                (published,) = current(db)
            assert (published.identity == old.key) is not isinstance(event, Swapped)
    assert kinds == [Outlook, Embedded, Embedded, Embedded, Publishing, Swapped]
    assert indexed.identity() == other.identity("other words")
    assert generations(indexed) == {old.key, indexed.identity().key}


def test_what_is_about_to_be_done_is_said_first_and_what_was_done_last(
    library: Library, other: ScriptedEngine
) -> None:
    library.fill({**NOTES, "copy.txt": NOTES["resin.txt"]})
    old = library.identity()
    first, *_, end = library.reindexed(other)
    assert isinstance(first, Outlook) and isinstance(end, Swapped)
    assert (first.current, first.target) == (old, other.identity("other words"))
    assert (first.chunks, first.done, first.left) == (3, 0, 3)  # a shared text counts once
    assert (end.current, end.former, end.chunks_embedded) == (first.target, old, 3)
    assert sorted(other.embedded) == sorted(library.engine.embedded)  # the very same texts


def test_a_question_whose_library_is_swapped_under_it_is_embedded_again(
    indexed: Library, other: ScriptedEngine
) -> None:
    indexed.fill(NOTES)
    swaps = iter([lambda: indexed.reindexed(other)])

    class SwappedUnderneath(BoundEmbedder):
        def embed(self, texts: Sequence[str], task: Task) -> Vectors:
            rows = super().embed(texts, task)
            next(swaps, lambda: None)()
            return rows

    bound = SwappedUnderneath(indexed.engine, MODEL, indexed.identity())
    usual = indexed.retriever._embedder_of
    indexed.retriever._embedder_of = lambda identity: (
        bound if identity.digest == indexed.engine.digest else usual(identity)
    )
    indexed.engine.tasks.clear()
    assert best(indexed).chunk.name == "battery.txt"
    assert indexed.engine.tasks == ["query"]
    assert other.tasks.count("query") == 1
    evidence = indexed.retriever.evidence(QUESTION, 3)
    assert evidence.identity == other.identity("other words")


def test_a_library_without_chunks_is_swapped_at_once(
    library: Library, other: ScriptedEngine
) -> None:
    library.fill({"resin.txt": NOTES["resin.txt"]})
    forget(library, "resin.txt")
    assert last(library.reindexed(other)).chunks == 0
    library.fill(NOTES)
    assert best(library).chunk.name == "battery.txt"
    assert stored(library) == {"d2": 3}


def test_a_model_that_changes_meanwhile_is_not_mixed_in(
    library: Library, small_slices: None
) -> None:
    library.fill(NOTES | {f"{i}.txt": f"The tide is {i} metres high." for i in range(9)})
    changing = Changing("d2", dims=32)
    with pytest.raises(IdentityMismatch, match="has changed"):
        library.reindexed(changing)
    asked_for = ScriptedEngine("d2", dims=32).identity(MODEL)
    assert 0 < outlook(library.catalog, asked_for).done < 12
    assert best(library).chunk.name == "battery.txt"


def test_a_vector_index_that_cannot_be_built_does_not_hold_up_the_swap(
    library: Library, other: ScriptedEngine
) -> None:
    """The `library` of a test can build none: everything is scanned exactly."""
    library.fill(NOTES)
    library.reindexed(other)
    assert best(library).chunk.name == "battery.txt"


def test_the_time_is_foretold_from_a_few_texts_and_nothing_is_stored(
    library: Library, other: ScriptedEngine
) -> None:
    library.fill({f"{i}.txt": f"The tide is {i} metres high." for i in range(40)})
    parts = library.reindex(other)
    assert parts.foretell() > 0.0
    assert 0 < len(other.embedded) < 40
    assert stored(library) == {"d1": 40}
    library.reindexed(other)
    assert parts.foretell() == 0.0


# ----------------------------------------------------------------- interrupted


def test_the_next_run_embeds_only_what_was_not_embedded_yet(
    library: Library, other: ScriptedEngine, small_slices: None
) -> None:
    library.fill(NOTES)
    interrupted(library, other, slices=2)
    assert best(library).chunk.name == "battery.txt"
    with library.catalog.read() as db:
        assert indexing.next_identity(db) == other.identity("other words")
    assert outlook(library.catalog, other.identity(MODEL)).done == 2
    other.embedded.clear()
    other.down = EngineUnreachable("o", "No engine answers.", "Start it.")
    with pytest.raises(EngineUnreachable):
        library.reindexed(other)
    other.down = None
    end = last(library.reindexed(other))
    assert (end.chunks, end.chunks_embedded) == (3, 1)
    assert len(other.embedded) == 1
    assert best(library).chunk.name == "battery.txt"


def test_documents_that_come_and_go_between_two_runs_are_neither_missed_nor_kept(
    library: Library, other: ScriptedEngine, small_slices: None
) -> None:
    library.fill(NOTES)
    interrupted(library, other, slices=2)
    other.embedded.clear()
    library.fill({"ferry.txt": "The ferry to the island leaves at noon."})
    forget(library, "battery.txt")  # embedded by both
    assert stored(library) == {"d1": 3, "d2": 1}
    library.reindexed(other)
    assert stored(library) == {"d1": 3, "d2": 3}
    assert best(library, "When does the ferry leave?").chunk.name == "ferry.txt"
    assert library.found("battery") == {"resin.txt", "holiday.txt", "ferry.txt"}
    assert len(other.embedded) == 2


def test_another_target_gives_up_the_unfinished_one(
    library: Library, other: ScriptedEngine, small_slices: None
) -> None:
    library.fill(NOTES)
    interrupted(library, other)
    third = ScriptedEngine("d3", dims=16)
    first, *_ = library.reindexed(third)
    assert isinstance(first, Outlook) and first.given_up == other.identity("other words")
    assert stored(library) == {"d1": 3, "d3": 3}
    assert best(library).chunk.name == "battery.txt"


def test_the_librarys_own_model_as_target_only_gives_up_the_unfinished_one(
    library: Library, other: ScriptedEngine, small_slices: None
) -> None:
    library.fill(NOTES)
    interrupted(library, other)
    end = last(library.reindexed(library.engine, MODEL))
    assert (end.chunks_embedded, end.former) == (0, None)
    assert stored(library) == {"d1": 3}
    with library.catalog.read() as db:
        assert indexing.next_identity(db) is None


# ----------------------------------------------------------------- and back


def test_the_way_back_is_one_swap_that_embeds_nothing(
    indexed: Library, other: ScriptedEngine
) -> None:
    indexed.fill(NOTES)
    before = generations(indexed)
    indexed.reindexed(other)
    indexed.engine.embedded.clear()
    end = last(indexed.reindexed(indexed.engine, MODEL))
    assert (end.chunks_embedded, indexed.engine.embedded) == (0, [])
    assert end.former == other.identity("other words")
    assert best(indexed).chunk.name == "battery.txt"
    assert before < generations(indexed)
    assert last(indexed.reindexed(other)).chunks_embedded == 0  # and there again


def test_a_document_deleted_after_the_swap_is_gone_after_the_way_back(
    library: Library, other: ScriptedEngine
) -> None:
    library.fill(NOTES)
    library.reindexed(other)
    key = vectors.key_of(str(NOTES["resin.txt"]))
    with library.catalog.read() as db:
        assert db.execute("SELECT count(*) FROM vectors WHERE key = ?", (key,)).fetchone()[0] == 2
    forget(library, "resin.txt")
    with library.catalog.read() as db:
        assert db.execute("SELECT count(*) FROM vectors WHERE key = ?", (key,)).fetchone()[0] == 0
    library.reindexed(library.engine, MODEL)
    hits = library.retriever.search("The resin cures in three hours at five degrees.").hits
    assert {hit.chunk.name for hit in hits} == {"battery.txt", "holiday.txt"}


def test_the_way_back_stays_open_until_an_ingestion_embeds_something_new(
    indexed: Library, other: ScriptedEngine
) -> None:
    indexed.fill(NOTES)
    old = indexed.identity()
    indexed.reindexed(other)
    indexed.ingest()  # nothing is new
    assert stored(indexed) == {"d1": 3, "d2": 3}
    assert old.key in generations(indexed)
    indexed.fill({"ferry.txt": "The ferry to the island leaves at noon."})
    assert len(indexed.engine.embedded) == 3  # the ferry is the new model's alone
    assert stored(indexed) == {"d2": 4}
    assert generations(indexed) == {indexed.identity().key}
    with indexed.catalog.read() as db:
        assert indexing.former_identity(db) is None
    assert best(indexed, "When does the ferry leave?").chunk.name == "ferry.txt"


def test_after_an_ingestion_that_was_cut_short_the_way_back_embeds_only_what_it_added(
    library: Library, other: ScriptedEngine
) -> None:
    library.fill(NOTES)
    library.reindexed(other)
    library.write({"ferry.txt": "The ferry to the island leaves at noon."})
    events: Iterator = library.events(library.plan())
    while not getattr(next(events), "chunks_embedded", 0):
        pass
    events.close()  # type: ignore[attr-defined]
    library.engine.embedded.clear()
    assert last(library.reindexed(library.engine, MODEL)).chunks_embedded == 1
    assert library.engine.embedded == ["The ferry to the island leaves at noon."]
    assert best(library, "When does the ferry leave?").chunk.name == "ferry.txt"


def test_the_way_back_can_be_given_up_which_frees_its_room(
    indexed: Library, other: ScriptedEngine
) -> None:
    indexed.fill(NOTES)
    old = indexed.identity()
    indexed.reindexed(other)
    with indexed.lock() as lock:
        assert discard_former(indexed.catalog, indexed.home, lock) == old
        assert discard_former(indexed.catalog, indexed.home, lock) is None
    assert stored(indexed) == {"d2": 3}
    assert generations(indexed) == {indexed.identity().key}
    assert best(indexed).chunk.name == "battery.txt"


def test_there_is_no_way_back_to_what_a_model_was_before_it_changed_under_its_name(
    library: Library,
) -> None:
    library.fill(NOTES)
    pulled_anew = ScriptedEngine("d2", dims=32)
    end = last(library.reindexed(pulled_anew, MODEL))
    assert end.former is None
    assert stored(library) == {"d2": 3}
    assert best(library).chunk.name == "battery.txt"


def test_the_same_weights_under_another_name_are_only_called_so(library: Library) -> None:
    library.fill(NOTES)
    end = last(library.reindexed(library.engine, "words:latest"))
    assert (end.chunks_embedded, end.former) == (0, None)
    assert library.identity().model == "words:latest"
    assert best(library).chunk.name == "battery.txt"
