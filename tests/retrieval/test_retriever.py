"""Hybrid search over a real library: the tail wins, the dead are never found, filters are exact."""

from collections.abc import Sequence

import pytest
from library import Library

from rag.catalog import documents, indexing
from rag.errors import EngineTimeout, EngineUnreachable
from rag.indexes import generations
from rag.indexes.follow import KEYWORD
from rag.ingest.remove import remove
from rag.retrieval import dense
from rag.retrieval.allowed import Allowed
from rag.retrieval.memory import VectorMemory
from rag.retrieval.overfetch import Scored
from rag.retrieval.recipe import DEPTH, STAGES
from rag.types import Scope

NOTES: dict[str, str | bytes] = {
    "resin.txt": "The resin cures in three hours at five degrees.",
    "battery.txt": "A full battery lasts nineteen days without any sun.",
    "holiday.txt": "Everyone has twenty seven days of paid holiday a year.",
}


def varied(i: int) -> str:
    """Words of their own for each i: Chroma does not find each of many vectors almost the same."""
    return f"lot {i + 1000}, pot {i * 11 + 20000}, rack {i * i} and place {i * 7 + 300}"


def forget(library: Library, *names: str) -> None:
    gone = [d for d in map(library.document, names) if d is not None]
    assert len(gone) == len(names)
    with library.lock() as lock:
        remove(library.catalog, library.home, lock, gone)


def by_vector(library: Library, query: str, allowed: set[int] | None = None) -> list[Scored]:
    vector = library.embedder.embed([query], "query")[0]
    with library.catalog.read() as db:
        index = generations.VectorIndex(library.home)
        within = None if allowed is None else Allowed.of(allowed)
        identity = library.embedder.identity
        found = dense.search(db, index, identity, vector, 10, within, VectorMemory())
    index.close()
    return found


def generation(library: Library) -> str:
    with library.catalog.read() as db:
        (published,) = generations.current(db)
    return published.name


def names(hits: Sequence) -> list[str]:
    return [hit.chunk.name for hit in hits]


def test_both_searches_find_the_same_file_and_say_how_they_ranked_it(library: Library) -> None:
    library.fill(NOTES)
    best = library.retriever.search("How long does a battery last without sun?").hits[0]
    assert best.chunk.name == "battery.txt"
    assert (best.dense_rank, best.keyword_rank) == (1, 1)
    assert best.dense_score is not None and best.keyword_score is not None
    assert best.score == pytest.approx(1.0), "the best by both is all of the best"


def test_a_query_is_embedded_as_a_query(library: Library) -> None:
    library.fill(NOTES)
    library.engine.tasks.clear()
    library.retriever.search("resin")
    assert library.engine.tasks == ["query"]


def test_hits_come_best_first_each_once_and_no_more_than_asked(library: Library) -> None:
    library.fill({f"note-{i}.txt": f"The tide is {i} metres high today." for i in range(12)})
    found = library.retriever.search("How high is the tide?", k=5).hits
    assert len(found) == 5
    assert len({hit.chunk.id for hit in found}) == 5
    assert [h.score for h in found] == sorted((h.score for h in found), reverse=True)


def test_what_came_after_the_generation_is_found_by_both_searches(indexed: Library) -> None:
    indexed.fill(NOTES)
    before = generation(indexed)
    indexed.fill({"new.txt": "The ferry to the island leaves at noon."})
    assert generation(indexed) == before
    best = indexed.retriever.search("When does the ferry to the island leave?").hits[0]
    assert (best.chunk.name, best.dense_rank, best.keyword_rank) == ("new.txt", 1, 1)


def test_a_changed_file_is_found_by_its_new_words_only(indexed: Library) -> None:
    indexed.fill(NOTES)
    indexed.fill({"resin.txt": "The glue hardens overnight."})
    assert indexed.retriever.search("glue hardens").hits[0].chunk.name == "resin.txt"
    assert all("cures" not in h.chunk.text for h in indexed.retriever.search("resin cures").hits)


def test_nothing_of_a_deleted_document_is_found_though_both_indexes_still_hold_it(
    indexed: Library,
) -> None:
    indexed.fill(NOTES)
    forget(indexed, "resin.txt")
    result = indexed.retriever.search("The resin cures in three hours at five degrees.")
    assert sorted(names(result.hits)) == ["battery.txt", "holiday.txt"]
    vector_ids = {i for i, _ in by_vector(indexed, "The resin cures in three hours")}
    assert vector_ids == {hit.chunk.id for hit in result.hits}


