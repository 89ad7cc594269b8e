"""The pages with a real library, driven without a browser."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from rag.assistant import Assistant
from rag.config import Settings, load_settings
from rag.server.workspace import Workspace, open_workspace
from tests.pictures import needs_tesseract, only_programs, scanned
from ui import safe

from .conftest import NOWHERE, ROOT

QUESTION = "How do I reset the Petrel 4 to its factory settings?"
HOSTILE = "![pixel](http://evil.test/p.png) <img src=x> [click](http://evil.test)"


@contextmanager
def opened(settings: Settings) -> Iterator[Workspace]:
    workspace = open_workspace(settings)
    try:
        yield workspace
    finally:
        workspace.close()


@pytest.fixture
def chat(samples: Assistant) -> Iterator[AppTest]:
    """The app with the sample documents, on its first page."""
    with opened(samples.settings):
        yield AppTest.from_file(str(ROOT / "ui" / "app.py"), default_timeout=60).run()


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Workspace]:
    flags = {"home": tmp_path / "home", "engine": "embedded", "ollama_host": NOWHERE}
    with opened(load_settings(flags, {})) as workspace:
        yield workspace


def documents_page() -> None:
    from ui import documents

    documents.page()


def texts(app: AppTest) -> str:
    """All that is shown as text."""
    shown = [*app.text, *app.markdown, *app.caption, *app.header, *app.error, *app.warning,
             *app.success, *app.info]  # fmt: skip
    return "\n".join(str(element.value) for element in shown).replace("\\", "")


def button(app: AppTest, key: str):
    return next(b for b in app.button if b.key == key)


def documents(workspace: Workspace) -> AppTest:
    return AppTest.from_function(documents_page, default_timeout=60).run()


def finish(workspace: Workspace) -> None:
    assert workspace.ingestion is not None
    workspace.ingestion.job.wait(60)


# --------------------------------------------------------------------------- search


def search_page() -> None:
    from ui import search

    search.page()


def searching(query: str) -> AppTest:
    app = AppTest.from_function(search_page, default_timeout=60).run()
    return app.text_input[0].set_value(query).run()


def test_search_shows_passages_and_why_each_was_found(samples: Assistant) -> None:
    with opened(samples.settings):
        app = searching("error code E09")
    assert not app.exception
    assert "petrel" in button(app, "read-hit-1").label
    why = [caption.value.replace("\\", "") for caption in app.expander[0].caption]
    assert "meaning: rank" in why[0] and "words: rank" in why[0]
    assert "e09" in why[1]


def test_a_passage_found_opens_its_page_and_closes_with_the_next_search(
    samples: Assistant,
) -> None:
    with opened(samples.settings):
        app = searching("factory settings")
        button(app, "read-hit-1").click().run()
        assert button(app, "close-source")
        app.text_input[0].set_value("resin").run()
    assert not app.exception
    assert all(b.key != "close-source" for b in app.button)


def test_search_says_what_a_quoted_phrase_raised(samples: Assistant) -> None:
    with opened(samples.settings):
        app = searching('"factory settings" reset')
    assert "raised for “factory settings”, word for word" in texts(app)


def test_a_folder_rag_where_the_program_was_started_is_no_part_of_it(
    empty: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rag").mkdir()
    (tmp_path / "rag" / "__init__.py").write_text("raise SystemExit('not ours')")
    monkeypatch.chdir(tmp_path)
    empty.ingest_uploads([("tea.md", b"# Tea\n\nThe kettle boils in four minutes.")])
    finish(empty)
    assert [d.searchable for d in empty.assistant.documents()] == [True]


def test_nothing_of_a_document_found_is_active_in_the_page(empty: Workspace) -> None:
    name = HOSTILE.replace("/", "_")
    empty.ingest_uploads([(name, f"# Tides\n\nTide tables. {HOSTILE}".encode())])
    finish(empty)
    app = searching("tide tables")
    assert not app.exception
    assert "Tide tables" in texts(app)
    shown = [*(e.value for e in (*app.markdown, *app.caption)), *(b.label for b in app.button)]
    assert not [text for text in shown if re.search(r"(?<!\\)(!\[|<img|\]\()", text)]


def test_an_empty_library_has_nothing_to_search(empty: Workspace) -> None:
    app = AppTest.from_function(search_page, default_timeout=60).run()
    assert "no readable documents yet" in texts(app)
    assert not app.text_input


# --------------------------------------------------------------------------- chat


def test_the_side_bar_says_what_was_read_and_who_answers(chat: AppTest) -> None:
    side = "\n".join(c.value for c in chat.sidebar.caption).replace("\\", "")
    assert "Read 11 of 11 files" in side
    assert "no language model writes" in side
    assert "Nothing you ask or read here leaves this machine" in side


def test_an_answer_shows_its_statements_marks_and_citations(chat: AppTest) -> None:
    chat.chat_input[0].set_value(QUESTION).run()
    assert not chat.exception
    assert "hold MENU and DOWN together for 8 seconds" in texts(chat)
    assert ":green[✓]" in [m.value for m in chat.markdown]
    cited = button(chat, "cite-0-0-0")
    assert cited.label.replace("\\", "") == "petrel-4-manual.pdf, page 12"


def test_opening_a_citation_shows_the_quote_and_asks_nothing_again(
    chat: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat.chat_input[0].set_value(QUESTION).run()
    asked: list[str] = []
    monkeypatch.setattr(Workspace, "ask", lambda self, question, history: asked.append(question))
    button(chat, "cite-0-0-0").click().run()
    assert not chat.exception
    assert "petrel-4-manual.pdf" in texts(chat)
    assert len(chat.session_state["conversation"].exchanges) == 1
    assert chat.session_state["picture"][1].png.startswith(b"\x89PNG")
    button(chat, "close-source").click().run()
    assert chat.session_state["conversation"].source is None
    assert asked == []


def test_a_source_without_pages_is_drawn_and_shows_its_text_with_the_quote_marked(
    chat: AppTest,
) -> None:
    chat.chat_input[0].set_value("What is the price of a second-hand Petrel 3 gauge?").run()
    key = next(b.key for b in chat.button if b.key and b.key.startswith("cite-0-0"))
    button(chat, key).click().run()
    assert not chat.exception
    picture = chat.session_state["picture"][1]
    assert picture.png.startswith(b"\x89PNG") and not picture.of_file
    assert any(":orange-background[" in m.value for m in chat.markdown)


def test_what_is_not_in_the_documents_offers_the_nearest_passages(chat: AppTest) -> None:
    chat.chat_input[0].set_value("Who won the football world cup in 1966?").run()
    assert "This is not in your documents." in texts(chat)
    near = [b for b in chat.button if b.key and b.key.startswith("near-0-")]
    assert len(near) == 3
    near[0].click().run()
    assert not chat.exception
    assert chat.session_state["conversation"].source is not None


def test_an_error_is_one_sentence_and_what_to_do(chat: AppTest) -> None:
    chat.chat_input[0].set_value("x" * 5000).run()
    assert not chat.exception
    assert "The question has 5,000 characters" in texts(chat)
    assert "Ask briefly" in texts(chat)


def test_a_new_chat_is_empty(chat: AppTest) -> None:
    chat.chat_input[0].set_value(QUESTION).run()
    button(chat, "new-chat").click().run()
    assert "Ask your documents" in texts(chat)
    assert "MENU" not in texts(chat)


def test_the_receipt_says_who_wrote_and_how_long_it_took(chat: AppTest) -> None:
    chat.chat_input[0].set_value(QUESTION).run()
    assert "no model wrote it" in texts(chat)
    assert "Time: search" in texts(chat)


def test_an_empty_library_points_to_the_documents_page(empty: Workspace) -> None:
    app = AppTest.from_file(str(ROOT / "ui" / "app.py"), default_timeout=60).run()
    assert not app.exception
    assert "Your library is empty" in texts(app)
    assert [b.label for b in app.button] == ["Add documents"]
    assert not app.chat_input


# --------------------------------------------------------------------------- documents


def test_a_folder_is_read_where_it_lies_and_bad_files_are_named_with_the_reason(
    empty: Workspace, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "good.md").write_text("# Tea\n\nThe kettle in the net loft boils in four minutes.")
    (folder / "bad.pdf").write_bytes(b"%PDF-1.7 torn")
    app = documents(empty)
    app.text_input(key="folder-path").set_value(str(folder))
    next(b for b in app.button if b.label == "Add to library" and "folder" in b.key).click().run()
    assert not app.exception
    finish(empty)
    app.run()
    shown = texts(app)
    assert f"Read 1 of 2 files from {folder}" in shown
    assert "Damaged" in shown
    assert "bad.pdf" in shown


def test_a_path_that_is_not_there_is_said_at_once(empty: Workspace) -> None:
    app = documents(empty)
    app.text_input(key="folder-path").set_value("/not/there")
    next(b for b in app.button if b.label == "Add to library" and "folder" in b.key).click().run()
    assert "There is no /not/there on this machine." in texts(app)
    assert empty.ingestion is None


def test_hostile_names_are_shown_as_they_are(empty: Workspace) -> None:
    empty.ingest_uploads([(HOSTILE.replace("/", "_"), b"# A\n\nSome words to read here.")])
    finish(empty)
    app = documents(empty)
    assert HOSTILE.replace("/", "_") in texts(app).replace(safe.BREAK, "")
    for element in [*app.markdown, *app.caption, *app.warning, *app.success]:
        assert not re.search(r"(?<!\\)(!\[|<img|\]\()", element.value), element.value


def test_deleting_says_what_becomes_of_the_file(empty: Workspace, tmp_path: Path) -> None:
    (tmp_path / "own.md").write_text("# Own\n\nThis file is the user's own.")
    for begin in (
        lambda: empty.ingest_uploads([("tea.md", b"# Tea\n\nThe kettle boils in four minutes.")]),
        lambda: empty.ingest_path(str(tmp_path / "own.md")),
    ):
        begin()
        finish(empty)
    known = {document.name: document.id for document in empty.assistant.documents()}
    app = documents(empty)
    button(app, f"delete-{known['tea.md']}").click().run()
    assert "our copy of the file are deleted" in texts(app)
    button(app, f"delete-{known['own.md']}").click().run()
    assert "The file itself is not touched" in texts(app)


def test_only_one_ingestion_runs_at_a_time_and_any_page_sees_it(
    empty: Workspace, tmp_path: Path
) -> None:
    for number in range(30):
        (tmp_path / f"{number}.md").write_text(f"# {number}\n\n" + f"Words {number}. " * 400)
    empty.ingest_path(str(tmp_path))
    app = documents(empty)
    assert any(b.key == "stop-ingestion" for b in app.button)
    with pytest.raises(Exception, match="already reading"):
        empty.ingest_path(str(tmp_path))
    button(app, "stop-ingestion").click().run()
    finish(empty)
    assert empty.ingestion is not None
    assert not empty.ingestion.progress.running


def test_a_paused_ingestion_lets_others_write_and_goes_on_where_it_stopped(
    empty: Workspace, tmp_path: Path
) -> None:
    for number in range(30):
        (tmp_path / f"{number}.md").write_text(f"# {number}\n\n" + f"Words {number}. " * 400)
    empty.ingest_path(str(tmp_path))
    app = documents(empty)
    button(app, "pause-ingestion").click().run()
    assert f"Paused: {tmp_path}" in texts(app)
    finish(empty)
    before = {d.id for d in empty.assistant.documents() if d.searchable}
    assert len(before) < 30
    empty.assistant.remove([], wait=False)  # the writer's lock is free
    button(app, "resume-ingestion").click().run()
    finish(empty)
    after = {d.id for d in empty.assistant.documents() if d.searchable}
    assert len(after) == 30
    assert before <= after


def test_what_is_added_during_ocr_comes_first_and_ocr_goes_on_afterwards(
    empty: Workspace, tmp_path: Path
) -> None:
    needs_tesseract()
    pages = [f"The heron number {number} stands in the reeds" for number in range(8)]
    empty.ingest_path(str(scanned(tmp_path / "scans" / "a.pdf", pages).parent))
    assert empty.ingestion is not None
    end = time.monotonic() + 120
    while (now := empty.ingestion.progress).recognised is None or not now.recognised.done:
        assert now.running and time.monotonic() < end
        time.sleep(0.05)
    assert empty.ingestion.standing.total == 8
    app = documents(empty)
    assert "Now pictures of text are read" in texts(app) and "of 8 pages" in texts(app)
    empty.ingest_uploads([("tea.md", b"# Tea\n\nThe kettle boils in four minutes.")])
    finish(empty)
    known = {document.name: document for document in empty.assistant.documents()}
    assert known["tea.md"].searchable
    assert known["a.pdf"].states == {"ocr": 8}
    app = documents(empty)
    assert "Pages 1–8: read by OCR" in texts(app)


def test_pages_that_nothing_could_read_are_shown_with_what_would_help(
    empty: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = scanned(
        tmp_path / "a.pdf", ["text:Typed notes about the boat and its engine.", "A heron"]
    )
    with only_programs(tmp_path / "none", monkeypatch):
        empty.ingest_path(str(scan))
        finish(empty)
        shown = texts(documents(empty))
    assert "Read 1 of 1 file; 1 page unread" in shown
    assert "1 unread" in shown and "Page 2: a picture without text" in shown
    assert "Tesseract would read them" in shown


def test_the_list_is_filtered_by_words_and_by_what_was_read(
    samples: Assistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ui.documents import matching

    everything = samples.documents()
    assert [d.name for d in matching(everything, "  WARRANTY ", None)] == ["petrel-4-warranty.pdf"]
    assert len(matching(everything, "", True)) == len(everything)
    assert matching(everything, "", False) == []


def test_pages_that_are_not_started_by_serve_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.server.workspace._current", None)
    app = AppTest.from_file(str(ROOT / "ui" / "app.py"), default_timeout=60).run()
    assert "rag serve" in texts(app)
