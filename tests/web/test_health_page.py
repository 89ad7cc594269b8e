"""The health page with a real library: what the doctor finds, looked at again, a model tried."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest

from rag import egress
from rag.assistant import Assistant
from rag.config import load_settings
from rag.server.workspace import Workspace, open_workspace
from tests.scripted_ollama import ScriptedOllama
from ui import safe

from .conftest import IN_BROWSER, start
from .test_pages import button, texts

HOSTILE = "evil/![x](http:__evil.test_p.png)<img src=x>"


@pytest.fixture
def ollama() -> Iterator[ScriptedOllama]:
    server = ScriptedOllama()
    yield server
    server.close()


@pytest.fixture
def workspace(
    samples: Assistant, tmp_path: Path, ollama: ScriptedOllama, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Workspace]:
    monkeypatch.setattr(egress, "_dropped", set())  # what this machine has for proxies
    home = tmp_path / "home"
    shutil.copytree(samples.settings.home, home)
    workspace = open_workspace(load_settings({"home": home, "ollama_host": ollama.url}, {}))
    yield workspace
    workspace.close()


def health_page() -> None:
    from ui import health

    health.page()


def looked(app: AppTest, workspace: Workspace) -> AppTest:
    """The page once the look that has begun is over."""
    assert workspace.checkup is not None
    workspace.checkup.findings()
    app.run()
    assert not app.exception
    return app


def opened(workspace: Workspace) -> AppTest:
    app = AppTest.from_function(health_page, default_timeout=60).run()
    return looked(app, workspace)


def commands(app: AppTest) -> list[str]:
    return [code.value for code in app.code]


def test_opening_the_page_has_the_doctor_look(workspace: Workspace) -> None:
    app = opened(workspace)
    shown = texts(app)
    assert "**Engine**" in shown and "**Network**" in shown
    assert "llama3.1 writes the answers." in shown
    assert re.search(r"\d+ chunks in .*, and nothing wrong with them", shown)
    assert re.search(r"^1 note\. Looked at \d\d:\d\d:\d\d\.$", shown, re.MULTILINE)  # 0.9.6 cuts
    assert len(commands(app)) == 1


def test_what_is_wrong_comes_with_why_and_a_command_to_copy(
    workspace: Workspace, ollama: ScriptedOllama
) -> None:
    ollama.model["model"] = "llama3.1:8b"
    app = opened(workspace)
    assert ":orange[!]" in texts(app)
    assert "Ollama has no model llama3.1, but it has llama3.1:8b." in texts(app)
    assert "A name without a tag means the tag latest" in texts(app)
    assert "rag models use llama3.1:8b" in commands(app)


def test_looking_again_sees_what_was_mended(workspace: Workspace, ollama: ScriptedOllama) -> None:
    ollama.model["model"] = "llama3.1:8b"
    app = opened(workspace)
    assert "1 warning" in texts(app)
    ollama.model["model"] = "llama3.1:latest"
    app.run()
    assert "1 warning" in texts(app)  # nothing is looked at without being asked to
    button(app, "look-again").click().run()
    assert "warning" not in texts(looked(app, workspace))


def test_the_page_stays_awake_while_the_model_is_tried(
    workspace: Workspace, ollama: ScriptedOllama
) -> None:
    app = opened(workspace)
    ollama.say(["tea", "tin"], pause=1.0)
    ollama.durations = {"load_duration": 10**9, "prompt_eval_duration": 10**9,
                        "eval_duration": 10**9}  # fmt: skip
    button(app, "look-deep").click().run()
    assert "Trying the model out and checking the whole library" in texts(app)
    app = looked(app, workspace)
    assert "llama3.1 is loaded in 1.0 s, reads" in texts(app)


def test_two_tabs_share_one_look(workspace: Workspace, ollama: ScriptedOllama) -> None:
    ollama.say(["tea"], pause=1.0)
    first = workspace.look(deep=True)
    assert workspace.look() is first
    first.findings()
    assert workspace.look() is not first


def test_the_model_chosen_on_the_models_page_is_the_one_that_is_looked_at(
    workspace: Workspace, ollama: ScriptedOllama
) -> None:
    ollama.model["model"] = "mistral:latest"
    workspace.use_chat_model("mistral")
    assert "mistral writes the answers." in texts(opened(workspace))


def test_hostile_names_are_shown_as_they_are(workspace: Workspace, ollama: ScriptedOllama) -> None:
    workspace.use_chat_model(HOSTILE)
    app = opened(workspace)
    assert HOSTILE in texts(app).replace(safe.BREAK, "")
    for element in [*app.markdown, *app.caption]:
        assert not re.search(r"(?<!\\)(!\[|<img|\]\()", element.value), element.value


@pytest.fixture
def nowhere(samples: Assistant) -> Iterator[str]:
    """The sample library with an Ollama that is not there."""
    site = start(samples.settings.home, "--engine", "ollama", "--ollama-host", "http://127.0.0.1:9")
    yield site.address.replace("/?", "/health?")
    site.stop()


@pytest.mark.browser
@IN_BROWSER[1]
def test_the_doctor_is_asked_in_a_browser(page: Page, nowhere: str, foreign: list[str]) -> None:
    page.goto(nowhere)
    engine = page.locator(".st-key-findings-engine")
    expect(engine).to_contain_text("No Ollama answers at http://127.0.0.1:9")
    expect(engine).to_contain_text("✗")
    expect(page.get_by_text(re.compile("1 problem.* Looked at"))).to_be_visible()
    page.get_by_role("button", name="Look again").click()
    expect(engine).to_contain_text("No Ollama answers at http://127.0.0.1:9")
    assert foreign == []
