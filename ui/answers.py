"""Draws a checked answer: statements with their marks and citations, passages, receipt.

All text of documents and models goes through `st.text` or `safe`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from rag.explain import coverage
from rag.types import Answer, Citation, Passage, Statement
from ui import safe, words

Open = Callable[[Citation | Passage], None]
NEAREST = 3  # passages offered where there is no answer


def show(answer: Answer, number: int, open_source: Open) -> None:
    """`number` tells the answers of a page apart; a clicked citation calls `open_source`."""
    if answer.asked != answer.question:
        st.caption(f"Searched for: {safe.line(answer.asked)}")
    if answer.answered:
        for i, statement in enumerate(answer.statements):
            _statement(statement, f"{number}-{i}", open_source)
    else:
        _no_answer(answer, number, open_source)
    for notice in answer.notices:
        st.caption(safe.line(notice))
    _footing(answer, number, open_source)


def _statement(statement: Statement, key: str, open_source: Open) -> None:
    with st.container(horizontal=True, gap="small", key=f"statement-{key}"):
        with st.container(width=20, key=f"mark-{key}"):
            if mark := words.MARKS[statement.verdict]:
                st.markdown(mark)
        with st.container(gap="small", key=f"said-{key}"):
            st.text(safe.plain(statement.text))
            if statement.verdict in ("partly", "unsupported"):
                st.caption(_why(statement))
            if statement.citations:
                _citations(statement.citations, f"cite-{key}", open_source)


def _why(statement: Statement) -> str:
    reasons = "; ".join(statement.reasons)
    return safe.line(f"{words.VERDICTS[statement.verdict]}{': ' if reasons else ''}{reasons}")


def _citations(citations: Sequence[Citation], key: str, open_source: Open) -> None:
    with st.container(horizontal=True, gap="small", key=key):
        for i, citation in enumerate(citations):
            st.button(
                safe.line(words.place(citation.name, citation.label, citation.ocr_confidence)),
                key=f"{key}-{i}",
                help=_hover(citation),
                on_click=open_source,
                args=(citation,),
            )


def _hover(citation: Citation) -> str:
    changed = "The file has changed since it was read. " if citation.stale else ""
    return safe.line(f"{changed}“{citation.quote}”")


def _no_answer(answer: Answer, number: int, open_source: Open) -> None:
    with st.container(border=True, key=f"unanswered-{number}"):
        st.text(safe.plain(answer.text))
        nearest = answer.passages[:NEAREST]
        if answer.receipt.ok and nearest:
            st.caption("The nearest passages, to read for yourself:")
            for passage in nearest:
                _passage_button(passage, f"near-{number}-{passage.number}", open_source)


def _passage_button(passage: Passage, key: str, open_source: Open, before: str = "") -> None:
    place = words.place(passage.name, passage.label, passage.ocr_confidence)
    label = safe.line(before + place)
    st.button(label, key=key, on_click=open_source, args=(passage,))


def _footing(answer: Answer, number: int, open_source: Open) -> None:
    summary = words.verdicts(answer) if answer.answered else "No statement held"
    with st.container(key=f"footing-{number}"):
        st.caption(f"{summary} · {coverage(answer.coverage).capitalize()}")
        with st.expander(f"What I read ({words.count(len(answer.passages), 'passage')})"):
            for passage in answer.passages:
                _passage(passage, f"{number}-{passage.number}", open_source)
        with st.expander("How this answer was made"), st.container(key=f"receipt-{number}"):
            for sentence in words.receipt(answer):
                st.text(safe.plain(sentence))


def _passage(passage: Passage, key: str, open_source: Open) -> None:
    _passage_button(passage, f"read-{key}", open_source, f"[{passage.number}] ")
    with st.container(key=f"passage-{key}"):
        st.text(safe.plain(passage.text))
