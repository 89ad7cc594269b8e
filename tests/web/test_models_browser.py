"""The models page in a real browser: fetching, stopping, making, choosing, removing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.engines.ollama_server import CHAT_MODEL, OllamaServer
from tests.scripted_library import ScriptedLibrary

from .conftest import IN_BROWSER, start

pytestmark = IN_BROWSER


@pytest.fixture
def server() -> Iterator[ScriptedLibrary]:
    server = ScriptedLibrary()
    yield server
    server.close()


def test_a_fetch_is_watched_and_stopped_in_the_browser(
    page: Page,
    server: ScriptedLibrary,
    tmp_path: Path,
    foreign: list[str],
) -> None:
    server.pause = 0.5
    site = start(tmp_path / "home", "--ollama-host", server.url)
    try:
        page.goto(site.address.replace("/?", "/models?"))
        field = page.get_by_test_id("stSelectbox").first.locator("input")
        field.fill("llama3.2")
        field.press("Enter")
        page.get_by_role("button", name="Fetch", exact=True).click()
        work = page.locator(".st-key-model-work")
        expect(work).to_contain_text("Fetching llama3.2")
        expect(work).to_contain_text(re.compile(r"[1-9]00 MB of 2\.0 GB"))
        work.get_by_role("button", name="Stop").click()
        expect(page.get_by_text("Stopped. What was fetched")).to_be_visible()
        assert server.abandoned.wait(10)
        server.pause = 0.0
        page.get_by_role("button", name="Fetch", exact=True).wait_for()
        field.fill("llama3.2")
        field.press("Enter")
        page.get_by_role("button", name="Fetch", exact=True).click()
        row = page.locator("[class*=st-key-row-]").filter(has_text="llama3.2:latest")
        expect(row).to_contain_text("2.0 GB")
        row.get_by_role("button", name="Remove").click()
        page.get_by_role("dialog").get_by_role("button", name="Remove").click()
        expect(row).to_have_count(0)
    finally:
        site.stop()
    assert foreign == []


@pytest.mark.ollama
def test_a_real_model_is_made_chosen_and_removed_in_the_browser(
    page: Page,
    ollama_models: OllamaServer,
    make_library: Callable[..., Path],
) -> None:
    home = make_library({"a.txt": "Something to read, long enough to be a text."})
    site = start(home, "--ollama-host", ollama_models.url)
    try:
        page.goto(site.address.replace("/?", "/models?"))
        page.get_by_role("tab", name="Make a model").click()
        page.get_by_label("Name of the new model").fill("browser-made")
        page.get_by_role("textbox", name="Modelfile").fill(
            f"FROM {CHAT_MODEL}\nPARAMETER num_ctx 2048\n"
        )
        page.keyboard.press("Control+Enter")
        page.get_by_role("button", name="Make", exact=True).click()
        expect(page.get_by_text(f"browser-made is made from {CHAT_MODEL}.")).to_be_visible()
        row = page.locator("[class*=st-key-row-]").filter(has_text="browser-made:latest")
        expect(row).to_contain_text("fits: needs")
        row.get_by_role("button", name="Use for answers").click()
        expect(row).to_contain_text("writes the answers")
        expect(page.get_by_text("Answers are written by browser-made")).to_be_visible()
        row.get_by_role("button", name="Remove").click()
        page.get_by_role("dialog").get_by_role("button", name="Remove").click()
        expect(row).to_have_count(0)
    finally:
        site.stop()
