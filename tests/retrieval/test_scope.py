"""Quoted phrases and scopes limit a search, and it is said what they left."""

import pytest
from library import Library

from rag.retrieval.scope import phrases
from rag.types import Scope

CLAUSES: dict[str, str | bytes] = {
    "lease.txt": "The break clause ends the lease after five years.",
    "tools.txt": "A clause on tools: do not break the glass.",
    "breaks.txt": "Break clauses are explained to every tenant.",
}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ('where is the "break clause"', ["break clause"]),
        (
            "die „Kündigung zum Monatsende“ und «ultimo mese»",
            ["Kündigung zum Monatsende", "ultimo mese"],
        ),
        ('a 5" pipe', []),
        ('"" and "x"', []),
    ],
)
def test_phrases_are_what_stands_in_quotation_marks(query: str, found: list[str]) -> None:
    assert phrases(query) == found


def test_a_quoted_phrase_is_found_as_it_is_written_and_nothing_else(library: Library) -> None:
    library.fill(CLAUSES)
    result = library.retriever.search('"break clause"')
    assert [hit.chunk.name for hit in result.hits] == ["lease.txt"]
    assert result.filters == ("only passages with “break clause”, word for word: 1 chunk",)


def test_a_phrase_in_a_question_raises_what_has_it_and_hides_nothing(library: Library) -> None:
    texts = {
        "series.txt": "Doctor Who is a series.",
        "enemy.txt": "The Doctor's enemy is the Master.",
    }
    library.fill(texts)
    result = library.retriever.search('Which enemy has "Doctor Who"?')
    assert {hit.chunk.name for hit in result.hits} == set(texts)
    assert result.filters == ("raised for “Doctor Who”, word for word: 1 chunk",)
    plain = library.retriever.search("Which enemy has Doctor Who?")
    score = {hit.chunk.name: hit.score for hit in plain.hits}
    raised = {hit.chunk.name: hit.score for hit in result.hits}
    assert raised["series.txt"] > score["series.txt"]


def test_a_phrase_that_nothing_has_limits_nothing_and_says_so(library: Library) -> None:
    library.fill(CLAUSES)
    result = library.retriever.search('"unheard of" clause')
    assert len(result.hits) == 3
    assert result.filters == ("no passage has “unheard of” word for word: searched without",)


def test_a_phrase_counts_inside_a_scope_only(library: Library) -> None:
    library.write(CLAUSES)
    library.ingest(library.folder / "tools.txt", collection="tools")
    library.ingest()
    result = library.retriever.search('"break clause"', scope=Scope(collections=("tools",)))
    assert [hit.chunk.name for hit in result.hits] == ["tools.txt"]
    assert result.filters[0] == "only collection tools: 1 chunk"
