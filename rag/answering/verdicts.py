"""Whether a quote backs a statement. Pure, strict, and no model: the same input, the same verdict.

First the hard facts: a figure, date or name of the statement that does not stand in the quote, or a
negation on one side only, cannot be made up for by any number of shared words. Then the share of
the statement's words that the quote has. The two limits are first values, not yet calibrated.
"""

from __future__ import annotations

from dataclasses import dataclass

from rag.answering.figures import facts, missing_figures, missing_names
from rag.text import content_words, fold
from rag.types import Verdict

SUPPORTED = 0.6  # share of the statement's content words that stand in the quote
PARTLY = 0.35
_RANK: dict[Verdict, int] = {"supported": 3, "partly": 2, "unsupported": 1, "no_claim": 0}


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, the share of words that agree (0 to 1), and why it is not `supported`."""

    verdict: Verdict
    share: float
    reasons: tuple[str, ...] = ()

    @property
    def rank(self) -> tuple[int, float]:
        """For choosing the better of two."""
        return _RANK[self.verdict], self.share


def judge(statement: str, quote: str, passage: str, context: str = "") -> Judgement:
    """Judge a statement by a quote of a passage; `context`: the headings and file name above it.

    A name that stands only elsewhere in the passage or its context makes `partly`, nowhere at all
    `unsupported`; a figure must stand in the quote, but may be of the context ("… in 2026").
    """
    if _plain(statement) and _plain(statement) in _plain(quote):
        return Judgement("supported", 1.0)
    said, shown = facts(statement), facts(quote)
    share = shared_words(statement, quote)
    figures = missing_figures(said, shown, quote_is_table=" | " in quote)
    above = set(figures) - set(missing_figures(said, facts(context)))
    if lost := [figure for figure in figures if figure not in above]:
        return Judgement("unsupported", share, (f"not in the quote: {', '.join(lost)}",))
    if said.negated and not shown.negated:
        return Judgement("unsupported", share, ("the statement denies, the quote does not",))
    if strangers := missing_names(said, f"{quote} {passage} {context}"):
        return Judgement("unsupported", share, (f"not in the passage: {', '.join(strangers)}",))
    if share < PARTLY:
        return Judgement("unsupported", share, ("the quote says something else",))
    elsewhere = [*sorted(above), *missing_names(said, quote)]
    reasons = []
    if elsewhere:
        reasons.append(f"not in the quote itself, only around it: {', '.join(elsewhere)}")
    if shown.negated and not said.negated:
        reasons.append("the quote denies, the statement does not")
    if share < SUPPORTED:
        reasons.append("the quote says only a part of it")
    return Judgement("partly" if reasons else "supported", share, tuple(reasons))


def is_claim(statement: str) -> bool:
    """Whether a sentence says anything that could be checked: questions and phrases do not."""
    return bool(content_words(statement)) and not statement.rstrip().endswith(("?", ":"))


def shared_words(statement: str, quote: str) -> float:
    """The share of a statement's content words that the quote has, 0 to 1."""
    said = content_words(statement)
    shown = set(content_words(quote))
    return sum(word in shown for word in said) / len(said) if said else 0.0


def _plain(text: str) -> str:
    return " ".join(fold(text).split()).rstrip(".")
