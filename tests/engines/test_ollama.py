"""The Ollama engine against a real server: streaming, counts, and everything that goes wrong."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from rag.answering import budget
from rag.engines.embedded import MODEL, EmbeddedEngine
from rag.engines.ollama.client import Timeouts
from rag.engines.ollama.engine import OllamaEngine
from rag.errors import (
    CloudModelRefused,
    EngineError,
    EngineTimeout,
    EngineUnreachable,
    ModelMissing,
    StreamBroken,
)
from rag.types import ChatDelta, ChatOptions, Message
from tests.engines.ollama_server import CHAT_MODEL, EMBED_MODEL, OllamaServer
from tests.engines.streams import deltas

pytestmark = pytest.mark.ollama

NOWHERE = "http://127.0.0.1:9"  # the discard port: nobody answers there
OPTIONS = ChatOptions(num_ctx=2048, num_predict=60)
QUESTION = [
    Message("system", "Answer from the passages."),
    Message(
        "user",
        "[1] terms.pdf, page 7\nThe warranty lasts 36 months. It covers all parts.\n\n"
        "Question: How long does the warranty last?",
    ),
]


def test_an_answer_comes_in_pieces_with_counts_at_its_end(ollama_engine: OllamaEngine) -> None:
    pieces = deltas(ollama_engine.chat(CHAT_MODEL, QUESTION, OPTIONS))
    assert len(pieces) > 3
    assert "36 months" in "".join(piece.text for piece in pieces)
    assert [piece.done for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    assert pieces[-1].prompt_tokens and pieces[-1].output_tokens


def test_the_counted_interval_holds_what_the_server_read(ollama_engine: OllamaEngine) -> None:
    document = Path(__file__).parents[2].joinpath("data/staff-handbook.md").read_text()[:4000]
    for text in (document, "Petrel 4 | £3,890 | 12.5 h | PT4-R\n" * 60):
        message = Message("user", text)
        count = ollama_engine.count_tokens(CHAT_MODEL, [text])[0]
        options = ChatOptions(num_ctx=8192, num_predict=1)
        short = [Message("user", "x")]
        read = deltas(ollama_engine.chat(CHAT_MODEL, [message], options))[-1].prompt_tokens
        template = deltas(ollama_engine.chat(CHAT_MODEL, short, options))[-1].prompt_tokens
        assert read is not None and template is not None
        assert count.low <= read - template <= count.high


def test_a_prompt_over_the_window_is_cut_silently_and_the_receipt_notices(
    ollama_engine: OllamaEngine,
) -> None:
    message = Message("user", "The harbour office opens at nine. " * 400)
    planned = ollama_engine.count_tokens(CHAT_MODEL, [message.content])[0]
    last = deltas(ollama_engine.chat(CHAT_MODEL, [message], ChatOptions(1024, 8)))[-1]
    assert last.prompt_tokens is not None and last.prompt_tokens <= 1024
    assert budget.problem(planned, last.prompt_tokens, 1024)


def test_the_same_model_gives_the_same_vectors_in_both_engines(ollama_engine: OllamaEngine) -> None:
    texts = ["The gauge is read every six minutes.", "A member buys one share for £750."]
    ours = EmbeddedEngine(threads=1).embed(MODEL, texts, "document")
    theirs = ollama_engine.embed(EMBED_MODEL, texts, "document")
    assert np.sum(ours * theirs, axis=1).min() > 0.995


def test_embedding_with_a_chat_model_says_which_kind_is_wanted(ollama_engine: OllamaEngine) -> None:
    with pytest.raises(EngineError) as error:
        ollama_engine.embed(CHAT_MODEL, ["x"], "document")
    assert "nomic-embed-text" in error.value.hint


def test_a_model_is_had_by_its_name_with_and_without_a_tag(ollama_engine: OllamaEngine) -> None:
    assert ollama_engine.has(CHAT_MODEL)
    assert ollama_engine.has(f"{CHAT_MODEL}:latest")
    assert not ollama_engine.has("gemma")


def test_a_missing_model_is_named_with_the_command_that_pulls_it(
    ollama_engine: OllamaEngine,
) -> None:
    with pytest.raises(ModelMissing) as error:
        list(ollama_engine.chat("llama3.1", QUESTION, OPTIONS))
    assert error.value.hint == "Pull it: ollama pull llama3.1"


def test_a_server_killed_in_mid_stream_is_a_broken_stream(tmp_path: Path) -> None:
    from tests.engines import ollama_server

    if ollama_server.binary() is None:
        pytest.skip("the program ollama is not installed")
    server = OllamaServer(tmp_path / "own").start()
    try:
        with closing(server.client()) as client:
            ollama_server.import_models(client, tmp_path)
        with closing(OllamaEngine(server.url)) as engine:
            stream = engine.chat(CHAT_MODEL, QUESTION, OPTIONS)
            next(event for event in stream if isinstance(event, ChatDelta))
            server.kill()
            with pytest.raises(StreamBroken) as error:
                list(stream)
        assert "ask again" in error.value.hint
    finally:
        server.stop()


def test_nobody_at_the_address_is_said_with_the_address() -> None:
    engine = OllamaEngine(NOWHERE, timeouts=Timeouts(connect=1))
    assert not engine.health().ok
    with closing(engine):
        for call in (engine.models, lambda: engine.embed("m", ["x"], "query")):
            with pytest.raises(EngineUnreachable, match=r"127\.0\.0\.1:9"):
                call()


def test_silence_ends_in_a_time_out(ollama_models: OllamaServer) -> None:
    engine = OllamaEngine(ollama_models.url, timeouts=Timeouts(load=0.01))
    with closing(engine), pytest.raises(EngineTimeout):
        engine.embed(EMBED_MODEL, ["a long enough text " * 20] * 8, "document")


@pytest.mark.parametrize("name", ["gpt-oss:120b-cloud", "qwen3-coder:cloud", "big-cloud"])
def test_cloud_models_are_refused_before_anything_is_sent(name: str) -> None:
    with closing(OllamaEngine(NOWHERE)) as engine, pytest.raises(CloudModelRefused, match=name):
        list(engine.chat(name, QUESTION, OPTIONS))
