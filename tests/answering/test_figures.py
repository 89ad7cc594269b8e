"""Numbers, dates, units and names in one form, whatever way they are written."""

import pytest

from rag.answering.figures import (
    Figure,
    anchors,
    facts,
    missing_figures,
    missing_names,
)


def figures(text: str) -> set[Figure]:
    return set(facts(text).figures)


def agree(statement: str, quote: str) -> bool:
    return not missing_figures(facts(statement), facts(quote))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1,200 gauges", "1200 gauges"),
        ("1 200 gauges", "1200 gauges"),
        ("3 %", "3 percent"),
        ("3%", "3 per cent"),
        ("nineteen days", "19 days"),
        ("twenty-one months", "21 months"),
        ("two hundred gauges", "200 gauges"),
        ("three thousand gauges", "3,000 gauges"),
        ("$4.5 million", "4,500,000 dollars"),
        ("£6,463.20", "6463.20 pounds"),
        ("€ 1.2 billion", "1,200,000,000 euros"),
        ("12 March 2026", "2026-03-12"),
        ("March 12, 2026", "12 Mar 2026"),
        ("March 12th, 2026", "2026-03-12"),
        ("5-day", "5 days"),
        ("0.50 m", "0.5 metres"),
        ("868 MHz", "868 mhz"),
        ("5 °C", "5°C"),
    ],
)
def test_two_ways_to_write_a_figure_agree(one: str, other: str) -> None:
    assert agree(one, other)
    assert agree(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("19 days", "20 days"),
        ("1200", "12000"),
        ("3 %", "3 kg"),
        ("5 m", "5 cm"),
        ("5 m", "5 min"),
        ("€5", "$5"),
        ("5 °C", "5 °F"),
        ("12 March 2026", "13 March 2026"),
        ("12 March 2026", "12 March 2025"),
        ("12 March", "12 May"),
        ("0.92 m", "0.29 m"),
        ("4.5 million", "4.5 billion"),
        ("nineteen", "ninety"),
        ("10:00", "10:30"),
        ("-5 °C", "5 °C"),
        ("5 °C", "-5 °C"),
        ("5 kg", "5"),
        ("12 km", "12 km/h"),
        ("£5m", "£5"),
    ],
)
def test_different_figures_do_not_agree(one: str, other: str) -> None:
    assert not agree(one, other)


def test_version_numbers_are_compared_to_their_last_part() -> None:
    assert not agree("firmware 4.7.1", "firmware 4.7.0")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("the 12th of March", "12 March 2026", id="ordinal"),
        pytest.param("a range of 8km", "a range of 8 km", id="unit-attached"),
        pytest.param("£5m", "£5 million", id="millions"),
    ],
)
def test_a_figure_written_together_with_its_unit_agrees(one: str, other: str) -> None:
    assert agree(one, other)
    assert not missing_names(facts(one), other)


def test_a_bare_number_agrees_with_any_unit_and_with_a_part_of_a_date() -> None:
    assert agree("It has 19 of them.", "19 days")
    assert agree("in 2026", "on 12 March 2026")
    assert agree("in March 2026", "on 12 March 2026")


def test_a_date_without_a_year_agrees_with_one_that_has_it() -> None:
    assert agree("on 12 March", "on 12 March 2026")
    assert agree("on 12 March 2026", "In 2026 the members met on 12 March.")


def test_missing_figures_are_named_as_people_write_them() -> None:
    lost = missing_figures(facts("20 days, £7 and 12 March 2026"), facts("nothing"))
    assert lost == ["20 day", "7 gbp", "2026-3-12"]


def test_figures_of_a_list_are_all_taken() -> None:
    assert figures("5, 6 and 7") == {Figure(5), Figure(6), Figure(7)}
    assert figures("10-15 kg") == {Figure(10), Figure(15, "kg")}


def test_the_word_one_is_no_figure() -> None:
    assert figures("No one knows which one.") == set()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("The gauge PT4-R shows E09.", {"pt4-r", "e09"}),
        ("It was founded by Agnes Tolland's sister.", {"agnes", "tolland"}),
        ("The firm. Another sentence begins.", set()),
        ("In March the members met on Monday.", {"monday"}),
        ("A range in MHz or kWh.", set()),
        ("He said: They come from Port Ellary.", {"port", "ellary"}),
    ],
)
def test_names_are_capitals_inside_a_sentence_and_codes(text: str, names: set[str]) -> None:
    assert facts(text).names == names


def test_a_name_is_found_in_any_case_and_with_an_ending() -> None:
    assert not missing_names(facts("It is by Tolland."), "TOLLAND'S gauges")
    assert missing_names(facts("It is by Tolland."), "Somebody else's") == ["tolland"]


@pytest.mark.parametrize(
    "text",
    ["It is not so.", "No gauge floats.", "It doesn't.", "It cannot.", "Neither.", "without sun"],
)
def test_a_denial_is_seen(text: str) -> None:
    assert facts(text).negated


@pytest.mark.parametrize("text", ["It is so.", "A note of nothingness", "The knot is tight."])
def test_a_word_that_only_looks_like_a_denial_is_none(text: str) -> None:
    assert not facts(text).negated


def test_anchors_are_years_and_codes() -> None:
    assert anchors("What did the PT4-R cost on 12 March 2025?") == {"pt4-r", "2025"}
    assert anchors("What did 9600 gauges cost?") == frozenset()
