"""A draft cut into statements, each with the passage numbers it cites. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from rag.text import sentences

_MARK = re.compile(r"\s*[\[【]\s*(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\s*[\]】]")
_LEADING_MARKS = re.compile(rf"(?:{_MARK.pattern})+\s*[.;]?")


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence of a draft without its citation marks; `before` separates it (\\n or ' ')."""

    text: str
    cites: tuple[int, ...]
    before: str


def claims(draft: str) -> list[Claim]:
    """The sentences of a draft in order; marks after a full stop belong to the sentence before."""
    found: list[Claim] = []
    end = 0
    for start, stop in sentences(draft):
        before = "\n" if "\n" in draft[end:start] else " "
        end = stop
        sentence = draft[start:stop]
        lead = _LEADING_MARKS.match(sentence)
        if lead and found:
            last = found.pop()
            found.append(
                Claim(last.text, _each_once([*last.cites, *_cited(lead.group())]), last.before)
            )
            sentence = sentence[lead.end() :]
        text = _MARK.sub("", sentence).strip()
        if text.strip(" .-*#"):
            found.append(Claim(text, _each_once(_cited(sentence)), before))
    return found


def _cited(text: str) -> list[int]:
    return [int(n) for mark in _MARK.finditer(text) for n in re.findall(r"\d+", mark.group(1))]


def _each_once(numbers: Iterable[int]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(numbers))
