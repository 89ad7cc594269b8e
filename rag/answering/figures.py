"""The hard facts of a text in one form: numbers with units, dates, proper names, negation. Pure.

1,200 = 1200; 3 % = 3 percent; nineteen = 19; 12 March 2026 = 2026-03-12. Built for English; figures
and ISO dates hold in any language.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag.text import STOP_WORDS, fold, stem, words

_ONES = ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
         "fifteen sixteen seventeen eighteen nineteen").split()  # fmt: skip
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_SPELLED = {word: n for n, word in enumerate(_ONES)} | {
    word: n * 10 for n, word in enumerate(_TENS, start=2)
}
_SCALES = {"hundred": 100.0, "thousand": 1e3, "k": 1e3, "million": 1e6, "bn": 1e9,
           "billion": 1e9}  # fmt: skip
_MONTHS = {
    name: n
    for n, names in enumerate(
        ("january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul",
         "august aug", "september sep sept", "october oct", "november nov", "december dec"),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_UNITS = {
    "%": "%", "percent": "%", "per cent": "%",
    "€": "eur", "euro": "eur", "euros": "eur", "eur": "eur",
    "$": "usd", "dollar": "usd", "dollars": "usd", "usd": "usd", "£": "gbp", "gbp": "gbp",
    "pound": "gbp", "pounds": "gbp",
    "second": "s", "seconds": "s", "sec": "s", "s": "s",
    "minute": "min", "minutes": "min", "min": "min",
    "hour": "h", "hours": "h", "h": "h", "day": "day", "days": "day",
    "week": "week", "weeks": "week",
    "month": "month", "months": "month", "year": "year", "years": "year", "yr": "year",
    "mm": "mm", "cm": "cm", "m": "m", "metre": "m", "metres": "m", "meter": "m", "meters": "m",
    "km": "km", "km/h": "km/h", "m/s": "m/s", "mph": "mph",
    "g": "g", "kg": "kg", "mg": "mg", "t": "t", "l": "l", "ml": "ml", "litre": "l",
    "litres": "l", "v": "v", "mv": "mv", "a": "a", "ma": "ma", "mah": "mah", "ah": "ah", "w": "w",
    "kw": "kw", "kwh": "kwh", "wh": "wh", "hz": "hz", "khz": "khz", "mhz": "mhz", "ghz": "ghz",
    "nm": "nm", "°c": "°c", "°f": "°f", "°": "°", "degrees": "°", "kb": "kb", "mb": "mb",
    "gb": "gb",
    "bar": "bar", "hpa": "hpa", "kpa": "kpa", "db": "db", "ppm": "ppm",
}  # fmt: skip
_UNIT = "|".join(sorted(map(re.escape, _UNITS), key=len, reverse=True))
_NUMBER = re.compile(
    r"(?P<minus>(?<![\w.%)])-)?(?P<currency>[€$£])?\s?(?<![\w.])"
    r"(?P<number>(?:\d{1,3}(?:[,' ]\d{3})+(?!\d)|\d+)(?:\.\d+)?(?!\.?\d))"
    rf"(?:\s*(?P<scale>hundred|thousand|million|billion|bn|k)\b)?(?:\s?-?(?P<unit>{_UNIT})(?![\w/]))?"
)
_ISO_DATE = re.compile(r"\b(\d{4})-(\d{1,2})-(\d{1,2})\b")
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DAY_MONTH = re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th)?(?: of)? ({_MONTH})\b\.?,?(?: (\d{{4}}))?")
_MONTH_DAY = re.compile(rf"\b({_MONTH})\b\.? (\d{{1,2}})(?:st|nd|rd|th)?\b(?:,? (\d{{4}}))?")
_SPELLED_NUMBER = re.compile(
    rf"\b({'|'.join(_TENS)})[- ]({'|'.join(_ONES[1:10])})\b|\b({'|'.join(_SPELLED)})\b"
)
_NEGATION = re.compile(
    r"\b(?:not|no|never|none|nobody|nothing|neither|nor|without|cannot|free of)\b|n't\b"
)
_NAME = re.compile(r"[^\W\d_][\w'’-]*|\w*\d\w*[^\W\d_][\w-]*|\d+(?:\.\d+){2,}|\d+(?:-\d+)+")
_MEASURE = re.compile(rf"\d+(?:\.\d+)?(?:st|nd|rd|th|s|{_UNIT})")


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its unit ('' where it has none)."""

    value: float
    unit: str = ""

    def __str__(self) -> str:
        return f"{self.value:g} {self.unit}".strip()


@dataclass(frozen=True, slots=True)
class Facts:
    """What must stand in a quote for it to back a statement. Dates: (year or None, month, day)."""

    figures: frozenset[Figure]
    dates: frozenset[tuple[int | None, int, int]]
    names: frozenset[str]
    negated: bool


def facts(text: str) -> Facts:
    """The hard facts of a text."""
    folded = fold(text)
    dates, rest = _take_dates(folded)
    return Facts(
        figures=frozenset(_figures(_digits(rest))),
        dates=frozenset(dates),
        names=frozenset(_names(text)),
        negated=bool(_NEGATION.search(folded)),
    )


