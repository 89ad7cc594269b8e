"""The side bar: how much was read, and who answers."""

from __future__ import annotations

import streamlit as st

from rag.errors import VouchError
from rag.explain import coverage
from rag.server.workspace import Workspace
from ui import errors, safe, words


def show(workspace: Workspace) -> None:
    with st.sidebar:
        _coverage(workspace)
        _engine(workspace)


def _coverage(workspace: Workspace) -> None:
    read = workspace.assistant.coverage()
    st.markdown("**Library**")
    st.caption(f"{coverage(read).capitalize()}." if read.documents else "No documents yet.")


def _engine(workspace: Workspace) -> None:
    st.markdown("**Answers**")
    try:
        choice = workspace.chat_engine()
    except VouchError as error:
        errors.show(error.info)
        return
    host = workspace.settings.ollama_host
    for sentence in (words.engine(choice, host), choice.notice, words.promise(choice, host)):
        if sentence:
            st.caption(safe.line(sentence))
