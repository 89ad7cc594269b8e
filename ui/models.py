"""The models page: what Ollama has and what fits, getting, removing, choosing who answers."""

from __future__ import annotations

import streamlit as st

from rag.errors import VouchError
from rag.models import InstalledModel
from rag.server.workspace import Workspace, current
from ui import errors, getting_models, model_words, safe


def page() -> None:
    st.set_page_config(layout="wide")
    workspace = current()
    with st.container(key="models"):
        st.header("Models")
        machine = workspace.models.machine()
        st.caption(safe.line(model_words.machine(machine)))
        try:
            installed = workspace.models.installed()
        except VouchError as error:
            errors.show(error.info)
            return
        getting_models.show(workspace, machine, [model.info.name for model in installed])
        _list(workspace, installed)


def _list(workspace: Workspace, installed: list[InstalledModel]) -> None:
    writer = workspace.chat_engine().model
    with st.container(key="list"):
        for model in installed:
            _row(workspace, model, writes=writer is not None and model.is_called(writer))
    if not installed:
        st.caption("Ollama has no models yet.")


def _row(workspace: Workspace, model: InstalledModel, writes: bool) -> None:
    name = model.info.name
    row = st.container(horizontal=True, vertical_alignment="center", key=f"row-{name}", gap="small")
    with row:
        with st.container(width=20, key=f"icon-{name}"):
            st.markdown(model_words.mark(model))
        with st.container(gap=None, key=f"about-{name}"):
            badge = " :blue-badge[writes the answers]" if writes else ""
            st.markdown(f"**{safe.line(name)}**{badge}")
            st.caption(safe.line(model_words.about(model)))
        if model.can_write and not writes and workspace.settings.engine != "embedded":
            st.button(
                "Use for answers",
                key=f"use-{name}",
                type="tertiary",
                disabled=_is_refused(workspace, model),
                help="Until this server ends. For good: rag models use NAME",
                on_click=workspace.use_chat_model,
                args=(name,),
            )
        if st.button("Remove", key=f"delete-{name}", type="tertiary"):
            _confirm(workspace, model)


def _is_refused(workspace: Workspace, model: InstalledModel) -> bool:
    """Whether answers would be quoted all the same, because the model is too large."""
    too_large = model.fit is not None and model.fit.verdict == "too_large"
    return too_large and not model.running and workspace.settings.memory_check == "on"


@st.dialog("Remove from Ollama?")
def _confirm(workspace: Workspace, model: InstalledModel) -> None:
    name = model.info.name
    st.markdown(f"**{safe.line(name)}**")
    identity = workspace.assistant.identity()
    embedder = identity.model if identity and identity.engine == "ollama" else None
    for sentence in model_words.removing(model, workspace.chat_engine().model, embedder):
        st.text(sentence)
    if st.button("Remove", type="primary", key="really-remove"):
        try:
            workspace.models.remove(name)
        except VouchError as error:
            errors.show(error.info)
        else:
            st.rerun()
