"""`rag models` as people and programs use it."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import ROOT

from tests.program import Ran, run_here
from tests.scripted_library import GB, NO_NETWORK, Model, ScriptedLibrary

MODEL = {"name", "digest", "context_length", "dims", "size", "capabilities", "remote", "family",
         "parameter_size", "quantization", "num_ctx"}  # fmt: skip
FIT = {"verdict", "place", "needed", "room", "reason"}
RUNNING = {"name", "digest", "size", "size_vram", "context_length", "expires_at"}
RECORD = {"name", "made", "modelfile", "base", "base_digest", "digest", "version"}
LOADED = {"model": "llama3.1:latest", "name": "llama3.1:latest", "digest": "d", "size": 6 * GB,
          "size_vram": 3 * GB, "expires_at": "2026-11-24T12:00:00Z"}  # fmt: skip


Run = Callable[..., Ran]


@pytest.fixture
def server() -> Iterator[ScriptedLibrary]:
    server = ScriptedLibrary()
    yield server
    server.close()


@pytest.fixture
def models(
    server: ScriptedLibrary, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """`rag models …` on the scripted server, without a terminal."""
    monkeypatch.setenv("RAG_OLLAMA_HOST", server.url)

    def run(*arguments: str) -> Ran:
        return run_here(["models", *arguments], monkeypatch, capsys)

    return run


def test_the_list_says_what_fits_with_figures(models: Run, server: ScriptedLibrary) -> None:
    server.models = {
        "llama3.1:latest": Model(), "huge:latest": Model(9_000 * GB), "far:cloud": Model(1),
    }  # fmt: skip
    server.models["far:cloud"].remote_host = "https://cloud.example"
    ran = models("list")
    rows = {line.split()[0]: line for line in ran.out.splitlines()}
    assert "4.9 GB" in rows["llama3.1:latest"] and "needs 6.3 GB of" in rows["llama3.1:latest"]
    assert " no " in rows["huge:latest"] and "this machine has" in rows["huge:latest"]
    assert "Vouch refuses it" in rows["far:cloud"]
    assert "Memory: " in ran.err
    found = {m["name"]: m for m in models("list", "--json").json["models"]}
    assert found["llama3.1:latest"].keys() == MODEL | {"fit", "running"}
    assert found["llama3.1:latest"]["fit"].keys() == FIT
    assert found["huge:latest"]["fit"]["verdict"] == "too_large"
    assert found["far:cloud"]["fit"] is None


def test_an_empty_server_says_how_to_begin(models: Run, server: ScriptedLibrary) -> None:
    server.models = {}
    assert "rag models pull llama3.1" in models("list").out
    assert models("list", "--json").json["models"] == []


def test_models_to_choose_from_are_named_without_a_server(models: Run) -> None:
    ran = models("list", "--known", "--ollama-host", "127.0.0.1:9")
    row = next(line for line in ran.out.splitlines() if line.startswith("llama3.1:8b"))
    assert "4.7 GB" in row and "8 GB" in row and "131,072" in row
    known = models("list", "--known", "--json", "--ollama-host", "127.0.0.1:9").json
    assert {m["name"]: m["suits"] for m in known["known"]}["all-minilm"] is True
    assert known["machine"]["memory"] > 0


def test_running_models_say_where_they_run(models: Run, server: ScriptedLibrary) -> None:
    assert "No model is loaded" in models("running").out
    server.running["llama3.1:latest"] = LOADED
    assert "GPU 50%, CPU the rest" in models("running").out
    (running,) = models("running", "--json").json["running"]
    assert running.keys() == RUNNING
    assert running["expires_at"] == "2026-11-24T12:00:00+00:00"


def test_a_pull_says_beforehand_who_reaches_out(models: Run, server: ScriptedLibrary) -> None:
    ran = models("pull", "llama3.2", "--json")
    assert ran.json["pulled"].keys() == MODEL
    assert "Ollama fetches llama3.2 from its registry over the network" in ran.err
    assert "Vouch itself stays on this machine" in ran.err
    assert "llama3.2:latest" in server.models


def test_a_pull_without_a_network_says_what_to_do(models: Run, server: ScriptedLibrary) -> None:
    server.fails = NO_NETWORK
    ran = models("pull", "llama3.2")
    assert ran.code == 20
    assert "could not fetch llama3.2" in ran.err
    assert "Fetching needs a network" in ran.err


def test_a_cloud_model_is_refused_without_a_word_to_the_server(models: Run) -> None:
    ran = models("pull", "gpt-oss:120b-cloud", "--ollama-host", "127.0.0.1:9")
    assert ran.code == 25
    assert "over the network" not in ran.err


def test_a_creation_says_what_it_made_and_what_changed(models: Run, tmp_path: Path) -> None:
    file = tmp_path / "Modelfile"
    file.write_text("FROM llama3.1\nPARAMETER temperature 0\n")
    first = models("create", "mine", "-f", str(file), "--json").json
    assert first["created"].keys() == RECORD
    assert first["before"] is None and first["changes"] == []
    file.write_text("FROM llama3.1\nPARAMETER temperature 1\nPARAMETER low_vram true\n")
    ran = models("create", "mine", "-f", str(file), "--yes")
    assert "mine is made anew from llama3.1" in ran.out
    assert "-PARAMETER temperature 0\n+PARAMETER temperature 1\n" in ran.out
    assert "passes over the parameter low_vram" in ran.err
    shown = models("show", "mine", "--json").json
    assert shown["made"]["base"] == "llama3.1" and shown["is_as_made"] is True
    assert f"version {shown['made']['version']}" in models("show", "mine").out


def test_without_a_file_the_modelfile_of_the_program_is_used(
    models: Run, server: ScriptedLibrary
) -> None:
    assert models("create", "vouch").code == 0
    (sent,) = server.created
    assert sent["from"] == "llama3.1" and "numbered passages" in sent["system"]
    assert models("create", "coder", "--example", "coding").code == 22  # its base is not there


def test_a_mistake_in_a_modelfile_is_one_sentence_with_its_line(
    models: Run, tmp_path: Path
) -> None:
    file = tmp_path / "Modelfile"
    file.write_text("FROM llama3.1\nPARAMETER temprature 0\n")
    ran = models("create", "mine", "-f", str(file), "--json")
    assert ran.code == 9
    assert ran.json["error"]["code"] == "bad_modelfile"
    assert "Line 2" in ran.json["error"]["message"]
    assert "temperature" in ran.json["error"]["hint"]


@pytest.mark.parametrize(
    "arguments",
    [("remove", "llama3.1"), ("copy", "llama3.1", "llama3.1"), ("create", "llama3.1")],
)
def test_nothing_is_lost_without_a_yes(
    arguments: tuple[str, ...], models: Run, server: ScriptedLibrary
) -> None:
    before = dict(server.models)
    ran = models(*arguments)
    assert ran.code == 2
    assert "Add --yes" in ran.err
    assert server.models == before and server.created == []


def test_a_model_is_removed_and_a_missing_one_is_an_error(
    models: Run, server: ScriptedLibrary
) -> None:
    missing = models("remove", "llama3.1", "nonesuch", "--yes")
    assert missing.code == 22
    assert "llama3.1:latest" in server.models  # not half of what was asked
    assert models("remove", "llama3.1", "--yes", "--json").json == {"removed": ["llama3.1"]}
    assert server.models == {}


def test_ctrl_c_ends_a_pull_on_the_server_too(server: ScriptedLibrary) -> None:
    server.silent.set()
    environment = {**os.environ, "RAG_OLLAMA_HOST": server.url, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "rag", "models", "pull", "llama3.2"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=environment) as process:
        assert server.pulling.wait(30)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    server.silent.clear()
    assert process.returncode == 130
    assert b"Stopped." in err
    assert server.abandoned.wait(10)


@pytest.mark.parametrize(("answer", "gone"), [("y", True), ("n", False)])
def test_at_a_terminal_the_question_is_asked(
    answer: str, gone: bool, server: ScriptedLibrary, tmp_path: Path
) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "rag", "models", "remove", "llama3.1", "--json"]
    environment = {**os.environ, "RAG_OLLAMA_HOST": server.url, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as process:
        os.write(ours, f"{answer}\n".encode())
        out, err = process.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert b"llama3.1 (4.9 GB)" in err and b"Remove from Ollama?" in err
    assert (server.models == {}) is gone
    assert process.returncode == (0 if gone else 1)
    assert bool(out) is gone
