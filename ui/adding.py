"""Adding documents: uploads, folders, and the progress and results of the ingestion."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from rag.errors import VouchError
from rag.jobs import Progress
from rag.server.ingestion import Ingestion
from rag.server.workspace import Workspace
from rag.types import SEARCHABLE, FileResult
from ui import errors, safe, words

POLL = 1.0  # seconds
MOST_SHOWN = 50  # files of one run


def show(workspace: Workspace) -> None:
    ingestion = workspace.ingestion
    if ingestion is not None and ingestion.progress.running and not ingestion.paused:
        _watch(workspace, ingestion)
        return
    if ingestion is not None and ingestion.paused:
        _paused(workspace, ingestion)
    elif ingestion is not None:
        _results(ingestion)
    uploads, folder = st.tabs(["Upload files", "Add a folder"])
    with uploads:
        _uploads(workspace)
    with folder:
        _folder(workspace)


def _uploads(workspace: Workspace) -> None:
    with st.form("uploads", clear_on_submit=True, border=False):
        files = st.file_uploader(
            "Files", accept_multiple_files=True, key="files", label_visibility="collapsed"
        )
        sent = st.form_submit_button("Add to library", type="primary")
    if sent:
        _start(lambda: workspace.ingest_uploads([(f.name, f.getvalue()) for f in files]))


def _folder(workspace: Workspace) -> None:
    with st.form("folder", border=False):
        path = st.text_input(
            "Folder or file on this machine", placeholder="/home/me/Documents", key="folder-path"
        )
        st.caption("Files are read where they lie; they are neither copied nor changed.")
        keep = st.checkbox("Keep it up to date: read changes as they happen", key="keep-watching")
        sent = st.form_submit_button("Add to library", type="primary")
    if sent:
        _start(lambda: (workspace.watch if keep else workspace.ingest_path)(path))


def _start(begin: Callable[[], None]) -> None:
    try:
        begin()
    except VouchError as error:
        errors.show(error.info)
    else:
        st.rerun()


def _paused(workspace: Workspace, ingestion: Ingestion) -> None:
    if st.session_state.get("dismissed") is ingestion:
        return
    with st.container(border=True, key="paused"):
        st.markdown(f"**Paused: {safe.line(ingestion.subject)}**")
        st.caption(f"{numbers(ingestion)}. What was read is kept and answers questions.")
        with st.container(horizontal=True):
            if st.button("Resume", type="primary", key="resume-ingestion"):
                _start(workspace.resume)
            st.button(
                "Dismiss", type="tertiary", on_click=_dismiss, args=(ingestion,), key="dismiss"
            )


@st.fragment(run_every=POLL)
def _watch(workspace: Workspace, ingestion: Ingestion) -> None:
    progress = ingestion.progress
    if not progress.running:
        st.rerun()
    with st.container(border=True, key="ingestion"):
        st.markdown(f"**Reading {safe.line(ingestion.subject)}**")
        if progress.recognised:
            st.caption("All other text is searchable already. Now pictures of text are read.")
        if progress.waiting:
            st.caption(f"Waiting: the library is being written by {safe.line(progress.waiting)}")
        st.progress(ingestion.standing.share)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(numbers(ingestion))
            if st.button("Pause", key="pause-ingestion"):
                workspace.pause()
                st.rerun()
            st.button("Stop", on_click=ingestion.job.cancel, key="stop-ingestion")


def numbers(ingestion: Ingestion) -> str:
    """How far it is: files or pages, speed, time left."""
    now, recognised = ingestion.standing, ingestion.progress.recognised
    if not now.total:
        return "Looking through the files"
    parts = [f"{now.done:,} of {words.count(now.total, 'page' if recognised else 'file')}"]
    if recognised:
        parts.append(safe.line(recognised.path.removeprefix("upload:").rsplit("/", 1)[-1]))
    if now.chunks_per_second and not ingestion.paused:
        parts.append(f"{now.chunks_per_second:,.0f} chunks a second")
    if now.seconds_left and not ingestion.paused:
        parts.append(f"about {words.duration(now.seconds_left)} left")
    return " · ".join(parts)


def _results(ingestion: Ingestion) -> None:
    progress = ingestion.progress
    if st.session_state.get("dismissed") is ingestion:
        return
    with st.container(key="results"):
        if progress.error is not None:
            errors.show(progress.error)
        else:
            text = f"{_counts(progress)} from {safe.line(ingestion.subject)}."
            (st.warning if _not_read(progress) else st.success)(text)
        for note in progress.notes:
            st.caption(safe.line(note))
        if progress.results:
            with st.expander("File by file"):
                _file_by_file(progress)
        st.button("Dismiss", type="tertiary", on_click=_dismiss, args=(ingestion,), key="dismiss")


def _dismiss(ingestion: Ingestion) -> None:
    st.session_state["dismissed"] = ingestion


def _counts(progress: Progress) -> str:
    read = sum(result.outcome in SEARCHABLE for result in progress.results)
    removed = sum(result.outcome == "removed" for result in progress.results)
    text = f"Read {read:,} of {words.count(len(progress.results) - removed, 'file')}"
    return f"{text} and removed {removed:,} that are gone" if removed else text


def _not_read(progress: Progress) -> list[FileResult]:
    return [r for r in progress.results if r.outcome not in SEARCHABLE | {"removed"}]


def _file_by_file(progress: Progress) -> None:
    bad = _not_read(progress)
    good = [result for result in progress.results if result not in bad]
    for result in [*bad, *good][:MOST_SHOWN]:
        mark = ":red[✗]" if result in bad else ":green[✓]"
        name = safe.line(result.path.removeprefix("upload:").rsplit("/", 1)[-1])
        st.markdown(f"{mark} **{name}** · {_told(result)}")
    if len(progress.results) > MOST_SHOWN:
        st.caption(f"… and {words.count(len(progress.results) - MOST_SHOWN, 'more file')}")


def _told(result: FileResult) -> str:
    parts = [words.OUTCOMES[result.outcome]]
    if result.pages and result.outcome in SEARCHABLE:
        parts.append(words.count(result.pages, "page or section", "pages and sections"))
    if result.pages_unread:
        parts.append(f"{result.pages_unread:,} unread")
    return ", ".join(parts)
