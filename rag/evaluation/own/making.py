"""Makes questions of a library: by the chat model where there is one, else by rule.

Nothing is left out because search does not find it: that is what is to be measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from rag.answering.writing import ModelWriter
from rag.assistant import Assistant
from rag.evaluation.own.by_model import by_model
from rag.evaluation.own.by_rule import HEADING, Drafted, by_heading, by_words
from rag.evaluation.own.changing import changed
from rag.evaluation.own.places import place_of, places, word_uses
from rag.evaluation.own.questions import OwnQuestion, name
from rag.retrieval.recipe import STAGES
from rag.text import fold
from rag.types import StoredChunk

UNANSWERABLE = 4  # every so manieth question
_TRIES = 5  # chunks for each question wanted, before there is an end of it
Draft = Callable[[StoredChunk], Drafted | None]


def make(
    assistant: Assistant, count: int, seed: int, known: Sequence[OwnQuestion]
) -> Iterator[OwnQuestion]:
    """At most `count` new questions, each as soon as it is made; a part of them unanswerable.

    Raises `EmptyLibrary`, and what the engine raises.
    """
    assistant.require_documents()
    draft = _draft(assistant, seed)
    left, changes_left = count - count // UNANSWERABLE, count // UNANSWERABLE
    for tried, chunk in enumerate(places(assistant, seed, known)):
        if not left or tried == count * _TRIES:
            return
        drafted = draft(chunk)
        if drafted is None:
            continue
        left -= 1
        question = _answerable(chunk, drafted)
        yield question
        if changes_left and (other := _unanswerable(assistant, question)):
            changes_left -= 1
            yield other


def _draft(assistant: Assistant, seed: int) -> Draft:
    """What makes questions today."""
    writer = assistant.writer()
    if isinstance(writer, ModelWriter):
        return lambda chunk: by_model(writer, assistant, chunk)
    uses = word_uses(assistant, seed)

    def by_rule(chunk: StoredChunk) -> Drafted | None:
        words, heading = by_words(chunk, uses), by_heading(chunk)
        headed = int(name(chunk.text), 16) % 2 == 0  # of chunks that have both, half
        return (heading or words) if headed else (words or heading)

    return by_rule


def _answerable(chunk: StoredChunk, drafted: Drafted) -> OwnQuestion:
    return OwnQuestion(
        id=place_of(chunk),
        question=drafted.question,
        answerable=True,
        path=chunk.path,
        page=chunk.unit,
        quote=drafted.quote,
        made_by=drafted.made_by,
    )


def _unanswerable(assistant: Assistant, question: OwnQuestion) -> OwnQuestion | None:
    change = changed(
        question.question,
        lambda words: holds(assistant, words),
        heading=question.made_by == HEADING,
    )
    if change is None:
        return None
    return replace(
        question,
        id=f"{question.id}-x",
        question=change.question,
        answerable=False,
        made_by=f"{question.made_by}, {change.now} for {change.was}",
        absent=change.now,
    )


def holds(assistant: Assistant, words: str) -> bool:
    """Whether the library has these words side by side, in any document or file's name."""
    found = assistant.search(f'"{words}"', 5, by=STAGES["keyword"]).hits
    return any(
        _flat(words) in _flat(" ".join([c.title or "", *c.headings, c.text, c.name]))
        for c in (hit.chunk for hit in found)
    )


def _flat(text: str) -> str:
    return " ".join(fold(text).split())
