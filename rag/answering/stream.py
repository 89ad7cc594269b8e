"""Conducts one answer: draft, check, receipt, final answer, as one stream of events.

Deltas are a draft, shown as unchecked; `Done` replaces it. Where the receipt fails or nothing
holds, the final text is the reason or the fixed sentence, and the draft is gone.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from rag.answering import budget
from rag.answering.prompts import NOT_IN_DOCUMENTS, says_not_in_documents
from rag.answering.quotes import best_backing
from rag.answering.statements import Claim, claims
from rag.answering.verdicts import is_claim
from rag.answering.writing import Draft, Question, Writer
from rag.retrieval.retriever import Evidence
from rag.types import (
    Answer,
    AnswerEvent,
    ChatDelta,
    Citation,
    Delta,
    Done,
    EmbeddingIdentity,
    Passage,
    Receipt,
    Retrieved,
    Statement,
    StatementChecked,
    Waiting,
)

_WORTH_SAYING = 0.01  # seconds; the rule for follow-ups takes none to speak of
NOT_BACKED = "[not backed by your documents]"


def answer_events(
    question: Question,
    evidence: Evidence,
    writer: Writer,
    identity: EmbeddingIdentity,
    notices: Sequence[str],
) -> Iterator[AnswerEvent]:
    """Answer a question from its evidence. Closing the iterator stops the model."""
    yield Retrieved(question.asked, evidence.passages)
    seconds = {"follow_up": question.seconds} if question.seconds > _WORTH_SAYING else {}
    seconds["retrieval"] = evidence.search.seconds
    started = time.perf_counter()
    draft = writer.draft(question, evidence.passages)
    text, last = "", ChatDelta("")
    if draft.passages:
        for event in draft.deltas:
            if isinstance(event, Waiting):
                yield event
                continue
            last = event
            if last.text and not text:
                seconds["first_word"] = time.perf_counter() - started
            text += last.text
            if last.text:
                yield Delta(last.text)
    seconds["draft"] = time.perf_counter() - started
    receipt = _receipt(draft, last, writer, identity, evidence.sequence)
    checked: list[tuple[Claim, Statement]] = []
    if receipt.ok and not says_not_in_documents(text):
        for claim in claims(text):
            statement = check(claim, draft.passages)
            checked.append((claim, statement))
            yield StatementChecked(statement)
    seconds["check"] = time.perf_counter() - started - seconds["draft"]
    answered = any(s.verdict in ("supported", "partly") for _, s in checked)
    yield Done(
        Answer(
            question=question.text,
            asked=question.asked,
            answered=answered,
            text=_final_text(checked, answered, receipt),
            statements=tuple(s for _, s in checked) if answered else (),
            passages=evidence.passages,
            receipt=receipt,
            coverage=evidence.coverage,
            seconds={name: round(value, 4) for name, value in seconds.items()},
            notices=tuple(notices),
        )
    )


def check(claim: Claim, passages: Sequence[Passage]) -> Statement:
    """One sentence of a draft with its verdict and its best quote."""
    if not is_claim(claim.text):
        return Statement(claim.text, "no_claim")
    backing = best_backing(claim.text, passages, claim.cites)
    if backing is None:
        return Statement(claim.text, "unsupported", reasons=("no passage says anything like it",))
    judgement = backing.judgement
    reasons = list(judgement.reasons)
    citations: tuple[Citation, ...] = ()
    if judgement.verdict != "unsupported":
        citations = (backing.citation,)
        if claim.cites and backing.passage.number not in claim.cites:
            wrong = ", ".join(f"[{n}]" for n in claim.cites)
            reasons.append(
                f"the draft cited {wrong}; the quote stands in [{backing.passage.number}]"
            )
    return Statement(claim.text, judgement.verdict, citations, tuple(reasons))


def _final_text(
    checked: Sequence[tuple[Claim, Statement]], answered: bool, receipt: Receipt
) -> str:
    if not receipt.ok:
        return f"The answer was withheld: {receipt.problem}."
    if not answered:
        return NOT_IN_DOCUMENTS
    text = ""
    for claim, statement in checked:
        marks = "".join(f" [{c.passage}]" for c in statement.citations)
        if statement.verdict == "unsupported":
            marks = f" {NOT_BACKED}"
        text += f"{claim.before if text else ''}{statement.text}{marks}"
    return text


def _receipt(
    draft: Draft, last: ChatDelta, writer: Writer, identity: EmbeddingIdentity, sequence: int
) -> Receipt:
    problem = None
    if draft.prompt is not None and draft.num_ctx is not None and draft.passages:
        problem = budget.problem(draft.prompt, last.prompt_tokens, draft.num_ctx)
    return Receipt(
        chat_engine=writer.engine,
        chat_model=writer.model,
        chat_digest=writer.digest,
        embed_engine=identity.engine,
        embed_model=identity.model,
        embed_digest=identity.digest,
        prompt_tokens=draft.prompt,
        prompt_tokens_read=last.prompt_tokens,
        output_tokens=last.output_tokens,
        timings=last.timings,
        num_ctx=draft.num_ctx,
        num_predict=draft.num_predict,
        passages_used=len(draft.passages),
        passages_left_out=draft.left_out,
        left_out_reason=draft.left_out_reason,
        sequence=sequence,
        ok=problem is None,
        problem=problem,
    )
