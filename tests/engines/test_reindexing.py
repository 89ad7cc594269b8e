"""From the embedded engine to a real Ollama and back: the commands, readers meanwhile, and kills."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from rag.assistant import Assistant, open_assistant
from rag.config import load_settings
from rag.engines.embedded import MODEL as EMBEDDED_MODEL
from rag.errors import EngineUnreachable, IdentityMismatch, LibraryBusy, ModelMissing
from rag.ingest.reindex import Outlook, Swapped
from rag.types import Answer, Done
from tests.engines.ollama_server import CHAT_MODEL, EMBED_MODEL, OllamaServer

pytestmark = pytest.mark.ollama

ROOT = Path(__file__).resolve().parents[2]
NOWHERE = "http://127.0.0.1:9"
FILES = {
    "terms.txt": "The warranty lasts 36 months. It covers all parts of the gauge.",
    "harbour.md": "# Harbour office\n\nThe harbour office opens at 7:30. It is closed on Sundays.",
    "battery.txt": "The battery pack weighs 2.4 kg. It is made by Tarnside Cells.",
}
QUESTION = "How long does the warranty last?"
QUOTE = "The warranty lasts 36 months."


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that the embedded engine has embedded."""
    root = tmp_path_factory.mktemp("reindexing")
    ingested(root / "home", write(root / "docs", FILES))
    return root / "home"


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    """A copy of the library."""
    return shutil.copytree(made, tmp_path / "home")


def write(folder: Path, files: dict[str, str]) -> Path:
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def ingested(home: Path, folder: Path) -> None:
    with closing(opened(home, NOWHERE)) as assistant:
        list(assistant.ingest(assistant.plan([folder])))


def opened(home: Path, host: str, **flags: Any) -> Assistant:
    """Answers are made by quoting: Ollama is asked to embed only."""
    settings = {"home": home, "ollama_host": host, "connect_timeout": 1, **flags}
    return open_assistant(load_settings(settings, environ={}))


def answer(assistant: Assistant) -> Answer:
    return next(event.answer for event in assistant.ask(QUESTION) if isinstance(event, Done))


def assert_answered(assistant: Assistant, model: str) -> None:
    """By its quote, found by meaning with the model that the receipt names."""
    assert assistant.search(QUESTION).hits[0].dense_rank == 1
    found = answer(assistant)
    assert found.statements[0].citations[0].quote == QUOTE
    assert found.receipt.embed_model == model
    assert not any("keywords only" in notice for notice in found.notices)


def rag(home: Path, server: OllamaServer, *arguments: str) -> dict[str, Any]:
    """What a command of the real program prints as JSON."""
    done = start(home, server, *arguments, "--json")
    printed, said = done.communicate(timeout=300)
    assert printed, said
    return {"code": done.returncode, **json.loads(printed)}


