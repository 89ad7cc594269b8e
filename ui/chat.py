"""The chat page: questions, streamed drafts, checked answers, and the open source beside them."""

from __future__ import annotations

import time
from contextlib import closing

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from rag.errors import VouchError
from rag.server.workspace import Workspace, current
from ui import answers, documents, errors, safe, source
from ui.conversation import Conversation, Exchange

_STATE = "conversation"


def page() -> None:
    workspace = current()
    talk: Conversation = st.session_state.setdefault(_STATE, Conversation())
    st.set_page_config(layout="wide" if talk.source else "centered")
    if workspace.assistant.coverage().documents_read == 0:
        _welcome_to_empty_library()
        return
    asked = st.chat_input("Ask your documents", submit_mode="stop", key="question")
    exchange = talk.begin(asked) if asked else None
    if talk.exchanges:
        st.sidebar.button("New chat", on_click=talk.clear, key="new-chat", width="stretch")
    # The talk keeps its place in the page, and so its scroll bar, whether or not a source is open.
    columns = st.columns([11, 9] if talk.source else 1, gap="large")
    if talk.source:
        with columns[1]:
            source.panel(workspace.assistant, talk.source, talk.close_source)
    with columns[0]:
        _talk(workspace, talk, exchange)


def _talk(workspace: Workspace, talk: Conversation, running: Exchange | None) -> None:
    if not talk.exchanges:
        _greeting()
        return
    # A key that changes with each question: the pane is made anew and starts at its end.
    with st.container(key=f"talk-{len(talk.exchanges)}", height=600, border=False, autoscroll=True):
        for exchange in talk.exchanges:
            with st.container(key=f"question-{exchange.number}"):
                st.text(safe.plain(exchange.question))
            place = st.empty()
            if exchange is running:
                _stream(workspace, talk, exchange, place)
            with place.container():
                _outcome(talk, exchange)


def _greeting() -> None:
    with st.container(key="greeting"):
        st.header("Ask your documents")
        st.text(
            "Each sentence of an answer comes with the quote it stands on. "
            "What your documents do not say is not answered."
        )


def _outcome(talk: Conversation, exchange: Exchange) -> None:
    if exchange.answer is not None:
        answers.show(exchange.answer, exchange.number, talk.open)
    elif exchange.error is not None:
        errors.show(exchange.error)
    else:
        with st.container(key=f"draft-stopped-{exchange.number}"):
            st.caption("Stopped. This draft was not checked.")
            st.text(safe.plain(exchange.draft))


def _stream(
    workspace: Workspace, talk: Conversation, exchange: Exchange, place: DeltaGenerator
) -> None:
    """Take in the answer as it comes. Streamlit raises out of here on Stop and closed tabs."""
    started = time.monotonic()
    with place.container(), st.container(key=f"draft-{exchange.number}"):
        status, draft = st.empty(), st.empty()
    try:
        with closing(workspace.ask(exchange.question, talk.history())) as asking:
            for batch in asking.batches():
                for event in batch:
                    exchange.take(event)
                status.caption(doing(exchange, time.monotonic() - started))
                if exchange.draft:
                    draft.text(safe.plain(exchange.draft))
    except VouchError as error:
        exchange.error = error.info


def doing(exchange: Exchange, seconds: float) -> str:
    """What happens to a question that is not answered yet."""
    if exchange.checked:
        return f"Draft. Checking each sentence against its page: {exchange.checked} done"
    if exchange.draft:
        return "Draft, not checked yet"
    if exchange.passages is None and exchange.waiting is not None:
        return f"Making out what the question leans on · {seconds:.0f} s"
    if exchange.passages is None:
        return f"Searching your documents · {seconds:.0f} s"
    if exchange.waiting is None or exchange.waiting.stage == "model":
        return f"Reading {exchange.passages} passages · {seconds:.0f} s"
    return f"{exchange.waiting.text} · {seconds:.0f} s"


def _welcome_to_empty_library() -> None:
    st.header("Welcome to Vouch")
    st.text("Your library is empty. Add some documents, then ask about them: each sentence of an "
            "answer will come with the quote it stands on.")  # fmt: skip
    if st.button("Add documents", type="primary"):
        st.switch_page(st.Page(documents.page, title="Documents", url_path="documents"))