def missing_figures(statement: Facts, quote: Facts, quote_is_table: bool = False) -> list[str]:
    """The numbers and dates of a statement that its quote does not have, readable.

    A number of the statement that has a unit needs one of the quote with the same unit; in a table,
    whose units stand in its head, a bare number will do.
    """
    lost = [
        f for f in statement.figures if not any(_same(f, q, quote_is_table) for q in quote.figures)
    ]
    days = {date[1:] for date in quote.dates}
    years = {date[0] for date in quote.dates} | {int(f.value) for f in quote.figures if not f.unit}
    late = [
        d for d in statement.dates if d[1:] not in days or (d[0] is not None and d[0] not in years)
    ]
    # versions such as 4.7.1 are names made of digits
    lost_names = [n for n in statement.names - quote.names if n[0].isdigit() and n.count(".") > 1]
    # a bare number of a statement may stand inside a date of the quote: "in 2026", "on the 12th"
    inside = {float(part) for date in quote.dates for part in date if part is not None}
    lost = [f for f in lost if f.unit or f.value not in inside]
    written = ["-".join(str(part) for part in date if part) for date in late]
    return sorted(map(str, lost)) + sorted(written) + sorted(lost_names)


def missing_names(statement: Facts, text: str) -> list[str]:
    """The names of a statement that do not stand in a text."""
    there = {stem(word) for word in words(text)}
    folded = fold(text)
    return sorted(n for n in statement.names if stem(n) not in there and n not in folded)


def anchors(text: str) -> frozenset[str]:
    """What pins a question to one year or one thing: bare years, and names made with digits."""
    named = facts(text)
    years = {str(int(f.value)) for f in named.figures if not f.unit and 1900 <= f.value <= 2100}
    dated = {str(date[0]) for date in named.dates if date[0]}
    return frozenset(years | dated | {n for n in named.names if any(c.isdigit() for c in n)})


def _same(said: Figure, shown: Figure, bare_will_do: bool) -> bool:
    """Equal numbers, and the unit that was said."""
    units_agree = not said.unit or said.unit == shown.unit or (bare_will_do and not shown.unit)
    return units_agree and abs(said.value - shown.value) <= 1e-9 * max(abs(said.value), 1.0)


def _take_dates(folded: str) -> tuple[list[tuple[int | None, int, int]], str]:
    """The dates of a text, and the text without them."""
    dates: list[tuple[int | None, int, int]] = []

    def iso(match: re.Match[str]) -> str:
        dates.append((int(match[1]), int(match[2]), int(match[3])))
        return " "

    def day_month(match: re.Match[str]) -> str:
        dates.append((int(match[3]) if match[3] else None, _MONTHS[match[2]], int(match[1])))
        return " "

    def month_day(match: re.Match[str]) -> str:
        dates.append((int(match[3]) if match[3] else None, _MONTHS[match[1]], int(match[2])))
        return " "

    rest = _ISO_DATE.sub(iso, folded)
    rest = _DAY_MONTH.sub(day_month, rest)
    return dates, _MONTH_DAY.sub(month_day, rest)


def _digits(folded: str) -> str:
    """Spelled numbers as digits; `one` stays a word, it is mostly a pronoun."""

    def value(match: re.Match[str]) -> str:
        if match[1]:
            return str(_SPELLED[match[1]] + _SPELLED[match[2]])
        return match[3] if match[3] == "one" else str(_SPELLED[match[3]])

    return _SPELLED_NUMBER.sub(value, folded)


def _figures(folded: str) -> list[Figure]:
    found = []
    for match in _NUMBER.finditer(folded):
        value = float(re.sub(r"[,' ]", "", match["number"])) * _SCALES.get(match["scale"], 1.0)
        unit = _UNITS.get(match["currency"] or match["unit"] or "", "")
        if match["currency"] and match["unit"] == "m":
            value *= 1e6  # £2.9m
        found.append(Figure(-value if match["minus"] else value, unit))
    return found


def _names(text: str) -> list[str]:
    """Folded words written as names: capitals that no sentence begins with, letters with digits.

    The first word of a sentence counts where a capital follows it too ("Agnes Tolland founded …").
    """
    names = []
    tokens = text.split()
    opening = True
    for token, following in zip(tokens, [*tokens[1:], ""], strict=False):
        word = token.strip("\"'“”‘’()[]{}.,;:!?*_")
        if _NAME.fullmatch(word) and _is_name(word, opening and not following[:1].isupper()):
            names.append(fold(word).removesuffix("'s"))
        opening = token[-1] in ".!?:"
    return names


def _is_name(word: str, capital_means_nothing: bool) -> bool:
    folded = fold(word)
    if folded in STOP_WORDS or folded in _MONTHS or folded in _UNITS:
        return False
    coded = any(c.isdigit() for c in word) and not _MEASURE.fullmatch(folded)
    inner_capital = any(c.isupper() for c in word[1:])
    return coded or inner_capital or (word[0].isupper() and not capital_means_nothing)
