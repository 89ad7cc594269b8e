"""Getting models: fetching and making them, with the progress and the outcome."""

from __future__ import annotations

from collections.abc import Callable, Collection

import streamlit as st

from rag.errors import VouchError
from rag.hardware import Machine
from rag.models import examples, recipe, recipe_text
from rag.server.model_work import ModelWork
from rag.server.workspace import Workspace
from ui import errors, model_words, safe

POLL = 0.5  # seconds
OWN, UPLOADED = "Vouch's own", "a file of yours"


def show(workspace: Workspace, machine: Machine | None, installed: Collection[str]) -> None:
    """`installed`: names that a new model would replace."""
    work = workspace.model_work
    if work is not None and work.running:
        _watch(work)
        return
    if work is not None and st.session_state.get("model-work-dismissed") is not work:
        _outcome(work)
    fetch, make = st.tabs(["Fetch a model", "Make a model"])
    with fetch:
        _fetch(workspace, machine)
    with make:
        _make(workspace, installed)


def _fetch(workspace: Workspace, machine: Machine | None) -> None:
    known = {model.name: model for model in workspace.models.known()}
    with st.form("fetch", border=False):
        name = st.selectbox(
            "Model",
            list(known),
            index=None,
            placeholder="Choose one, or type any name that Ollama knows",
            format_func=lambda name: (
                model_words.choice(known[name], machine) if name in known else name
            ),
            accept_new_options=True,
            key="model-to-fetch",
        )
        st.caption(model_words.FETCHING)
        sent = st.form_submit_button("Fetch", type="primary")
    if sent:
        _begin(lambda: workspace.pull(name or ""))


def _make(workspace: Workspace, installed: Collection[str]) -> None:
    with st.container(horizontal=True, key="make-head"):
        name = st.text_input("Name of the new model", placeholder="my-assistant", key="new-model")
        start = st.selectbox("Start from", [OWN, *examples(), UPLOADED], key="start-from")
    text = st.text_area("Modelfile", _text(start), height=260, key=f"modelfile-{start}", help=_HELP)
    if st.button("Make", type="primary", key="make"):
        wanted = name.strip()
        if f"{wanted}:latest" in installed or wanted in installed:
            _confirm_replacing(workspace, wanted, text)
        else:
            _begin(lambda: workspace.create(wanted, text))


_HELP = (
    "FROM names a model that Ollama has, a .gguf file or a folder with safetensors; relative paths "
    "start from your home folder. Nothing is fetched."
)


def _text(start: str) -> str:
    """The text to begin with. Raises nothing: a file that is no text is said so."""
    if start != UPLOADED:
        return recipe(example=None if start == OWN else start).text
    file = st.file_uploader("Modelfile", key="uploaded-modelfile", label_visibility="collapsed")
    try:
        return recipe_text(file.getvalue()) if file else ""
    except VouchError as error:
        errors.show(error.info)
        return ""


@st.dialog("Make it anew?")
def _confirm_replacing(workspace: Workspace, name: str, text: str) -> None:
    st.text(safe.plain(f"There is a model {name} already. It will be replaced."))
    if st.button("Make it anew", type="primary", key="really-make"):
        _begin(lambda: workspace.create(name, text))


def _begin(start: Callable[[], None]) -> None:
    try:
        start()
    except VouchError as error:
        errors.show(error.info)
    else:
        st.rerun()


@st.fragment(run_every=POLL)
def _watch(work: ModelWork) -> None:
    if not work.running:
        st.rerun()
    with st.container(border=True, key="model-work"):
        verb = "Fetching" if work.kind == "pull" else "Making"
        st.markdown(f"**{verb} {safe.line(work.model)}**")
        st.progress(work.share or 0.0)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(safe.line(model_words.doing(work)))
            st.button("Stop", on_click=work.cancel, key="stop-model-work")


def _outcome(work: ModelWork) -> None:
    with st.container(key="results"):
        if work.error is not None:
            errors.show(work.error)
        else:
            show = st.info if work.cancelled else st.success
            show(safe.line(model_words.done(work)))
        if work.created is not None and work.created.changes:
            with st.expander("What changed in its Modelfile"):
                st.code("\n".join(map(safe.plain, work.created.changes)), language="diff")
        st.button(
            "Dismiss", type="tertiary", on_click=_dismiss, args=(work,), key="dismiss-model-work"
        )


def _dismiss(work: ModelWork) -> None:
    st.session_state["model-work-dismissed"] = work
