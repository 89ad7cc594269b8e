"""The documents page: what is in the library, what was not read and why, adding and deleting."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from rag.errors import VouchError
from rag.explain import coverage, page_states
from rag.server.workspace import Workspace, current
from rag.types import Document, Similar
from ui import adding, errors, safe, watching, words

PAGE_SIZE = 25


def page() -> None:
    st.set_page_config(layout="wide")
    workspace = current()
    with st.container(key="documents"):
        st.header("Documents")
        read = workspace.assistant.coverage()
        if read.documents:
            pages = words.count(read.pages, "page or section", "pages and sections")
            st.caption(f"{coverage(read).capitalize()}; {pages} in all.")
        if advice := workspace.unread_pages_advice():
            st.info(safe.line(advice))
        adding.show(workspace)
        watching.show(workspace)
        documents = workspace.assistant.documents()
        if documents:
            _list(workspace, documents)


def matching(documents: Sequence[Document], text: str, read: bool | None) -> list[Document]:
    """The documents whose path has the text, those that were not read first.

    `read`: only those whose text answers questions, or only the others.
    """
    wanted = text.strip().casefold()
    found = [
        document
        for document in documents
        if wanted in document.path.casefold() and read in (None, document.searchable)
    ]
    return sorted(found, key=lambda document: (document.searchable, document.path))


def _list(workspace: Workspace, documents: Sequence[Document]) -> None:
    read = sum(document.searchable for document in documents)
    labels = {
        "all": f"All {len(documents):,}",
        "read": f"Read {read:,}",
        "not read": f"Not read {len(documents) - read:,}",
    }
    with st.container(horizontal=True, vertical_alignment="center", key="filter"):
        text = st.text_input(
            "Find", placeholder="Find by name or path", key="find", label_visibility="collapsed"
        )
        shown = st.segmented_control(
            "Show",
            list(labels),
            default="all",
            format_func=lambda choice: labels[choice],
            key="shown",
            label_visibility="collapsed",
        )
    found = matching(documents, text, {"read": True, "not read": False}.get(shown or "all"))
    limit = st.session_state.setdefault("limit", PAGE_SIZE)
    with st.container(key="list"):
        for document in found[:limit]:
            _row(workspace, document)
    if not found:
        st.caption("No document fits.")
    if len(found) > limit:
        rest = words.count(len(found) - limit, "more document")
        st.button(f"Show more ({rest})", on_click=_show_more)


def _show_more() -> None:
    st.session_state["limit"] += PAGE_SIZE


def _row(workspace: Workspace, document: Document) -> None:
    row = st.container(
        horizontal=True, vertical_alignment="center", key=f"row-{document.id}", gap="small"
    )
    with row:
        with st.container(width=20, key=f"icon-{document.id}"):
            st.markdown(_icon(document))
        with st.container(gap=None, key=f"about-{document.id}"):
            st.markdown(f"**{safe.line(document.name)}**")
            st.caption(safe.line(_about(document)))
            if similar := workspace.assistant.similar(document.id):
                st.caption(safe.line(similar_to(similar)))
            if document.error is not None:
                st.caption(safe.line(f"{document.error.message} {document.error.hint}"))
            elif document.pages_unread or document.states.get("ocr"):
                for line in page_states(workspace.assistant.not_read(document.id)):
                    st.caption(safe.line(line[:1].upper() + line[1:]))
        if st.button("Delete", key=f"delete-{document.id}", type="tertiary"):
            _confirm(workspace, document)


def _icon(document: Document) -> str:
    if not document.searchable:
        return ":red[✗]"
    return ":orange[~]" if document.stale or document.pages_unread else ":green[✓]"


def _about(document: Document) -> str:
    parts = [words.OUTCOMES[document.outcome]]
    if document.pages:
        parts.append(words.count(document.pages, document_unit(document)))
    if document.pages_unread:
        parts.append(f"{document.pages_unread:,} unread")
    if document.stale:
        parts.append("the file has changed since; an older version answers")
    return " · ".join([*parts, _place(document)])


def similar_to(similar: Sequence[Similar]) -> str:
    """What a document is nearly the same as; the first of them by name."""
    first, more = similar[0], len(similar) - 1
    others = f" and {words.count(more, 'other')}" if more else ""
    return f"similar to {first.name}{others}: {first.same} of {first.texts} passages the same"


def document_unit(document: Document) -> str:
    """What its parts are called."""
    return "page" if document.format in ("pdf", "image") else "section"


def _place(document: Document) -> str:
    return "uploaded" if _is_upload(document) else document.path.removesuffix(f"/{document.name}")


def _is_upload(document: Document) -> bool:
    return document.path.startswith("upload:")


@st.dialog("Delete from the library?")
def _confirm(workspace: Workspace, document: Document) -> None:
    st.markdown(f"**{safe.line(document.name)}**")
    if _is_upload(document):
        st.text("Its text and our copy of the file are deleted.")
    else:
        st.text(
            "Its text is deleted from the library. The file itself is not touched; "
            "adding its folder again would read it again."
        )
    if st.button("Delete", type="primary", key="really-delete"):
        try:
            workspace.assistant.remove([document.id], wait=False)
        except VouchError as error:
            errors.show(error.info)
        else:
            st.rerun()
