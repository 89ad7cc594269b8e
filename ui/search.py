"""The search page: the passages that fit best, why each was found, and the open source beside them."""

from __future__ import annotations

import streamlit as st

from rag.errors import VouchError
from rag.explain import why
from rag.server.workspace import Workspace, current
from rag.types import Hit, Scope, SearchResult
from ui import errors, safe, source, words
from ui.conversation import Source

_OPEN = "open-hit"
_HITS = 10


def page() -> None:
    workspace = current()
    opened: Source | None = st.session_state.get(_OPEN)
    st.set_page_config(layout="wide" if opened else "centered")
    columns = st.columns([11, 9] if opened else 1, gap="large")
    if opened:
        with columns[1]:
            source.panel(workspace.assistant, opened, _close)
    with columns[0]:
        st.header("Search")
        if workspace.assistant.coverage().documents_read == 0:
            st.text("The library has no readable documents yet.")
            return
        _search(workspace)


def _search(workspace: Workspace) -> None:
    query = st.text_input(
        "Search",
        placeholder='Words or a question; "a phrase" alone is taken exactly',
        key="query",
        label_visibility="collapsed",
        on_change=_close,
    )
    scope = _scope(workspace)
    if not query or not query.strip():
        return
    try:
        result = workspace.assistant.search(query, _HITS, scope, explain=True)
    except VouchError as error:
        errors.show(error.info)
        return
    _result(result)


def _scope(workspace: Workspace) -> Scope:
    collections = workspace.assistant.collections()
    if len(collections) < 2:
        return Scope()
    chosen = st.multiselect(
        "Collections",
        collections,
        format_func=safe.line,
        placeholder="All collections",
        key="collections",
        label_visibility="collapsed",
    )
    return Scope(collections=tuple(chosen))


def _result(result: SearchResult) -> None:
    if result.notice:
        st.warning(safe.line(result.notice))
    limited = "".join(f" · {limit}" for limit in result.filters)
    found = words.count(len(result.hits), "passage")
    st.caption(safe.line(f"{found} in {result.seconds * 1000:.0f} ms{limited}"))
    for rank, hit in enumerate(result.hits, start=1):
        with st.container(key=f"hit-{rank}"):
            _hit(rank, hit)


def _hit(rank: int, hit: Hit) -> None:
    place = safe.line(words.place(hit.chunk.name, hit.chunk.label, hit.chunk.ocr_confidence))
    st.button(place, key=f"read-hit-{rank}", on_click=_open, args=(Source.of_hit(hit),))
    st.text(safe.flowing(hit.chunk.text))
    with st.expander("Why it was found"):
        for line in why(hit):
            st.caption(safe.line(line))


def _open(opened: Source) -> None:
    st.session_state[_OPEN] = opened


def _close() -> None:
    st.session_state.pop(_OPEN, None)
