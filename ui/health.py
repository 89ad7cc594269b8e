"""The health page: what the doctor finds, why it matters, and the command that mends it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import streamlit as st

from rag.doctor.words import Finding, Status, summary
from rag.server.checkup import Checkup
from rag.server.workspace import Workspace, current
from ui import safe

POLL = 0.5  # seconds
MARKS: dict[Status, str] = {
    "ok": ":green[✓]",
    "note": ":blue[•]",
    "warning": ":orange[!]",
    "problem": ":red[✗]",
}


def page() -> None:
    st.set_page_config(layout="wide")
    workspace = current()
    with st.container(key="health"):
        st.header("Health")
        checkup = workspace.checkup or workspace.look()
        if checkup.running:
            _watch(checkup)
            return
        found = checkup.findings()
        st.caption(f"{summary(found)} Looked at {checkup.begun:%H:%M:%S}.")
        _buttons(workspace)
        _show(found)


@st.fragment(run_every=POLL)
def _watch(checkup: Checkup) -> None:
    if not checkup.running:
        st.rerun()
    doing = "Trying the model out and checking the whole library" if checkup.deep else "Looking"
    st.caption(f"{doing} …")


def _buttons(workspace: Workspace) -> None:
    with st.container(horizontal=True, key="checkups"):
        st.button("Look again", key="look-again", on_click=workspace.look)
        st.button(
            "Try the model too",
            key="look-deep",
            on_click=workspace.look,
            kwargs={"deep": True},
            help="Has the chat model read and write a little, to measure its speed, and checks the "
            "whole library. A large model may take minutes to load.",
        )


def _show(found: Sequence[Finding]) -> None:
    for group, findings in groupby(enumerate(found), key=lambda item: item[1].group):
        st.markdown(f"**{group}**")
        with st.container(key=f"findings-{group.lower()}"):
            for number, finding in findings:
                _finding(finding, number)


def _finding(finding: Finding, number: int) -> None:
    with st.container(horizontal=True, gap="small", key=f"finding-{number}"):
        with st.container(width=20, key=f"icon-{number}"):
            st.markdown(MARKS[finding.status])
        with st.container(gap="small", key=f"about-{number}"):
            bold = "**" if finding.status in ("warning", "problem") else ""
            st.markdown(f"{bold}{safe.line(finding.message)}{bold}")
            if finding.why:
                st.caption(
                    safe.line(f"{finding.why} {finding.advice}{':' * bool(finding.command)}")
                )
            if finding.command:
                st.code(safe.plain(finding.command), language=None, wrap_lines=True)
