"""The quality page with a real library: questions made, asked, and compared over time."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from rag.config import load_settings
from rag.evaluation.own.asking import Report
from rag.server.own_work import OwnWork
from rag.server.workspace import Workspace

from .conftest import NOWHERE
from .test_pages import button, opened, texts

HOSTILE = "![pixel](http://evil.test/p.png) | <img src=x>"
NOTES = {
    "ferry.md": "# Ferry\n\n## Crossings in 2024\n\nThe ferry to the island leaves the northern "
    "pier at noon in winter, and twice as often from the first of May, when Captain Halvard Brunn "
    f"takes over.\n\n{HOSTILE}\n",
    "bakery.md": "# Bakery\n\n## Bread on market days\n\nThe bakery at the mill sells dark rye loaves "
    "on market days before eight in the morning, and whatever is left goes to the school kitchen for "
    "the soup at lunch time.\n",
}


@pytest.fixture
def workspace(make_library: Callable[..., Path]) -> Iterator[Workspace]:
    flags = {"home": make_library(NOTES), "engine": "embedded", "ollama_host": NOWHERE}
    with opened(load_settings(flags, {})) as workspace:
        yield workspace


def page() -> AppTest:
    def quality_page() -> None:
        from ui import quality

        quality.page()

    return AppTest.from_function(quality_page, default_timeout=60).run()


def finish(workspace: Workspace) -> None:
    assert workspace.own_work is not None
    workspace.own_work.wait(120)
    assert not workspace.own_work.running


def test_questions_are_made_asked_and_compared(workspace: Workspace) -> None:
    app = page()
    assert "There are none yet" in texts(app)
    assert button(app, "ask-own").disabled
    button(app, "make-own").click().run()
    finish(workspace)
    app = page()
    assert "Made 3 questions" in texts(app)
    assert "There are 3 questions, 1 of them without an answer" in texts(app)
    for _ in range(2):
        button(app, "ask-own").click().run()
        finish(workspace)
        app = page()
        assert not app.exception
        assert "Measured, and kept as own-" in texts(app)
    shown = texts(app)
    assert len(workspace.runs.names()) == 2
    assert shown.count("| quoting |") == 2
    assert "The newest against the one before" in [s.value for s in app.subheader]
    assert "No question was found or answered otherwise" in shown


def test_nothing_of_a_document_is_active_in_the_page(workspace: Workspace) -> None:
    workspace.settings.library.own_questions.write_text(
        json.dumps({"question": f"{HOSTILE}?", "answerable": False})
    )
    app = page()
    assert "pixel" in texts(app)
    shown = [element.value for element in (*app.markdown, *app.caption)]
    assert not [text for text in shown if re.search(r"(?<!\\)(!\[|<img)", text)]


def test_a_file_with_bad_lines_is_told_and_the_page_stays(workspace: Workspace) -> None:
    workspace.settings.library.own_questions.write_text("torn {\n")
    app = page()
    assert not app.exception
    assert "line 1: it is no JSON" in texts(app)


def test_work_that_is_stopped_keeps_what_was_made_and_says_so() -> None:
    steps: list[int] = []

    def work(progress: Report) -> str:
        while True:
            steps.append(1)
            progress(len(steps), 1000)

    running = OwnWork("make", work)
    running.cancel()
    running.wait(10)
    assert not running.running
    assert running.said.startswith("Stopped.")
    assert running.error is None
