"""A library's own questions put to it as it is: searched for stage by stage, and answered.

A question is judged by its quote: right is every page that has it, in whatever document. Nothing is
ingested or copied. Questions whose document has gone, or no longer has the quote, are counted and
left out, as is an unanswerable one whose words the library holds by now.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from rag.assistant import Assistant
from rag.errors import UsageError, VouchError
from rag.evaluation.dataset import Query
from rag.evaluation.own.making import holds
from rag.evaluation.own.questions import OwnQuestion
from rag.evaluation.run import Asking
from rag.evaluation.runs import OWN, Answered, Outcome, Run, Stage
from rag.retrieval.recipe import STAGES
from rag.text import fold
from rag.types import Answer, Document, Done

QUOTING = "quoting"
_COPIES = 20  # hits looked through for other places of a quote
_SEARCHED = 500  # characters of a quote that are searched for

Report = Callable[[int, int], None]
"""Told how many steps of how many are done."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The questions that can be asked today, with their right pages, and why others cannot."""

    queries: tuple[Query, ...]
    unanswerable: tuple[OwnQuestion, ...]
    left_out: dict[str, int]


def judge(assistant: Assistant, questions: Iterable[OwnQuestion]) -> Judged:
    """Look up where the quotes stand now."""
    documents = {document.path: document for document in assistant.documents()}
    queries: list[Query] = []
    unanswerable: list[OwnQuestion] = []
    left_out: Counter[str] = Counter()
    for question in questions:
        document = documents.get(question.path)
        if not question.keep:
            left_out["set aside"] += 1
        elif not question.answerable:
            if question.absent and holds(assistant, question.absent):
                left_out["answerable by now"] += 1
            else:
                unanswerable.append(question)
        elif document is None or not document.searchable:
            left_out["document gone"] += 1
        elif pages := _pages(assistant, document, question.quote):
            queries.append(Query(question.id, question.question, dict.fromkeys(pages, 1)))
        else:
            left_out["quote gone"] += 1
    return Judged(tuple(queries), tuple(unanswerable), dict(left_out))


def evaluate_own(
    assistant: Assistant,
    questions: Sequence[OwnQuestion],
    answers: int,
    progress: Report = lambda done, total: None,
) -> Run:
    """Search for all of them by every stage; have at most `answers` of each kind answered.

    Raises `EmptyLibrary`, and `UsageError` where no answerable question is left.
    """
    assistant.require_documents()
    judged = judge(assistant, questions)
    if not judged.queries:
        raise UsageError(
            "own questions",
            "There is no answerable question to ask.",
            "Make some of your documents: rag evaluate own --make",
        )
    asked = [
        *((query, True) for query in judged.queries[:answers]),
        *((Query(q.id, q.question, {}), False) for q in judged.unanswerable[:answers]),
    ]
    total = len(STAGES) + len(asked)
    asking = Asking(assistant, {}, paged=True)
    stages: dict[str, Stage] = {}
    for name, recipe in STAGES.items():
        stages[name] = asking.stage(judged.queries, recipe)
        progress(len(stages), total)
    answered: list[Answered] = []
    for query, answerable in asked:
        answered.append(_answer(assistant, query, answerable))
        progress(len(STAGES) + len(answered), total)
    identity = assistant.identity()
    assert identity is not None, "a library with chunks has an identity"
    return Run(
        dataset=OWN,
        digest=_digest(judged),
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        model=identity.model,
        ingest_seconds=0.0,
        stages=stages,
        answers=tuple(answered),
        left_out=judged.left_out,
    )


def _pages(assistant: Assistant, document: Document, quote: str) -> list[str]:
    """The pages of a document that have a quote, and then those of other documents that do."""
    wanted = _plain(quote)
    own = [
        f"{document.path}#{unit.number}"
        for unit in assistant.units(document.id)
        if wanted in _plain(unit.text)
    ]
    if not own:
        return []
    alike = assistant.search(quote[:_SEARCHED], _COPIES, by=STAGES["keyword"]).hits
    copies = (hit.chunk for hit in alike if wanted in _plain(hit.chunk.text))
    return [*own, *(f"{chunk.path}#{chunk.unit}" for chunk in copies)]


def _answer(assistant: Assistant, query: Query, answerable: bool) -> Answered:
    """Ask one question as a person would; what goes wrong with it ends no other."""
    started = time.perf_counter()
    try:
        events = list(assistant.ask(query.text))
    except VouchError as error:
        outcome: Outcome = "failed"
        text, by = error.message, None
    else:
        (answer,) = (event.answer for event in events if isinstance(event, Done))
        outcome = _outcome(answer, query, answerable)
        text, by = answer.text, answer.receipt.chat_model or QUOTING
    seconds = time.perf_counter() - started
    return Answered(query.id, query.text, answerable, outcome, text, by, seconds)


def _outcome(answer: Answer, query: Query, answerable: bool) -> Outcome:
    if not answer.receipt.ok:
        return "failed"
    if not answer.answered:
        return "silent" if answerable else "right"
    cited = {f"{c.path}#{c.page}" for s in answer.statements for c in s.citations}
    return "right" if answerable and cited & query.relevant.keys() else "wrong"


def _plain(text: str) -> str:
    return " ".join(fold(text).split())


def _digest(judged: Judged) -> str:
    """Names what is asked: 16 hex digits of the questions."""
    texts = [(q.id, q.text) for q in judged.queries]
    texts += [(q.id, q.question) for q in judged.unanswerable]
    return hashlib.sha256(repr(texts).encode()).hexdigest()[:16]