def start(
    home: Path, server: OllamaServer, *arguments: str, stdin: int = subprocess.DEVNULL
) -> subprocess.Popen[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("RAG_", "OLLAMA_"))}
    return subprocess.Popen(
        [sys.executable, "-m", "rag", *arguments],
        env={**kept, "PYTHONPATH": str(ROOT), "RAG_HOME": str(home), "OLLAMA_HOST": server.url},
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def embedded(home: Path) -> dict[str, int]:
    """How many vectors each identity has."""
    with closing(sqlite3.connect(home / "library.db")) as db:
        return dict(db.execute("SELECT identity, count(*) FROM vectors GROUP BY identity"))


def test_the_commands_lead_to_ollama_and_back(home: Path, ollama_models: OllamaServer) -> None:
    refused = rag(home, ollama_models, "models", "use", EMBED_MODEL)
    assert (refused["code"], refused["error"]["hint"]) == (2, "Add --yes.")
    assert not (home / "rag.toml").exists()
    there = rag(home, ollama_models, "models", "use", EMBED_MODEL, "--yes")
    assert (there["code"], there["chunks_embedded"]) == (0, 3)
    assert (there["current"]["model"], there["former"]["model"]) == (EMBED_MODEL, EMBEDDED_MODEL)
    assert (home / "rag.toml").read_text() == f'embed_model = "{EMBED_MODEL}"\n'
    status = rag(home, ollama_models, "status")
    assert status["engine"]["embedding"]["model"] == EMBED_MODEL
    assert status["reindex"] == {"unfinished": None, "rollback": there["former"]}
    found = rag(home, ollama_models, "search", QUESTION)
    assert (found["hits"][0]["dense_rank"], found["notice"]) == (1, None)
    back = rag(home, ollama_models, "reindex", "--rollback")  # nothing to embed, nothing to ask
    assert (back["code"], back["chunks_embedded"]) == (0, 0)
    assert back["current"] == there["former"]
    again = rag(home, ollama_models, "reindex")  # to the model that rag.toml names
    assert (again["current"], again["chunks_embedded"]) == (there["current"], 0)
    discarded = rag(home, ollama_models, "reindex", "--discard-old")
    assert discarded["discarded"] == there["former"]
    assert len(embedded(home)) == 1
    nothing = rag(home, ollama_models, "reindex", "--rollback")
    assert (nothing["code"], nothing["error"]["code"]) == (2, "usage")


def test_at_a_terminal_it_says_what_it_is_about_to_do_and_asks(
    home: Path, ollama_models: OllamaServer
) -> None:
    keyboard, terminal = pty.openpty()
    os.write(keyboard, b"n\n")
    done = start(home, ollama_models, "reindex", "--embed-model", EMBED_MODEL, stdin=terminal)
    printed, said = done.communicate(timeout=300)
    os.close(keyboard), os.close(terminal)
    assert (done.returncode, printed.strip()) == (130, "")
    assert f"The library's 3 chunks are embedded with {EMBEDDED_MODEL} (embedded)." in said
    assert f"They are to be embedded with {EMBED_MODEL} (ollama)." in said
    assert re.search(r"That takes about \d+ (second|minute)s", said)
    assert len(embedded(home)) == 1


def test_a_chat_model_is_only_written_down(home: Path, ollama_models: OllamaServer) -> None:
    (home / "rag.toml").write_text("# mine\npassages = 3\n")
    before = embedded(home)
    assert rag(home, ollama_models, "models", "use", CHAT_MODEL)["chat_model"] == CHAT_MODEL
    text = (home / "rag.toml").read_text()
    assert text == f'# mine\npassages = 3\nchat_model = "{CHAT_MODEL}"\n'
    assert embedded(home) == before
    wrong = rag(home, ollama_models, "models", "use", EMBED_MODEL, "--chat")
    assert (wrong["code"], "cannot write answers" in wrong["error"]["message"]) == (2, True)
    missing = rag(home, ollama_models, "models", "use", "not-here")
    assert missing["error"]["hint"] == "Pull it: ollama pull not-here"


@pytest.mark.parametrize("there", [True, False])
def test_an_open_reader_answers_before_during_and_after(
    home: Path, ollama_models: OllamaServer, there: bool
) -> None:
    """Both ways: to Ollama, and from it to the embedded engine."""
    names = (EMBEDDED_MODEL, EMBED_MODEL)
    with (
        closing(opened(home, ollama_models.url)) as reader,
        closing(opened(home, ollama_models.url)) as writer,
    ):
        if not there:
            list(writer.reindexing.run(writer.reindexing.target(EMBED_MODEL)))
            writer.reindexing.discard_former()
            names = (EMBED_MODEL, EMBEDDED_MODEL)
        assert_answered(reader, names[0])
        target = writer.reindexing.target(names[1])
        assert writer.reindexing.foretell(target) > 0
        for event in writer.reindexing.run(target):
            assert_answered(reader, names[isinstance(event, Swapped)])
            with pytest.raises(LibraryBusy, match="rag reindex"):  # to writers, and by name
                reader.reindexing.discard_former(wait=False)
        assert isinstance(event, Swapped)
        assert event.chunks_embedded == 3


def test_a_killed_reindex_goes_on_where_it_was_killed(
    tmp_path: Path, home: Path, ollama_models: OllamaServer
) -> None:
    berths = {f"{i}.txt": f"Berth {i} is {i * 7 % 50} metres long." for i in range(60)}
    ingested(home, write(tmp_path / "docs", berths))
    (own,) = embedded(home)
    arguments = ("reindex", "--embed-model", EMBED_MODEL, "--yes", "--json")
    killed = start(home, ollama_models, *arguments)
    end = time.monotonic() + 120
    while not (kept := sum(n for key, n in embedded(home).items() if key != own)):
        assert killed.poll() is None and time.monotonic() < end, killed.communicate()
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    kept = sum(n for key, n in embedded(home).items() if key != own)
    assert 0 < kept < 63
    with closing(opened(home, ollama_models.url)) as assistant:
        assert_answered(assistant, EMBEDDED_MODEL)
        unfinished = assistant.status().unfinished
        assert isinstance(unfinished, Outlook)
        assert (unfinished.target.model, unfinished.done) == (EMBED_MODEL, kept)
    ended = rag(home, ollama_models, "reindex", "--yes")  # it knows where it was going
    assert (ended["chunks"], ended["chunks_embedded"]) == (63, 63 - kept)
    with closing(opened(home, ollama_models.url)) as assistant:
        assert_answered(assistant, EMBED_MODEL)


@pytest.fixture
def changing(ollama_models: OllamaServer) -> Iterator[str]:
    """A model that `pulled_anew` changes under its name."""
    with closing(ollama_models.client()) as client:
        client.copy(EMBED_MODEL, "changing")
        yield "changing"
        client.delete("changing")


def pulled_anew(server: OllamaServer, model: str) -> None:
    with closing(server.client()) as client:
        client.create(model, from_=EMBED_MODEL, parameters={"num_thread": 2}, stream=False)


def test_a_model_that_changed_under_its_name_is_mended_by_a_reindex(
    tmp_path: Path, home: Path, ollama_models: OllamaServer, changing: str
) -> None:
    with closing(opened(home, ollama_models.url)) as assistant:
        list(assistant.reindexing.run(assistant.reindexing.target(changing)))
        pulled_anew(ollama_models, changing)
        result = assistant.search(QUESTION)
        assert result.hits[0].chunk.name == "terms.txt"
        assert result.notice is not None and "rag reindex" in result.notice
        docs = write(tmp_path / "docs", {"new.txt": "Something that has not been read before."})
        with pytest.raises(IdentityMismatch) as error:
            list(assistant.ingest(assistant.plan([docs])))
        assert "rag reindex" in error.value.hint
        *_, end = assistant.reindexing.run(assistant.reindexing.target())
        assert isinstance(end, Swapped) and end.chunks_embedded == 3
        assert end.former is not None and end.former.model == EMBEDDED_MODEL
        assert_answered(assistant, changing)
        list(assistant.ingest(assistant.plan([docs])))
        assert len(embedded(home)) == 1


def test_the_same_weights_under_another_name_take_over_without_embedding(
    home: Path, ollama_models: OllamaServer, changing: str
) -> None:
    with closing(opened(home, ollama_models.url)) as assistant:
        list(assistant.reindexing.run(assistant.reindexing.target(EMBED_MODEL)))
        *_, end = assistant.reindexing.run(assistant.reindexing.target(changing))
        assert isinstance(end, Swapped)
        assert (end.chunks_embedded, end.former and end.former.model) == (0, EMBEDDED_MODEL)
        assert_answered(assistant, changing)


def test_the_way_back_is_refused_where_its_model_has_changed_or_is_gone(
    home: Path, ollama_models: OllamaServer, changing: str
) -> None:
    with closing(opened(home, ollama_models.url)) as assistant:
        list(assistant.reindexing.run(assistant.reindexing.target(changing)))
        list(assistant.reindexing.run(assistant.reindexing.target(EMBEDDED_MODEL)))
        pulled_anew(ollama_models, changing)
        with pytest.raises(IdentityMismatch) as error:
            assistant.reindexing.rollback_target()
        assert "--discard-old" in error.value.hint
        with closing(ollama_models.client()) as client:
            client.delete(changing)
            with pytest.raises(ModelMissing):
                assistant.reindexing.rollback_target()
            client.copy(EMBED_MODEL, changing)
        assert assistant.reindexing.rollback_target().model == changing  # it is back as it was
        assert_answered(assistant, EMBEDDED_MODEL)
    with closing(opened(home, NOWHERE)) as assistant, pytest.raises(EngineUnreachable):
        assistant.reindexing.rollback_target()


def test_what_the_settings_name_is_what_a_library_is_led_to(
    home: Path, ollama_models: OllamaServer
) -> None:
    def target(**flags: str) -> tuple[str, str]:
        with closing(opened(home, ollama_models.url, **flags)) as assistant:
            found = assistant.reindexing.target()
            return found.engine, found.model

    own, ollama = ("embedded", EMBEDDED_MODEL), ("ollama", EMBED_MODEL)
    assert target() == own  # the default of embed_model leads nowhere
    assert target(embed_model=EMBED_MODEL) == ollama
    assert target(embed_model=EMBED_MODEL, engine="ollama") == ollama
    assert target(embed_model=EMBEDDED_MODEL) == own
    with pytest.raises(ModelMissing, match="nomic-embed-text"):
        target(engine="ollama")
    with pytest.raises(ModelMissing, match="embedded engine"):
        target(embed_model=EMBED_MODEL, engine="embedded")
    with closing(opened(home, ollama_models.url)) as assistant:
        list(assistant.reindexing.run(assistant.reindexing.target(EMBED_MODEL)))
    assert target() == ollama
    assert target(engine="ollama") == ollama
    assert target(engine="embedded") == own