def test_a_text_that_two_files_share_stays_found_when_one_of_them_goes(indexed: Library) -> None:
    indexed.fill({**NOTES, "copy.txt": NOTES["resin.txt"]})
    forget(indexed, "resin.txt")
    assert indexed.retriever.search("resin cures").hits[0].chunk.name == "copy.txt"
    assert len(by_vector(indexed, "resin cures")) == 3


def test_many_dead_hits_do_not_crowd_out_the_living(indexed: Library) -> None:
    dead = {f"dead-{i}.txt": f"The resin of {varied(i)} cures in hours." for i in range(70)}
    indexed.fill({**NOTES, **dead})
    forget(indexed, *dead)
    assert indexed.found("The resin cures in three hours") == set(NOTES)
    assert len(by_vector(indexed, "The resin cures in three hours")) == 3


def test_a_collection_or_a_document_as_scope_is_exact(library: Library) -> None:
    library.write(NOTES)
    library.ingest(library.folder / "resin.txt", collection="glue")
    library.ingest(library.folder / "battery.txt", collection="power")
    library.ingest(library.folder / "holiday.txt")

    def found(scope: Scope) -> set[str]:
        return set(names(library.retriever.search("days hours resin battery", 10, scope).hits))

    assert found(Scope(collections=("glue",))) == {"resin.txt"}
    assert found(Scope(collections=("glue", "power"))) == {"resin.txt", "battery.txt"}
    holiday = library.document("holiday.txt")
    assert holiday is not None
    assert found(Scope(("glue",), (holiday.id,))) == {"resin.txt", "holiday.txt"}
    assert found(Scope(collections=("unknown",))) == set()


