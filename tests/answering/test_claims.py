"""A draft cut into sentences with the passages they cite; each sentence judged by its quote."""

import pytest
from library import passage

from rag.answering.quotes import best_backing
from rag.answering.statements import Claim, claims
from rag.answering.stream import check
from rag.answering.verdicts import is_claim, judge


def cited(draft: str) -> list[tuple[str, tuple[int, ...]]]:
    return [(claim.text, claim.cites) for claim in claims(draft)]


@pytest.mark.parametrize(
    ("draft", "expected"),
    [
        ("It costs £620 [1]. It takes ten days [2].",
         [("It costs £620.", (1,)), ("It takes ten days.", (2,))]),
        ("It costs £620. [1] It takes ten days. [2]",
         [("It costs £620.", (1,)), ("It takes ten days.", (2,))]),
        ("It is so [1, 2]. And so [3; 4].", [("It is so.", (1, 2)), ("And so.", (3, 4))]),
        ("It is so. [1][2] And more.", [("It is so.", (1, 2)), ("And more.", ())]),
        ("It is so [2][1][2].", [("It is so.", (2, 1))]),
        ("It is so【3】.", [("It is so.", (3,))]),
        ("- One item [1]\n- Another item [2]\n", [("- One item", (1,)), ("- Another item", (2,))]),
        ("1. First step [1]\n2. Second step [2]",
         [("1. First step", (1,)), ("2. Second step", (2,))]),
        ("[1]", []),
        ("", []),
        ("***\n", []),
        ("The edition of [2024] is out.", [("The edition of [2024] is out.", ())]),
        ("No mark at all.", [("No mark at all.", ())]),
    ],
)  # fmt: skip
def test_marks_belong_to_their_sentence_and_leave_its_text(
    draft: str, expected: list[tuple[str, tuple[int, ...]]]
) -> None:
    assert cited(draft) == expected


def test_a_mark_set_close_after_the_full_stop_ends_the_sentence_too() -> None:
    assert cited("It costs £620.[1] It takes ten days.[2]") == [
        ("It costs £620.", (1,)),
        ("It takes ten days.", (2,)),
    ]


def test_lines_of_a_draft_stay_lines() -> None:
    assert [c.before for c in claims("One is so. Two is so.\n- Three is so.")] == [" ", " ", "\n"]


# ----------------------------------------------------------------- verdicts

QUOTE = "At the factory setting a PT4-R runs for 19 days, as Agnes Tolland measured in 2025."


@pytest.mark.parametrize(
    "statement",
    [
        QUOTE,
        "a PT4-R runs for 19 days",
        "A PT4-R runs for nineteen days at the factory setting.",
        "Tolland measured that the PT4-R runs for 19 days at the factory setting.",
    ],
)
def test_what_the_quote_says_is_supported(statement: str) -> None:
    assert judge(statement, QUOTE, QUOTE).verdict == "supported"


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("A PT4-R runs for 20 days at the factory setting.", "20 day"),
        ("A PT4-R runs for 19 hours at the factory setting.", "19 h"),
        ("A PT5-R runs for 19 days at the factory setting.", "pt5-r"),
        ("As Bertha Tolland measured, a PT4-R runs for 19 days.", "bertha"),
        ("A PT4-R runs for 19 days, measured in 2024.", "2024"),
        ("At the factory setting a PT4-R does not run for 19 days.", "denies"),
        ("A PT4-R sends its readings by radio to the harbour office.", "something else"),
    ],
)
def test_a_wrong_figure_name_or_denial_is_never_supported_however_many_words_agree(
    statement: str, reason: str
) -> None:
    judged = judge(statement, QUOTE, QUOTE)
    assert judged.verdict == "unsupported"
    assert reason in judged.reasons[0]


def test_a_wrong_name_at_the_beginning_of_a_sentence_is_not_supported() -> None:
    quote = "Hallowick was founded by Agnes Tolland."
    assert judge("Bertha Tolland founded Hallowick.", quote, quote).verdict == "unsupported"


