"""The models page with a scripted server, driven without a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from rag.config import load_settings
from rag.server.workspace import Workspace, open_workspace
from tests.scripted_library import GB, NO_NETWORK, Model, ScriptedLibrary
from ui import safe

from .conftest import NOWHERE
from .test_pages import button, texts

HOSTILE = "evil/![x](http:__evil.test_p.png)<img src=x>:latest"


@pytest.fixture
def server() -> Iterator[ScriptedLibrary]:
    server = ScriptedLibrary()
    yield server
    server.close()


@pytest.fixture
def workspace(tmp_path: Path, server: ScriptedLibrary) -> Iterator[Workspace]:
    flags = {"home": tmp_path / "home", "ollama_host": server.url}
    workspace = open_workspace(load_settings(flags, {}))
    yield workspace
    workspace.close()


def models_page() -> None:
    from ui import models

    models.page()


def opened() -> AppTest:
    app = AppTest.from_function(models_page, default_timeout=60).run()
    assert not app.exception
    return app


def finish(workspace: Workspace) -> None:
    assert workspace.model_work is not None
    workspace.model_work.wait(30)


def test_each_model_says_whether_it_fits_and_who_answers(
    workspace: Workspace, server: ScriptedLibrary
) -> None:
    server.models |= {
        "huge:latest": Model(9_000 * GB),
        "far:cloud": Model(remote_host="https://cloud.example"),
        "nomic-embed-text:latest": Model(capabilities=("embedding",)),
    }
    app = opened()
    shown = texts(app)
    assert "Memory: " in shown
    assert "fits: needs 6.3 GB of" in shown
    assert "does not fit: needs 9001" in shown
    assert "your documents would be sent there" in shown
    assert "**llama3.1:latest** :blue-badge[writes the answers]" in shown
    offered = {b.key: b.disabled for b in app.button if b.key and b.key.startswith("use-")}
    assert offered == {"use-huge:latest": True}  # too large; the others write now, or cannot


def test_another_model_is_chosen_to_answer_until_the_server_ends(
    workspace: Workspace, server: ScriptedLibrary
) -> None:
    server.models["llama3.2:3b"] = Model(2 * GB)
    app = opened()
    button(app, "use-llama3.2:3b").click().run()
    assert "**llama3.2:3b** :blue-badge[writes the answers]" in texts(app)
    assert workspace.chat_engine().model == "llama3.2:3b"
    assert not workspace.settings.library.settings.exists()


def test_a_model_is_fetched_while_the_page_stays_awake(
    workspace: Workspace, server: ScriptedLibrary
) -> None:
    server.silent.set()
    app = opened()
    app.selectbox(key="model-to-fetch").set_value("llama3.2:3b")
    next(b for b in app.button if b.label == "Fetch").click().run()
    app.run()
    assert "Fetching llama3.2:3b" in texts(app)
    assert not any(b.label == "Fetch" for b in app.button)
    with pytest.raises(Exception, match="already at work on"):
        workspace.pull("mistral")
    server.silent.clear()
    finish(workspace)
    app.run()
    assert "llama3.2:3b is here now." in texts(app)
    assert "**llama3.2:3b**" in texts(app)


def test_a_fetch_can_be_stopped_and_goes_on_later(
    workspace: Workspace, server: ScriptedLibrary
) -> None:
    server.silent.set()
    workspace.pull("llama3.2")
    app = opened()
    button(app, "stop-model-work").click().run()
    finish(workspace)
    server.silent.clear()
    assert server.abandoned.wait(10)
    app.run()
    assert "Stopped. What was fetched of llama3.2 is kept" in texts(app)
    assert "llama3.2:latest" not in server.models
    button(app, "dismiss-model-work").click().run()
    assert "Stopped" not in texts(app)


def test_what_stops_a_fetch_is_said_with_what_to_do(
    workspace: Workspace, server: ScriptedLibrary
) -> None:
    server.fails = NO_NETWORK
    workspace.pull("llama3.2")
    finish(workspace)
    shown = texts(opened())
    assert "could not fetch llama3.2" in shown
    assert "Fetching needs a network" in shown


def test_a_model_is_made_of_a_modelfile_that_can_be_changed_first(
    workspace: Workspace, server: ScriptedLibrary
) -> None:
    app = opened()
    app.text_input(key="new-model").set_value("mine").run()
    area = next(a for a in app.text_area if a.label == "Modelfile")
    assert "FROM llama3.1" in area.value  # Vouch's own
    area.set_value("FROM llama3.1\nPARAMETER temperature 0.3\n").run()
    button(app, "make").click().run()
    finish(workspace)
    app.run()
    assert "mine is made from llama3.1." in texts(app)
    assert server.created[0]["parameters"] == {"temperature": 0.3}


def test_examples_can_be_started_from(workspace: Workspace) -> None:
    app = opened()
    app.selectbox(key="start-from").set_value("coding").run()
    assert "FROM codellama:13b" in next(a for a in app.text_area if a.label == "Modelfile").value


def test_making_a_model_anew_is_asked_about_and_shows_what_changed(
    workspace: Workspace, server: ScriptedLibrary
) -> None:
    for temperature in ("0", "1"):
        workspace.create("mine", f"FROM llama3.1\nPARAMETER temperature {temperature}\n")
        finish(workspace)
    app = opened()
    assert "mine is made anew from llama3.1." in texts(app)
    assert any("+PARAMETER temperature 1" in c.value for c in app.code)
    app.text_input(key="new-model").set_value("mine").run()
    button(app, "make").click().run()
    assert "There is a model mine already" in texts(app)
    assert len(server.created) == 2


def test_a_mistake_in_a_modelfile_is_named_with_its_line(workspace: Workspace) -> None:
    workspace.create("mine", "FROM llama3.1\nPARAMETER temprature 1\n")
    finish(workspace)
    shown = texts(opened())
    assert "Line 2 of the Modelfile" in shown
    assert "Did you mean temperature?" in shown


def test_removing_asks_and_says_what_it_means(
    workspace: Workspace, server: ScriptedLibrary
) -> None:
    app = opened()
    button(app, "delete-llama3.1:latest").click().run()
    assert "It writes the answers now; without it they are quoted." in texts(app)
    assert "Its weights are deleted" in texts(app)
    assert "llama3.1:latest" in server.models


def test_a_server_that_does_not_answer_is_said_with_what_to_do(tmp_path: Path) -> None:
    workspace = open_workspace(load_settings({"home": tmp_path, "ollama_host": NOWHERE}, {}))
    try:
        shown = texts(opened()).replace(safe.BREAK, "")
    finally:
        workspace.close()
    assert "No Ollama answers at http://127.0.0.1:9" in shown
    assert "ollama serve" in shown


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_mistake_of_our_own_is_not_taken_for_success(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workspace.models, "pull", lambda name: 1 / 0)
    workspace.pull("llama3.2")
    finish(workspace)
    shown = texts(opened())
    assert "A mistake in Vouch ended this" in shown
    assert "is here now" not in shown


def test_hostile_names_of_models_are_shown_as_they_are(
    workspace: Workspace, server: ScriptedLibrary
) -> None:
    server.models[HOSTILE] = Model()
    app = opened()
    for element in [*app.markdown, *app.caption]:
        assert not re.search(r"(?<!\\)(!\[|<img|\]\()", element.value), element.value
