"""The whole assistant on a real Ollama: the same questions as on the embedded engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from rag.assistant import Assistant, open_assistant
from rag.config import load_settings
from rag.errors import EngineUnreachable, IdentityMismatch, ModelMissing
from rag.types import Answer, Delta, Done, Turn
from tests.engines.ollama_server import CHAT_MODEL, EMBED_MODEL, OllamaServer

pytestmark = pytest.mark.ollama

FILES = {
    "terms.txt": "The warranty lasts 36 months. It covers all parts of the gauge.",
    "harbour.md": "# Harbour office\n\nThe harbour office opens at 7:30. It is closed on Sundays.",
    "battery.txt": "The battery pack weighs 2.4 kg. It is made by Tarnside Cells.",
}
QUESTION = "How long does the warranty last?"
NOWHERE = "http://127.0.0.1:9"


def _open(home: Path, server: OllamaServer, **flags: Any) -> Assistant:
    settings = {
        "home": home, "ollama_host": server.url, "embed_model": EMBED_MODEL,
        "chat_model": CHAT_MODEL, "num_ctx": 2048, "num_predict": 60, "passages": 3,
        "connect_timeout": 1, **flags,
    }  # fmt: skip
    return open_assistant(load_settings(settings, environ={}))


def _ask(assistant: Assistant, question: str) -> tuple[Answer, str]:
    """The final answer and the draft before it."""
    draft = ""
    for event in assistant.ask(question):
        if isinstance(event, Delta):
            draft += event.text
        elif isinstance(event, Done):
            return event.answer, draft
    raise AssertionError("no Done")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, ollama_models: OllamaServer) -> Iterator[Path]:
    """A library embedded by Ollama."""
    root = tmp_path_factory.mktemp("e2e")
    (root / "docs").mkdir()
    for name, text in FILES.items():
        (root / "docs" / name).write_text(text)
    with closing(_open(root / "home", ollama_models)) as assistant:
        for _ in assistant.ingest(assistant.plan([root / "docs"])):
            pass
    yield root / "home"


def test_a_new_library_takes_ollama_when_it_has_the_embedding_model(
    home: Path, ollama_models: OllamaServer
) -> None:
    with closing(_open(home, ollama_models)) as assistant:
        identity = assistant.identity()
        assert identity is not None and (identity.engine, identity.model) == ("ollama", EMBED_MODEL)


def test_the_written_answer_is_streamed_and_its_quote_found_by_code(
    home: Path, ollama_models: OllamaServer
) -> None:
    with closing(_open(home, ollama_models)) as assistant:
        answer, draft = _ask(assistant, QUESTION)
    assert "36 months" in draft
    assert answer.answered and answer.statements[0].verdict == "supported"
    citation = answer.statements[0].citations[0]
    assert citation.name == "terms.txt"
    assert citation.quote == "The warranty lasts 36 months."
    receipt = answer.receipt
    assert receipt.ok and receipt.chat_model == CHAT_MODEL
    assert receipt.prompt_tokens is not None and receipt.prompt_tokens_read is not None
    assert receipt.prompt_tokens.low <= receipt.prompt_tokens_read <= receipt.prompt_tokens.high


def test_a_follow_up_is_worded_by_the_model_or_the_rule_and_its_document_found(
    home: Path, ollama_models: OllamaServer
) -> None:
    before = Turn(QUESTION, "The warranty lasts 36 months.")
    with closing(_open(home, ollama_models)) as assistant:
        (answer,) = [
            event.answer
            for event in assistant.ask("And what does it cover?", [before])
            if isinstance(event, Done)
        ]
    assert "warranty" in answer.asked.casefold(), answer.asked
    assert answer.passages[0].name == "terms.txt"
    assert answer.receipt.ok
    assert answer.seconds["follow_up"] > 0


def test_the_same_question_is_answered_by_quoting_where_ollama_has_no_chat_model(
    home: Path, ollama_models: OllamaServer
) -> None:
    with closing(_open(home, ollama_models, chat_model="llama3.1")) as assistant:
        answer, _ = _ask(assistant, QUESTION)
    assert answer.statements[0].citations[0].quote == "The warranty lasts 36 months."
    assert answer.receipt.chat_model is None
    assert any("ollama pull llama3.1" in notice for notice in answer.notices)


def test_with_the_engine_set_to_ollama_a_missing_model_is_an_error(
    home: Path, ollama_models: OllamaServer
) -> None:
    with closing(_open(home, ollama_models, engine="ollama", chat_model="llama3.1")) as assistant:
        with pytest.raises(ModelMissing) as error:
            _ask(assistant, QUESTION)
    assert "ollama pull llama3.1" in error.value.hint


def test_a_new_library_with_the_engine_set_to_ollama_needs_its_embedding_model(
    tmp_path: Path, ollama_models: OllamaServer
) -> None:
    (tmp_path / "a.txt").write_text("Something to read, long enough to be a text.")
    flags = {"engine": "ollama", "embed_model": "nomic-embed-text"}
    with closing(_open(tmp_path / "home", ollama_models, **flags)) as assistant:
        with pytest.raises(ModelMissing) as error:
            list(assistant.ingest(assistant.plan([tmp_path / "a.txt"])))
    assert error.value.hint == "Pull it: ollama pull nomic-embed-text"


def test_without_its_server_the_library_is_searched_by_keywords_and_says_so(
    home: Path, ollama_models: OllamaServer
) -> None:
    with closing(_open(home, ollama_models, ollama_host=NOWHERE)) as assistant:
        result = assistant.search("warranty months")
        assert result.hits[0].chunk.name == "terms.txt"
        assert result.hits[0].dense_rank is None
        assert result.notice is not None and "keywords only" in result.notice
        answer, _ = _ask(assistant, QUESTION)
        assert answer.statements[0].citations[0].name == "terms.txt"


def test_without_its_server_nothing_is_ingested_with_other_vectors(
    home: Path, ollama_models: OllamaServer, tmp_path: Path
) -> None:
    (tmp_path / "new.txt").write_text("A new text that has not been read before.")
    with closing(_open(home, ollama_models, ollama_host=NOWHERE)) as assistant:
        with pytest.raises(EngineUnreachable):
            list(assistant.ingest(assistant.plan([tmp_path / "new.txt"])))


def test_a_model_that_changed_under_its_name_is_not_mixed_in(
    tmp_path: Path, ollama_models: OllamaServer
) -> None:
    (tmp_path / "a.txt").write_text("The ferry leaves at noon from the northern pier.")
    with closing(ollama_models.client()) as client:
        client.copy(EMBED_MODEL, "changing")
        flags = {"embed_model": "changing"}
        with closing(_open(tmp_path / "home", ollama_models, **flags)) as assistant:
            list(assistant.ingest(assistant.plan([tmp_path / "a.txt"])))
        client.create("changing", from_=EMBED_MODEL, parameters={"num_thread": 2}, stream=False)
    (tmp_path / "b.txt").write_text("The ferry returns at dusk to the southern pier.")
    with closing(_open(tmp_path / "home", ollama_models, **flags)) as assistant:
        with pytest.raises(IdentityMismatch):
            list(assistant.ingest(assistant.plan([tmp_path / "b.txt"])))
        result = assistant.search("ferry noon")
    assert result.hits and result.notice is not None and "has changed" in result.notice
