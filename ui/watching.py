"""The folders that are kept up to date: how each stands, and the way to end that."""

from __future__ import annotations

import streamlit as st

from rag.jobs import Progress
from rag.server.workspace import Workspace
from rag.types import SEARCHABLE
from ui import errors, safe, words

POLL = 2.0  # seconds


def show(workspace: Workspace) -> None:
    if workspace.watched:
        _folders(workspace)


@st.fragment(run_every=POLL)
def _folders(workspace: Workspace) -> None:
    progress = workspace.watch_progress
    with st.container(border=True, key="watched"):
        st.markdown("**Kept up to date**")
        for number, folder in enumerate(workspace.watched):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.text(safe.plain(folder))
                if st.button("Stop watching", key=f"unwatch-{number}", type="tertiary"):
                    workspace.unwatch(folder)
                    st.rerun()
            notice = progress.notices.get(folder) if progress else None
            if notice is not None and notice.kind != "watching":
                st.caption(safe.line(notice.text))
        if progress is not None:
            _standing(progress)


def _standing(progress: Progress) -> None:
    if progress.error is not None and not progress.running:
        errors.show(progress.error)
    elif progress.waiting:
        st.caption(f"Waiting: the library is being written by {safe.line(progress.waiting)}")
    elif progress.summary is not None or progress.files:
        st.caption(told(progress))


def told(progress: Progress) -> str:
    """What the last change was, or is becoming."""
    results = [r for r in progress.results if r.outcome != "unchanged"]
    removed = sum(r.outcome == "removed" for r in results)
    read = sum(r.outcome in SEARCHABLE for r in results)
    parts = [f"{words.count(read, 'file')} read"]
    if removed:
        parts.append(f"{removed} removed")
    if bad := len(results) - read - removed:
        parts.append(f"{bad} not read")
    return f"{'Last change' if progress.summary else 'Reading'}: {', '.join(parts)}."