def test_a_quote_that_denies_what_the_statement_says_does_not_support_it() -> None:
    judged = judge("The gauge is waterproof.", "The gauge is not waterproof.", "")
    assert judged.verdict != "supported"
    assert "denies" in judged.reasons[0]


def test_a_name_that_stands_only_around_the_quote_makes_it_partly() -> None:
    judged = judge("The PT4-R runs for 19 days.", "It runs for 19 days.", "The PT4-R is new.")
    assert judged.verdict == "partly"
    assert "pt4-r" in judged.reasons[0]


def test_half_of_a_statement_is_partly() -> None:
    judged = judge(
        "The gauge measures the water level and sends readings by radio to the harbour office.",
        "The gauge measures the water level and its readings are stored.",
        "",
    )
    assert judged.verdict == "partly"
    assert 0.35 <= judged.share < 0.6


@pytest.mark.parametrize("text", ["Is that so?", "Here is what I found:", "So it is.", "...", ""])
def test_questions_and_phrases_claim_nothing(text: str) -> None:
    assert not is_claim(text)
    assert check(Claim(text, (1,), " "), [passage(QUOTE)]).verdict == "no_claim"


# ----------------------------------------------------------------- quotes

PAGE = "The probe hangs in the water. The resin cures in 3 hours at 5 °C. Wear gloves at all times."


def test_a_quote_is_the_verbatim_sentence_at_its_place_in_the_unit() -> None:
    where = 1000
    backing = best_backing("The resin cures in 3 hours at 5 °C.", [passage(PAGE, start=where)], [1])
    assert backing is not None
    citation = backing.citation
    assert citation.quote == "The resin cures in 3 hours at 5 °C."
    assert PAGE[citation.start - where : citation.end - where] == citation.quote
    assert (citation.page, citation.label, citation.passage, citation.sha256) == (
        3,
        "page 3",
        1,
        "0",
    )


def test_a_quote_may_run_over_three_sentences_and_is_as_short_as_holds() -> None:
    text = "It opens at ten. It closes at four. The shop sells gauges. Cats are not allowed."
    backing = best_backing("It opens at ten, closes at four and sells gauges.", [passage(text)], [])
    assert backing is not None
    assert backing.citation.quote == "It opens at ten. It closes at four. The shop sells gauges."


def test_a_wrong_citation_is_corrected_and_said() -> None:
    passages = [passage("Wear gloves at all times.", 1), passage(PAGE, 2)]
    statement = check(Claim("The resin cures in 3 hours.", (1,), " "), passages)
    assert statement.verdict == "supported"
    assert statement.citations[0].passage == 2
    assert statement.reasons == ("the draft cited [1]; the quote stands in [2]",)


def test_a_right_citation_wins_over_another_passage_that_says_the_same() -> None:
    passages = [passage(PAGE, 1), passage(PAGE, 2, name="copy.pdf")]
    for number in (1, 2):
        statement = check(Claim("The resin cures in 3 hours.", (number,), " "), passages)
        assert [c.passage for c in statement.citations] == [number]
        assert statement.reasons == ()


def test_a_sentence_without_a_mark_still_gets_its_quote() -> None:
    statement = check(Claim("The resin cures in 3 hours.", (), " "), [passage(PAGE)])
    assert (statement.verdict, statement.reasons) == ("supported", ())


def test_a_citation_of_a_passage_that_does_not_exist_is_corrected() -> None:
    statement = check(Claim("The resin cures in 3 hours.", (9,), " "), [passage(PAGE)])
    assert statement.citations[0].passage == 1
    assert "[9]" in statement.reasons[0]


def test_an_unsupported_statement_has_no_citation_and_a_reason() -> None:
    statement = check(Claim("The resin cures in 4 hours.", (1,), " "), [passage(PAGE)])
    assert (statement.verdict, statement.citations) == ("unsupported", ())
    assert statement.reasons
    nothing = check(Claim("The resin cures in 4 hours.", (), " "), [])
    assert nothing.verdict == "unsupported"


def test_a_stale_document_is_said_on_its_citation() -> None:
    from dataclasses import replace

    old = replace(passage(PAGE), stale=True)
    assert check(Claim("The resin cures in 3 hours.", (), " "), [old]).citations[0].stale