def test_a_wide_filter_gives_what_a_narrow_one_gives(
    indexed: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    indexed.fill({f"note-{i}.txt": f"The tide of {varied(i)} is high." for i in range(40)})
    with indexed.catalog.read() as db:
        some = {i for (i,) in db.execute("SELECT id FROM chunks WHERE id % 4 = 0")}
    narrow = by_vector(indexed, "The tide of lot 1007 is high.", some)
    monkeypatch.setattr(dense, "EXACT_BELOW", 0)
    wide = by_vector(indexed, "The tide of lot 1007 is high.", some)
    assert {i for i, _ in wide} <= some
    assert [s for _, s in wide] == pytest.approx([s for _, s in narrow], abs=2e-3)
    assert len(wide) == 10


@pytest.mark.parametrize("kind", [EngineUnreachable, EngineTimeout])
def test_without_its_engine_search_is_by_keywords_and_says_so(
    library: Library, kind: type[EngineUnreachable]
) -> None:
    library.fill(NOTES)
    library.engine.down = kind("http://127.0.0.1:1", "No engine answers.", "Start it.")
    result = library.retriever.search("resin")
    assert names(result.hits) == ["resin.txt"]
    assert result.hits[0].dense_rank is None
    assert result.notice == "Searched by keywords only: No engine answers. Start it."
    library.engine.down = None
    assert library.retriever.search("resin").notice is None


def test_without_its_engine_a_document_that_a_passage_names_still_comes_along(
    library: Library,
) -> None:
    library.fill(
        {
            "father.md": "# Ermengarde of Tours\n\nShe died in Strasbourg in the spring.",
            "son.md": "# A reign\n\nLothair was the son of Ermengarde of Tours, and a king.",
        }
    )
    library.engine.down = EngineUnreachable("http://127.0.0.1:1", "No engine answers.", "Start it.")
    found = library.retriever.search("Who was Lothair?").hits
    assert names(found) == ["son.md", "father.md"]
    assert found[1].named_in == "son.md"


def test_what_was_removed_and_not_followed_yet_takes_no_place(
    library: Library,
) -> None:
    library.fill({f"{i}.txt": f"The tide is {i} metres high." for i in range(12)})
    forget(library, *(f"{i}.txt" for i in range(9)))
    keyword = STAGES["keyword"]
    assert len(library.retriever.search("How high is the tide?", k=3, by=keyword).hits) == 3


def test_a_model_that_changed_is_not_mixed_in_but_left_out(library: Library) -> None:
    from fakes import MODEL

    from rag.engine_choice import BoundEmbedder
    from rag.retrieval.retriever import Retriever

    library.fill(NOTES)
    bound = BoundEmbedder(library.engine, MODEL, library.engine.identity(MODEL))
    library.engine.digest = "another"
    retriever = Retriever(library.catalog, library.home, lambda _: bound)
    result = retriever.search("resin")
    assert names(result.hits) == ["resin.txt"]
    assert "has changed" in (result.notice or "") and "rag reindex" in (result.notice or "")
    retriever.close()


def test_evidence_is_of_one_moment_with_passages_coverage_and_commit(library: Library) -> None:
    library.fill({**NOTES, "empty.txt": ""})
    evidence = library.retriever.evidence("How long does a battery last?", 2)
    assert [p.number for p in evidence.passages] == [1, 2]
    first = evidence.passages[0]
    with library.catalog.read() as db:
        unit = documents.unit(db, first.document_id, first.page)
        assert unit is not None
        assert unit.text[first.start : first.end] == first.text
    assert (evidence.coverage.documents, evidence.coverage.documents_read) == (4, 3)
    assert evidence.sequence > 0


def test_evidence_of_two_forms_of_a_question_has_what_either_finds(library: Library) -> None:
    library.fill(NOTES)
    after, asked = "How long does the resin cure – And a battery?", "And a battery?"
    by_rule = library.retriever.evidence(after, 3).passages
    assert by_rule[0].name == "resin.txt"
    library.engine.tasks.clear()
    in_both = library.retriever.evidence(after, 3, also=asked).passages
    assert {p.name for p in in_both[:2]} == {"resin.txt", "battery.txt"}
    assert library.engine.tasks == ["query", "query"]
    assert library.retriever.evidence(after, 3, also=after).passages == by_rule


def test_a_stale_document_says_so_on_every_hit_and_passage(library: Library) -> None:
    library.fill(NOTES)
    library.engine.down = None
    path = library.folder / "resin.txt"
    path.unlink()
    path.symlink_to(library.folder / "gone")  # there, and cannot be looked at
    assert library.ingest()["resin.txt"].outcome == "unreadable"
    evidence = library.retriever.evidence("resin", 3)
    stale = {p.name: p.stale for p in evidence.passages}
    assert stale["resin.txt"] is True
    assert not any(flag for name, flag in stale.items() if name != "resin.txt")


def test_as_many_hits_as_asked_for_where_there_are_so_many(library: Library) -> None:
    count = 2 * DEPTH + 20
    library.fill(
        {"tides.md": "".join(f"# Tide {i}\n\nIt is {i} m high.\n\n" for i in range(count))}
    )
    assert len(library.retriever.search("How high is the tide?", k=count).hits) == count


def test_a_library_survives_the_loss_of_both_indexes(indexed: Library) -> None:
    import shutil

    indexed.fill(NOTES)
    indexed.close()
    shutil.rmtree(indexed.home.root / "indexes")
    fresh = Library(indexed.root, indexed.reader, indexed.engine)
    best = fresh.retriever.search("How long does a battery last without sun?").hits[0]
    assert (best.chunk.name, best.dense_rank) == ("battery.txt", 1)
    fresh.ingest()
    best = fresh.retriever.search("How long does a battery last without sun?").hits[0]
    assert (best.chunk.name, best.dense_rank, best.keyword_rank) == ("battery.txt", 1, 1)
    fresh.close()


def test_a_question_while_the_keyword_index_is_being_removed_is_answered(library: Library) -> None:
    library.fill({"tide.txt": "The tide rises at noon."})
    assert library.found("tide") == {"tide.txt"}
    library.fill({"resin.txt": "The resin cures."})
    for path in library.home.keyword_index.iterdir():  # what names the files goes last
        if path.suffix in (".term", ".idx", ".store", ".pos"):
            path.unlink()
    assert library.found("resin cures") >= {"resin.txt"}


def test_a_keyword_index_of_an_older_form_is_not_opened_and_built_anew(library: Library) -> None:
    import shutil

    import tantivy

    library.fill(NOTES)
    shutil.rmtree(library.home.keyword_index)
    library.home.keyword_index.mkdir()
    older = tantivy.SchemaBuilder().add_text_field("text").build()
    tantivy.Index(older, path=str(library.home.keyword_index))
    with library.lock() as lock, library.catalog.write(lock) as db:
        indexing.set_watermark(db, "keyword-1", 7)
        indexing.set_watermark(db, KEYWORD, 0)
    assert library.retriever.search("resin cures").hits[0].keyword_rank == 1
    library.ingest()
    best = library.retriever.search("resin cures").hits[0]
    assert (best.chunk.name, best.keyword_rank) == ("resin.txt", 1)
    with library.catalog.read() as db:
        assert indexing.watermark(db, KEYWORD) > 0
