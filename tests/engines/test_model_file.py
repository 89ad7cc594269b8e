"""The whole assistant with a model file: no server, answers that are written and checked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from rag.assistant import Assistant, open_assistant
from rag.config import load_settings
from rag.errors import BadSetting, EngineError, ModelMissing, QuestionTooLong
from rag.types import Answer, Delta, Done
from tests.engines.gguf_files import ModelFiles, with_facts
from ui import words

NOWHERE = "http://127.0.0.1:9"
QUESTION = "How long does the warranty last?"
TEXT = "The warranty lasts 36 months. It covers all parts of the gauge."


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of one file, embedded here."""
    root = tmp_path_factory.mktemp("model-file")
    (root / "terms.txt").write_text(TEXT)
    with closing(opened(root / "home", "llama3.1")) as assistant:
        list(assistant.ingest(assistant.plan([root / "terms.txt"])))
    return root / "home"


def opened(home: Path, chat_model: str | Path, **flags: Any) -> Assistant:
    settings = {
        "home": home, "chat_model": str(chat_model), "num_ctx": 1024, "num_predict": 40,
        "passages": 2, "threads": 1, "ollama_host": NOWHERE, **flags,
    }  # fmt: skip
    return open_assistant(load_settings(settings, environ={}))


def ask(assistant: Assistant, question: str = QUESTION) -> tuple[Answer, list[str]]:
    """The final answer, and the pieces of the draft before it."""
    pieces = []
    for event in assistant.ask(question):
        if isinstance(event, Delta):
            pieces.append(event.text)
        elif isinstance(event, Done):
            return event.answer, pieces
    raise AssertionError("no Done")


@pytest.fixture
def few_shot(home: Path, model_files: ModelFiles) -> Iterator[Assistant]:
    with closing(opened(home, model_files.chat)) as assistant:
        yield assistant


def test_the_written_answer_is_streamed_and_its_quote_found_by_code(
    few_shot: Assistant, model_files: ModelFiles
) -> None:
    answer, pieces = ask(few_shot)
    assert len(pieces) > 3 and "36 months" in "".join(pieces)
    statement = answer.statements[0]
    assert answer.answered and statement.verdict == "supported"
    assert statement.citations[0].quote == "The warranty lasts 36 months."
    assert answer.notices == ()
    receipt = answer.receipt
    assert (receipt.chat_engine, receipt.chat_model) == ("embedded", model_files.chat.name)
    assert receipt.chat_digest == few_shot._engines._gguf.model_info(str(model_files.chat)).digest
    assert receipt.prompt_tokens is not None
    assert receipt.prompt_tokens.low == receipt.prompt_tokens.high == receipt.prompt_tokens_read
    assert receipt.ok and receipt.num_ctx == 1024


def test_a_question_that_fills_the_window_is_refused_before_anything_is_written(
    few_shot: Assistant,
) -> None:
    with pytest.raises(QuestionTooLong, match="1024"):
        ask(few_shot, "warranty? " + "¬ " * 1900)


def test_a_file_without_a_chat_template_answers_with_a_remark(
    home: Path, model_files: ModelFiles
) -> None:
    with closing(opened(home, model_files.base)) as assistant:
        answer, _ = ask(assistant)
    assert answer.receipt.ok and answer.receipt.chat_model == model_files.base.name
    assert any("no chat template" in notice for notice in answer.notices)


def test_the_app_and_the_status_name_the_file_and_load_nothing(few_shot: Assistant) -> None:
    choice = few_shot.chat_engine()
    assert (choice.engine, choice.model) == ("embedded", "gemma-few-shot.gguf")
    assert few_shot._engines._gguf._loaded is None
    assert "the model file gemma-few-shot.gguf" in words.engine(choice, "http://far.example")
    assert "Nothing" in words.promise(choice, "http://far.example")


def test_under_auto_a_file_that_is_not_there_is_answered_by_quoting_with_a_notice(
    home: Path, tmp_path: Path
) -> None:
    missing = tmp_path / "none.gguf"
    with closing(opened(home, missing)) as assistant:
        answer, _ = ask(assistant)
        assert assistant.chat_engine().model is None
    assert answer.statements[0].citations[0].quote == "The warranty lasts 36 months."
    assert answer.receipt.chat_model is None
    (notice,) = answer.notices
    assert str(missing) in notice and "by quoting" in notice


def test_under_auto_a_file_that_cannot_be_loaded_is_answered_by_quoting_with_a_notice(
    home: Path, tmp_path: Path, model_files: ModelFiles
) -> None:
    broken = with_facts(model_files.base, tmp_path / "b.gguf", {"gemma3.expert_count": 4})
    with closing(opened(home, broken)) as assistant:
        answer, _ = ask(assistant)
    broken.unlink()
    assert answer.answered and answer.receipt.chat_model is None
    assert "b.gguf could not be loaded" in answer.notices[0]


def test_with_the_engine_set_to_embedded_what_is_wrong_with_the_file_is_an_error(
    home: Path, tmp_path: Path
) -> None:
    with closing(opened(home, "none.gguf", engine="embedded")) as assistant:
        with pytest.raises(ModelMissing, match=str(home / "none.gguf")):
            ask(assistant)
        choice = assistant.chat_engine()
        assert choice.notice is not None and "There is no model file" in choice.notice
    (tmp_path / "text.gguf").write_text("no model at all")
    with closing(opened(home, tmp_path / "text.gguf", engine="embedded")) as assistant:
        with pytest.raises(EngineError, match=r"text\.gguf .* no GGUF file"):
            ask(assistant)


def test_with_the_engine_set_to_ollama_a_model_file_is_a_bad_setting(home: Path) -> None:
    with pytest.raises(BadSetting, match="model file") as error:
        opened(home, "model.gguf", engine="ollama")
    assert "engine" in error.value.hint


def test_the_command_line_writes_with_a_file_in_the_librarys_folder_and_is_silent_else(
    home: Path, model_files: ModelFiles
) -> None:
    (home / "own.gguf").symlink_to(model_files.chat)
    flags = ["--chat-model", "own.gguf", "--num-ctx", "1024", "--num-predict", "40"]
    flags += ["--threads", "1", "--ollama-host", NOWHERE]
    environment = {**os.environ, "RAG_HOME": str(home)}
    done = subprocess.run(
        [sys.executable, "-m", "rag", "ask", QUESTION, "--json", *flags],
        env=environment, capture_output=True, text=True, timeout=180,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    receipt = json.loads(done.stdout)["receipt"]
    assert (receipt["chat_engine"], receipt["chat_model"]) == ("embedded", "own.gguf")
    status = subprocess.run(
        [sys.executable, "-m", "rag", "status", *flags],
        env=environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert "own.gguf (embedded)" in status.stdout
