"""The quality page: questions made from the library, and what was measured with them over time."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from rag.errors import VouchError
from rag.evaluation import report
from rag.evaluation.runs import OWN, Run, mean_gain, paired
from rag.server.own_work import OwnWork
from rag.server.workspace import Workspace, current
from ui import errors, safe, words

POLL = 0.5  # seconds
MAKE_AT_ONCE = 50  # questions
ANSWERED = 20  # questions of each kind
MOST_RUNS = 12
MOST_CHANGED = 8  # questions
METRICS = {"success@5": "found among 5", "ndcg@10": "nDCG@10"}


def page() -> None:
    st.set_page_config(layout="wide")
    workspace = current()
    with st.container(key="quality"):
        st.header("Quality")
        if workspace.assistant.coverage().documents_read == 0:
            st.text("The library has no readable documents yet.")
            return
        _own_questions(workspace)
        _measured(workspace)


def _own_questions(workspace: Workspace) -> None:
    work = workspace.own_work
    if work is not None and work.running:
        _watch(work)
        return
    if work is not None:
        _ended(work)
    try:
        found = workspace.own_questions()
    except VouchError as error:
        errors.show(error.info)
        return
    kept = [question for question in found if question.keep]
    silent = sum(not question.answerable for question in kept)
    st.caption(
        "Questions made from your own documents show whether a change of models or settings helps: "
        "ask them before it and after it. "
        + (
            f"There are {words.count(len(kept), 'question')}, {silent} of them without an answer."
            if found
            else "There are none yet."
        )
    )
    with st.container(horizontal=True, key="own-buttons"):
        if st.button("Ask them", key="ask-own", type="primary", disabled=not kept, help=_ASKING):
            workspace.ask_questions(ANSWERED)
            st.rerun()
        more = "Make more" if found else "Make questions"
        if st.button(more, key="make-own", help=_MAKING):
            workspace.make_questions(MAKE_AT_ONCE)
            st.rerun()
    if found:
        with st.expander(f"The {words.count(len(found), 'question')}"):
            st.caption(
                safe.line(f"To edit or set aside in {workspace.settings.library.own_questions}")
            )
            for question in found:
                answer = f"“{question.quote}”" if question.answerable else "not answerable"
                aside = "" if question.keep else "set aside · "
                st.markdown(safe.line(question.question))
                st.caption(safe.line(f"{aside}{answer} · made by {question.made_by}"))


_MAKING = (
    f"At most {MAKE_AT_ONCE} more, spread over your documents. With a chat model this may take half "
    "an hour on a machine without a GPU."
)
_ASKING = (
    f"Searches for all of them, and has up to {ANSWERED} of each kind answered as on the chat page."
)


@st.fragment(run_every=POLL)
def _watch(work: OwnWork) -> None:
    if not work.running:
        st.rerun()
    with st.container(border=True, key="own-work"):
        st.markdown("**Making questions**" if work.kind == "make" else "**Asking the questions**")
        st.progress(work.share)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"{work.done} of {work.total or '…'}")
            st.button("Stop", on_click=work.cancel, key="stop-own-work")


def _ended(work: OwnWork) -> None:
    if work.error is not None:
        errors.show(work.error)
    elif work.said:
        st.success(safe.line(work.said))


def _measured(workspace: Workspace) -> None:
    runs = [workspace.runs.load(name) for name in reversed(workspace.runs.names()[-MOST_RUNS:])]
    if not runs:
        return
    names = list(dict.fromkeys(run.dataset for run in runs))
    if OWN in names:
        names.insert(0, names.pop(names.index(OWN)))
    chosen = names[0]
    if len(names) > 1:
        chosen = st.selectbox("Measured on", names, format_func=_named, key="dataset")
    shown = [run for run in runs if run.dataset == chosen]
    st.subheader(f"Over time: {_named(chosen)}")
    _table(_over_time(shown))
    if len(shown) > 1:
        _compared(*shown[:2])


def _named(dataset: str) -> str:
    return "your own questions" if dataset == OWN else safe.line(dataset)


def _over_time(runs: Sequence[Run]) -> report.Rows:
    """A line a run, the newest first."""
    head = ["when", "embedding", "questions", *METRICS.values()]
    answered = any(run.answers for run in runs)
    rows = [[*head, "answers by", "right answers", "rightly silent"] if answered else head]
    for run in runs:
        stage = run.stages[report.PRODUCT]
        row = [run.at[:16].replace("T", " "), run.model, str(len(stage.asked))]
        row += [report.interval(stage.mean(metric)) for metric in METRICS]
        if answered:
            shares = {cells[0]: cells[2] for cells in report.answers(run)[1:]}
            kinds = (report.ANSWERABLE, report.UNANSWERABLE)
            row += [report.written_by(run) or "–", *(shares.get(kind, "–") for kind in kinds)]
        rows.append(row)
    return rows


def _compared(now: Run, before: Run) -> None:
    """What the newest run changed, down to single questions."""
    try:
        pairs = paired(now.stages[report.PRODUCT], before.stages[report.PRODUCT])
    except VouchError:  # the questions are other ones
        return
    st.subheader("The newest against the one before")
    gains = [report.signed(mean_gain(pairs, metric)) for metric in METRICS]
    _table([list(METRICS.values()), gains])
    found = [[row[2], row[0], row[1]] for row in report.questions(pairs, MOST_CHANGED)[1:]]
    if found:
        _table([["found otherwise", "nDCG@10 before", "now"], *found])
    answers = report.changed_answers(now, before, MOST_CHANGED)[1:]
    if answers:
        _table([["answered otherwise", "before", "now"], *([r[2], r[0], r[1]] for r in answers)])
    if not found and not answers:
        st.caption("No question was found or answered otherwise.")


def _table(rows: report.Rows) -> None:
    head, *body = [[safe.line(cell) for cell in row] for row in rows]
    lines = [head, ["---"] * len(head), *body]
    st.markdown("\n".join(f"| {' | '.join(line)} |" for line in lines))
