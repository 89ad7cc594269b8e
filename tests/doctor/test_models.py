"""Models that are missing, misnamed, of the wrong kind or elsewhere; windows and time-outs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import ollama
import pytest

from rag.assistant import open_assistant
from rag.config import load_settings
from tests.engines.gguf_files import ModelFiles
from tests.engines.ollama_server import CHAT_MODEL, EMBED_MODEL, OllamaServer
from tests.scripted_library import ScriptedLibrary
from tests.scripted_ollama import Fault, ScriptedOllama

from .desk import Desk

SECOND = 10**9  # nanoseconds


@pytest.fixture
def real(tmp_path: Path, ollama_models: OllamaServer) -> Desk:
    """A desk at a real Ollama with a chat model and an embedding model."""
    return Desk(
        tmp_path / "home",
        RAG_OLLAMA_HOST=ollama_models.url,
        RAG_CHAT_MODEL=CHAT_MODEL,
        RAG_EMBED_MODEL=EMBED_MODEL,
    )


@pytest.fixture
def client(ollama_models: OllamaServer) -> Iterator[ollama.Client]:
    with closing(ollama_models.client()) as client:
        yield client


@contextmanager
def named(client: ollama.Client, source: str, name: str) -> Iterator[None]:
    """A model under a second name, for a while."""
    client.copy(source, name)
    try:
        yield
    finally:
        client.delete(name)


@pytest.fixture
def embedded_by(real: Desk, tmp_path: Path) -> Callable[[str], None]:
    """Begin the library with an embedding model of Ollama."""

    def begin(model: str) -> None:
        file = tmp_path / "tea.md"
        file.write_text("# Tea\n\nThe kettle boils in four minutes.")
        settings = load_settings({"embed_model": model}, real.environ)
        with closing(open_assistant(settings)) as assistant:
            list(assistant.ingest(assistant.plan([file])))

    return begin


@pytest.mark.ollama
def test_models_that_are_there_and_right_are_said_to_be(real: Desk) -> None:
    found = real.examine()
    assert found["chat_model"].message == f"{CHAT_MODEL} writes the answers."
    assert found["embed_model"].message == f"{EMBED_MODEL} embeds what is searched."
    assert {f.status for f in found.values()} == {"ok", "note"}


@pytest.mark.ollama
def test_a_chat_model_that_is_not_there_is_to_be_pulled(real: Desk, client: ollama.Client) -> None:
    real.environ["RAG_CHAT_MODEL"] = "llama3.1"
    found = real.examine()["chat_model_missing"]
    assert (found.status, found.command) == ("warning", "rag models pull llama3.1")
    with named(client, CHAT_MODEL, "llama3.1"):  # what a pull would lead to
        assert "chat_model_missing" not in real.examine()
    real.environ["RAG_ENGINE"] = "ollama"
    assert real.examine()["chat_model_missing"].status == "problem"


def test_what_is_to_be_pulled_is_there_after_that(tmp_path: Path) -> None:
    server = ScriptedLibrary()
    try:
        desk = Desk(tmp_path / "home", RAG_OLLAMA_HOST=server.url, RAG_CHAT_MODEL="llama3.2")
        desk.assert_mended(desk.examine()["chat_model_missing"])
        assert desk.examine()["chat_model"].message == "llama3.2 writes the answers."
    finally:
        server.close()


@pytest.mark.ollama
@pytest.mark.parametrize("origin", ["environment", "rag.toml"])
def test_a_model_that_is_there_under_another_tag_is_named_where_the_other_was(
    real: Desk, client: ollama.Client, origin: str
) -> None:
    real.environ["RAG_CHAT_MODEL"] = "mistral"
    command = "export RAG_CHAT_MODEL=mistral:7b"
    if origin == "rag.toml":
        del real.environ["RAG_CHAT_MODEL"]
        real.home.mkdir()
        (real.home / "rag.toml").write_text('chat_model = "mistral"\n')
        command = "rag models use mistral:7b"
    with named(client, CHAT_MODEL, "mistral:7b"):
        found = real.examine()["chat_model_tag"]
        assert found.message == "Ollama has no model mistral, but it has mistral:7b."
        assert found.command == command
        real.assert_mended(found)


@pytest.mark.ollama
def test_an_embedding_model_cannot_write(real: Desk) -> None:
    real.environ["RAG_CHAT_MODEL"] = EMBED_MODEL
    found = real.examine(deep=True)
    assert found["chat_model_embeds"].status == "problem"
    assert found["chat_model_embeds"].command == "export RAG_CHAT_MODEL=llama3.1"
    assert "model_fails" not in found  # it is not tried: what is wrong with it is known
    real.assert_mended(found["chat_model_embeds"])


@pytest.mark.ollama
def test_a_chat_model_is_not_made_to_embed(real: Desk) -> None:
    real.environ["RAG_EMBED_MODEL"] = CHAT_MODEL
    found = real.examine()["embed_model_chats"]
    assert found.command == "export RAG_EMBED_MODEL=nomic-embed-text"
    real.assert_mended(found)


@pytest.mark.ollama
def test_a_new_library_wants_its_embedding_model_first(real: Desk) -> None:
    real.environ["RAG_EMBED_MODEL"] = "nomic-embed-text"
    found = real.examine()["embed_model_absent"]
    assert (found.status, found.command) == ("note", "rag models pull nomic-embed-text")
    real.environ["RAG_ENGINE"] = "ollama"
    assert real.examine()["embed_model_absent"].status == "problem"


@pytest.mark.ollama
def test_the_model_that_embedded_the_library_is_missed(
    real: Desk, client: ollama.Client, embedded_by: Callable[[str], None]
) -> None:
    with named(client, EMBED_MODEL, "gone-tomorrow"):
        embedded_by("gone-tomorrow")
        assert real.examine()["embed_model"].message.startswith("gone-tomorrow embeds")
    found = real.examine()["embed_model_missing"]
    assert (found.status, found.command) == ("problem", "rag models pull gone-tomorrow")


@pytest.mark.ollama
def test_a_model_that_changed_under_its_name_asks_for_a_reindex(
    real: Desk, client: ollama.Client, embedded_by: Callable[[str], None]
) -> None:
    with named(client, EMBED_MODEL, "changing"):
        embedded_by("changing")
        assert "embed_model_changed" not in real.examine()
        client.create("changing", from_=EMBED_MODEL, parameters={"num_ctx": 128}, stream=False)
        found = real.examine()["embed_model_changed"]
        assert (found.status, found.command) == ("problem", "rag reindex")
        asked = real.environ | {"RAG_EMBED_MODEL": "changing"}
        real.environ = asked
        assert "embed_model_changed" not in real.examine(f"{found.command} --yes")


@pytest.mark.ollama
def test_a_library_that_was_to_have_another_model_keeps_its_own_until_a_reindex(
    real: Desk, embedded_by: Callable[[str], None]
) -> None:
    real.environ["RAG_ENGINE"] = "embedded"
    embedded_by("whatever")
    real.environ["RAG_ENGINE"] = "auto"
    found = real.examine()["embed_model_waits"]
    assert found.message.startswith(f"embed_model is {EMBED_MODEL}, but the library was embedded")
    assert (found.status, found.command) == ("note", "rag reindex")
    assert "embed_model_waits" not in real.examine(f"{found.command} --yes")
    assert real.examine()["embed_model"].message.startswith(EMBED_MODEL)


@pytest.mark.ollama
def test_a_reindex_that_was_interrupted_is_to_be_gone_on_with(
    real: Desk, embedded_by: Callable[[str], None]
) -> None:
    real.environ["RAG_ENGINE"] = "embedded"
    embedded_by("whatever")
    real.environ["RAG_ENGINE"] = "auto"
    with closing(open_assistant(load_settings({}, real.environ))) as assistant:
        reindexing = assistant.reindexing
        events = reindexing.run(reindexing.target(), wait=False)
        next(events)
        events.close()
    found = real.examine()["reindex_unfinished"]
    assert EMBED_MODEL in found.message
    assert (found.status, found.command) == ("note", "rag reindex")
    assert "reindex_unfinished" not in real.examine(f"{found.command} --yes")


@pytest.mark.ollama
@pytest.mark.parametrize("setting", ["chat_model", "embed_model"])
def test_a_name_of_a_cloud_model_is_refused(real: Desk, setting: str) -> None:
    variable = f"RAG_{setting.upper()}"
    real.environ[variable] = "gpt-oss:120b-cloud"
    found = real.examine()["cloud_model"]
    assert found.status == "problem"
    assert found.command.startswith(f"export {variable}=")
    real.assert_mended(found)


def test_a_model_that_the_server_runs_elsewhere_is_refused(
    asking: Desk, scripted: ScriptedOllama
) -> None:
    scripted.model |= {"remote_host": "https://ollama.com:443", "remote_model": "llama3.1"}
    found = asking.examine()["cloud_model"]
    assert found.message == "llama3.1 runs on somebody else's machine."


@pytest.mark.ollama
def test_a_window_too_small_for_the_passages_is_to_be_raised(real: Desk) -> None:
    real.environ["RAG_NUM_CTX"] = "2048"
    found = real.examine()
    assert "window" not in found
    assert "num_ctx is 2048 tokens" in found["num_ctx_small"].message
    assert found["num_ctx_small"].command == "export RAG_NUM_CTX=8192"
    real.assert_mended(found["num_ctx_small"])


@pytest.mark.ollama
def test_a_model_that_reads_less_than_the_passages_gets_fewer(real: Desk) -> None:
    real.environ |= {"RAG_NUM_CTX": "131072", "RAG_PASSAGES": "200"}
    found = real.examine()["model_window_small"]
    assert "reads 32768 tokens at most; 200 passages" in found.message
    real.assert_mended(found)
    passages = int(found.command.removeprefix("export RAG_PASSAGES="))
    real.environ["RAG_PASSAGES"] = str(passages + 1)
    assert "model_window_small" in real.examine()


@pytest.mark.ollama
def test_a_window_that_suffices_is_said_to(real: Desk) -> None:
    assert "8 passages and an answer need up to" in real.examine()["window"].message


@pytest.mark.ollama
def test_a_time_out_too_short_for_this_machine_is_found_by_trying(real: Desk) -> None:
    real.environ["RAG_LOAD_TIMEOUT"] = "1"
    found = real.examine(deep=True)
    assert "tokens a second" in found["speed"].message
    short = found["load_timeout_short"]
    assert "load_timeout is 1 s" in short.message
    enough = int(short.command.removeprefix("export RAG_LOAD_TIMEOUT="))
    assert enough > 1
    # measured anew it may come out otherwise, on a machine that has other things to do
    real.environ["RAG_LOAD_TIMEOUT"] = str(10 * enough)
    assert "load_timeout_short" not in real.examine(deep=True)


def test_a_model_slower_than_the_read_timeout_is_told_from_its_own_figures(
    asking: Desk, scripted: ScriptedOllama
) -> None:
    scripted.say(["tea"])
    scripted.tokens_read = 400
    scripted.durations = {"load_duration": SECOND, "prompt_eval_duration": SECOND,
                          "eval_duration": 120 * SECOND}  # fmt: skip
    asking.environ["RAG_READ_TIMEOUT"] = "5"
    found = asking.examine(deep=True)
    assert found["speed"].message.endswith("reads 400 and writes 0.5 tokens a second.")
    assert found["read_timeout_short"].command == "export RAG_READ_TIMEOUT=16"
    asking.assert_mended(found["read_timeout_short"], deep=True)


def test_a_model_that_breaks_down_is_found_by_trying(
    asking: Desk, scripted: ScriptedOllama
) -> None:
    scripted.act = lambda prompt, attempt: ["tea", Fault.RESET]
    found = asking.examine(deep=True)["model_fails"]
    assert found.status == "problem"
    assert found.message.startswith("llama3.1 did not answer a short prompt: Ollama stopped")
    assert found.command == "journalctl -u ollama -n 50"
    assert "model_fails" not in asking.examine()  # nothing is tried without being asked to


def test_each_trial_is_read_anew(asking: Desk, scripted: ScriptedOllama) -> None:
    scripted.say(["tea"])
    for _ in range(2):
        asking.examine(deep=True)
    first, second = (str(body["prompt"])[:8] for body in scripted.received)
    assert first != second
    assert {body["options"]["num_ctx"] for body in scripted.received} == {8192}


# --------------------------------------------------------------------------- model files


@pytest.fixture
def with_file(tmp_path: Path, model_files: ModelFiles) -> Desk:
    """A desk without Ollama whose answers a model file writes."""
    return Desk(tmp_path / "home", RAG_CHAT_MODEL=str(model_files.chat), RAG_THREADS="1")


def test_a_model_file_needs_no_ollama(with_file: Desk, model_files: ModelFiles) -> None:
    found = with_file.examine()
    assert found["chat_model"].message == f"{model_files.chat.name} writes the answers."
    assert "window" in found
    assert not any("ollama" in code for code in found)


@pytest.mark.parametrize(("engine", "status"), [("auto", "warning"), ("embedded", "problem")])
def test_a_model_file_that_is_not_there_is_named(desk: Desk, engine: str, status: str) -> None:
    desk.environ |= {"RAG_CHAT_MODEL": "/models/gone.gguf", "RAG_ENGINE": engine}
    found = desk.examine(deep=True)["model_file_unusable"]
    assert found.status == status
    assert found.message == "There is no model file /models/gone.gguf."
    assert found.command == "export RAG_CHAT_MODEL=llama3.1"
    desk.assert_mended(found)


def test_a_torn_model_file_is_named(desk: Desk, tmp_path: Path, model_files: ModelFiles) -> None:
    torn = tmp_path / "torn.gguf"
    torn.write_bytes(model_files.base.read_bytes()[:5000])
    desk.environ["RAG_CHAT_MODEL"] = str(torn)
    found = desk.examine()["model_file_unusable"]
    assert found.message.startswith("torn.gguf cannot be used as a chat model")


def test_a_model_file_is_tried_without_a_trace_in_the_library(with_file: Desk) -> None:
    found = with_file.examine(deep=True)
    assert "tokens a second" in found["speed"].message
    assert not with_file.home.exists()
