"""Draws the open source: the page as a picture with the quote marked, and its text."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from rag.assistant import Assistant
from rag.drawing import PagePicture
from rag.explain import by_ocr
from rag.types import Unit
from ui import safe
from ui.conversation import Source

AROUND = 1500  # characters of text shown before and after a quote


def panel(assistant: Assistant, source: Source, close: Callable[[], None]) -> None:
    """`close` is called by the button that closes the panel."""
    with st.container(key="source"):
        with st.container(horizontal=True, vertical_alignment="center", key="source-head"):
            st.markdown(f"**{safe.line(source.name)}**  \n{safe.line(source.label)}")
            st.button("Close", key="close-source", on_click=close)
        picture = _picture(assistant, source)
        if source.stale:
            st.warning("This file has changed or is gone since it was read.")
        if source.quote and picture is not None:
            with st.container(key="quote"):
                st.text(safe.flowing(source.quote))
        if picture is not None and picture.unit.state == "ocr":
            st.caption(f"This page was {by_ocr(picture.unit.ocr_confidence)}.")
        _page(picture, source)
        with st.container(key="source-path"):
            st.text(safe.plain(source.path))


def _page(picture: PagePicture | None, source: Source) -> None:
    if picture is None:
        st.info("This version of the document is no longer in the library.")
        return
    if picture.reason:
        st.info(safe.line(picture.reason))
    if picture.png is not None:
        st.image(picture.png, width="stretch")
        with st.expander("As text"):
            _text(picture, source)
    else:
        _text(picture, source)


def _text(picture: PagePicture, source: Source) -> None:
    with st.container(key="source-text"):
        st.markdown(excerpt(picture.unit, source.start, source.end, picture.columns))


def excerpt(unit: Unit, start: int, end: int, columns: str | None = None) -> str:
    """The text around a span of a unit, the span highlighted, as harmless Markdown.

    `columns`: the header row of a table, put above where it is not among the text shown.
    """
    begin = _line_start(unit.text, max(0, start - AROUND))
    text = unit.text[begin : end + AROUND]
    header = f"{safe.line(columns)}  \n" if columns and columns not in text else ""
    before, after = "… " if begin else "", " …" if end + AROUND < len(unit.text) else ""
    return header + before + safe.lines(text, (start - begin, end - begin)) + after


def _line_start(text: str, place: int) -> int:
    return text.rfind("\n", 0, place) + 1 if place else 0


def _picture(assistant: Assistant, source: Source) -> PagePicture | None:
    """Drawn once for each source that is opened: a page may take a second. Looked up each time
    whether the document is still there: what was removed is not shown from memory.
    """
    drawn: tuple[Source, PagePicture | None] | None = st.session_state.get("picture")
    held = assistant.holds(source.document_id, source.sha256)
    if drawn is None or drawn[0] != source or not held:
        span = (source.start, source.end)
        picture = assistant.picture(source.document_id, source.sha256, source.page, span)
        drawn = st.session_state["picture"] = (source, picture)
    return drawn[1]
