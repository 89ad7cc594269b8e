"""The stages of a search over a real library: what each brings, and that none costs the others."""

import pytest
from library import Library

from rag.retrieval.recipe import BEST, STAGES
from rag.types import Scope

FAMILY: dict[str, str | bytes] = {
    "a.html": "<title>Lothair II</title><p>Lothair II was a king, a son of Ermengarde of Tours.</p>",
    "b.html": "<title>Ermengarde of Tours (queen)</title><p>She died on 20 March 851 in Sens.</p>",
    "c.html": "<title>Harvest</title><p>All the harvests were brought in before rain fell.</p>",
}
QUESTION = "When did the mother of Lothair II die?"


def names(library: Library, query: str = QUESTION, stage: str = "hybrid", **options) -> list[str]:
    result = library.retriever.search(query, by=STAGES[stage], **options)
    return [hit.chunk.name for hit in result.hits]


def test_a_document_that_the_best_passage_names_comes_right_after_it(library: Library) -> None:
    library.fill(FAMILY)
    hits = library.retriever.search(QUESTION).hits
    assert [hit.chunk.name for hit in hits[:2]] == ["a.html", "b.html"]
    assert (hits[0].named_in, hits[1].named_in) == (None, "a.html")
    assert hits[1].score < hits[0].score
    assert names(library, stage="with feedback")[1] != "b.html"


def test_a_name_that_many_documents_bear_names_none_of_them(library: Library) -> None:
    twins = {f"b{i}.html": f"<title>Ermengarde of Tours</title><p>Life {i}.</p>" for i in range(5)}
    library.fill({**FAMILY, **twins})
    hits = library.retriever.search(QUESTION).hits
    assert all(hit.named_in is None for hit in hits)


def test_named_documents_stay_inside_the_scope(library: Library) -> None:
    library.fill(FAMILY)
    scope = Scope(documents=tuple(d.id for n in ("a.html", "c.html") if (d := library.document(n))))
    assert "b.html" not in names(library, scope=scope)


def test_every_hit_has_both_scores_whichever_search_found_it(library: Library) -> None:
    library.fill({f"{i}.txt": f"Lot {i} holds herring." for i in range(120)} | FAMILY)
    for hit in library.retriever.search("herring in lot 7", k=120).hits:
        assert hit.dense_score is not None
        assert (hit.keyword_score is not None) == ("herring" in hit.chunk.text)


@pytest.mark.parametrize("stage", list(STAGES))
def test_every_stage_finds_what_it_is_asked_for(library: Library, stage: str) -> None:
    library.fill(FAMILY)
    assert names(library, "harvests brought in by rain", stage)[0] == "c.html"


def test_the_product_is_the_last_stage() -> None:
    assert list(STAGES.values())[-1] is BEST


def test_an_explanation_names_the_words_found_in_any_form(library: Library) -> None:
    library.fill({"AMAZON_2017_10K.txt": "Inventories were counted twice."})
    (hit,) = library.retriever.search("inventory of amazon in FY2017", explain=True).hits
    assert hit.words == ("inventory", "2017", "amazon")
    assert library.retriever.search("inventory").hits[0].words is None


def test_the_words_of_a_file_name_find_it_however_it_is_written(library: Library) -> None:
    notes: dict[str, str | bytes] = {
        "BESTBUY_2023_10K.txt": "Revenue grew.", "BESTBUY_2019_10K.txt": "Revenue grew again."
    }  # fmt: skip
    library.fill(notes)
    assert names(library, "revenue of Best Buy in FY2023", "keyword")[0] == "BESTBUY_2023_10K.txt"


def test_seconds_are_told_stage_by_stage(library: Library) -> None:
    library.fill(FAMILY)
    result = library.retriever.search("harvest")
    assert set(result.stages) == {"embed", "keyword", "dense", "rank"}
    assert sum(result.stages.values()) <= result.seconds
