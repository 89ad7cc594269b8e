"""A question that the chat model asks of a chunk, kept only if it then answers it from the chunk
with a quote that code has checked.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

from rag.answering import prompts
from rag.answering.stream import answer_events
from rag.answering.writing import ModelWriter, Question
from rag.assistant import Assistant
from rag.evaluation.own.by_rule import Drafted
from rag.evaluation.own.checks import as_question, is_copy, stands_alone
from rag.retrieval.passages import passages
from rag.retrieval.retriever import Evidence
from rag.types import Citation, Done, Hit, Passage, SearchResult, StoredChunk

Result = TypeVar("Result")


def by_model(writer: ModelWriter, assistant: Assistant, chunk: StoredChunk) -> Drafted | None:
    """None where the model asks nothing that would measure anything, or cannot answer it."""
    passage = _passage(assistant, chunk)
    written = _returned(writer.line(prompts.question_messages(passage)))
    question = as_question(written)
    if question is None or not stands_alone(question) or is_copy(question, chunk.text):
        return None
    citation = _answered(writer, assistant, question, passage)
    return Drafted(question, citation.quote, writer.model or writer.engine) if citation else None


def _answered(
    writer: ModelWriter, assistant: Assistant, question: str, passage: Passage
) -> Citation | None:
    """The quote of the first statement that is supported, where the passage is all there is."""
    identity = assistant.identity()
    assert identity is not None, "a library with chunks has an identity"
    found = SearchResult(question, (), 0.0)
    evidence = Evidence(found, (passage,), assistant.coverage(), 0, identity)
    for event in answer_events(Question(question, question), evidence, writer, identity, ()):
        if isinstance(event, Done):
            for statement in event.answer.statements:
                if statement.verdict == "supported":
                    return statement.citations[0]
    return None


def _passage(assistant: Assistant, chunk: StoredChunk) -> Passage:
    texts = {unit.number: unit.text for unit in assistant.units(chunk.document_id)}
    (passage,) = passages([Hit(chunk, 1.0)], lambda _, number: texts[number], 1)
    return passage


def _returned(steps: Generator[object, None, Result]) -> Result:
    """What a generator returns in the end."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: Result = end.value
            return result
