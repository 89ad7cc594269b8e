"""Managing models: what fits, what was made from what, and models that are too large to be loaded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from rag.answering.quoting import QuotingWriter
from rag.answering.writing import ModelWriter
from rag.config import Settings, load_settings
from rag.engine_choice import Engines, chat_options
from rag.errors import BadModelfile, ModelMissing, NotEnoughMemory, PathNotFound, UsageError
from rag.hardware import Gpu, Machine
from rag.models import Created, Models, Recipe, examples, recipe, runs_on, suits
from rag.types import KnownModel, RunningModel
from tests.engines.ollama_server import CHAT_MODEL, OllamaServer
from tests.scripted_library import GB, Model, ScriptedLibrary

FIRST = "FROM llama3.1\nPARAMETER temperature 0\n"
SECOND = "FROM llama3.1\nPARAMETER temperature 0.5\nPARAMETER mirostat 2\n"
HUGE = 9_000 * GB  # more than any machine that runs this test


@pytest.fixture
def scripted() -> Iterator[ScriptedLibrary]:
    server = ScriptedLibrary()
    yield server
    server.close()


@pytest.fixture
def settings(tmp_path: Path, scripted: ScriptedLibrary) -> Settings:
    return load_settings({"home": tmp_path / "home", "ollama_host": scripted.url}, {})


@pytest.fixture
def models(settings: Settings) -> Iterator[Models]:
    with closing(Models(settings)) as models:
        yield models


def created(models: Models, name: str, text: str) -> Created:
    *_, last = models.create(name, Recipe(text, Path()))
    assert isinstance(last, Created)
    return last


# --------------------------------------------------------------------------- what fits


def test_installed_models_are_judged_by_their_own_figures(
    models: Models, scripted: ScriptedLibrary
) -> None:
    scripted.models = {
        "small:latest": Model(size=10**8),
        "huge:latest": Model(size=HUGE),
        "silent:latest": Model(facts={}),
        "far:cloud": Model(remote_host="https://cloud.example"),
    }
    found = {model.info.name: model for model in models.installed()}
    small, huge = found["small:latest"].fit, found["huge:latest"].fit
    assert small and small.verdict == "fits"
    # weights, 8192 tokens of 32 layers with 8 heads of 128 numbers for keys and for values, buffers
    assert small.needed == 10**8 + 8192 * 32 * 8 * 128 * 2 * 2 + 8192 * 512 * 2 + (256 << 20)
    assert huge and huge.verdict == "too_large"
    assert "this machine has" in huge.reason
    assert found["silent:latest"].fit is None
    assert found["far:cloud"].fit is None and found["far:cloud"].info.remote


def test_a_server_on_another_machine_is_not_judged(tmp_path: Path) -> None:
    flags = {"ollama_host": "http://gpu.example:11434", "allow_hosts": "gpu.example"}
    with closing(Models(load_settings({"home": tmp_path, **flags}, {}))) as models:
        assert models.machine() is None


def test_where_a_model_runs_is_what_ollama_says() -> None:
    assert runs_on(RunningModel("m", "d", 10 * GB, 0)) == "CPU"
    assert runs_on(RunningModel("m", "d", 10 * GB, 10 * GB)) == "GPU"
    assert runs_on(RunningModel("m", "d", 10 * GB, 6 * GB)) == "GPU 60%, CPU the rest"


def test_the_table_is_held_against_the_whole_machine() -> None:
    model = KnownModel("m", 4.7, 8, "8B", 8192, "tests")
    assert suits(model, Machine(8 * GB, 1 * GB))
    assert not suits(model, Machine(6 * GB, 6 * GB))
    card = Gpu("NVIDIA", "card", 4 * GB, 4 * GB)
    assert suits(model, Machine(6 * GB, 6 * GB, (card,)))


# --------------------------------------------------------------------------- too large to load


def engines(settings: Settings, **changes: Any) -> Engines:
    flags = {"home": settings.home, "ollama_host": settings.ollama_host, **changes}
    return Engines(load_settings(flags, {}))


def test_a_model_that_would_make_the_machine_swap_is_not_loaded_but_quoted(
    settings: Settings, scripted: ScriptedLibrary
) -> None:
    scripted.models["llama3.1:latest"].size = HUGE
    with closing(engines(settings)) as chosen:
        writer, choice = chosen.writer()
    assert isinstance(writer, QuotingWriter)
    assert choice.model is None
    assert choice.notice is not None
    assert "llama3.1 does not fit into memory: it needs 9001" in choice.notice
    assert "Answers are made by quoting" in choice.notice
    assert "--memory-check off" in choice.notice


def test_with_the_engine_set_to_ollama_it_is_an_error(
    settings: Settings, scripted: ScriptedLibrary
) -> None:
    scripted.models["llama3.1:latest"].size = HUGE
    with closing(engines(settings, engine="ollama")) as chosen:
        with pytest.raises(NotEnoughMemory) as error:
            chosen.writer()
        assert error.value.exit_code == 29
        notice = chosen.writer_choice().notice
    assert notice and "does not fit into memory" in notice


def test_what_is_loaded_already_or_asked_for_in_spite_of_it_is_never_refused(
    settings: Settings, scripted: ScriptedLibrary
) -> None:
    scripted.models["llama3.1:latest"].size = HUGE
    with closing(engines(settings, memory_check="off")) as chosen:
        assert isinstance(chosen.writer()[0], ModelWriter)
    scripted.running["llama3.1:latest"] = {"model": "llama3.1:latest", "size": HUGE}
    with closing(engines(settings)) as chosen:
        assert isinstance(chosen.writer()[0], ModelWriter)


def test_a_model_that_does_not_say_what_it_takes_is_not_refused(
    settings: Settings, scripted: ScriptedLibrary
) -> None:
    scripted.models["llama3.1:latest"] = Model(size=HUGE, facts={})
    with closing(engines(settings)) as chosen:
        assert isinstance(chosen.writer()[0], ModelWriter)


def test_the_devices_of_the_settings_are_sent_or_left_to_ollama(tmp_path: Path) -> None:
    def sent(**flags: str) -> tuple[int | None, int | None]:
        options = chat_options(load_settings({"home": tmp_path, **flags}, {}))
        return options.num_gpu, options.num_thread

    assert sent() == (None, None)
    assert sent(num_gpu="0", num_thread="4") == (0, 4)
    assert sent(num_gpu="20") == (20, None)


# --------------------------------------------------------------------------- what was made


def test_a_creation_is_recorded_and_the_next_one_says_what_changed(
    models: Models, settings: Settings
) -> None:
    first = created(models, "mine", FIRST)
    assert first.before is None and first.changes == []
    second = created(models, "mine:latest", SECOND)
    assert second.before == first.record
    assert "-PARAMETER temperature 0" in second.changes
    assert "+PARAMETER temperature 0.5" in second.changes
    assert second.ignored == ("mirostat",)
    third = created(models, "mine", SECOND)
    assert third.changes == [] and third.record.version == second.record.version
    lines = settings.library.model_records.read_text().splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["mine", "mine:latest", "mine"]


def test_what_is_shown_says_whether_the_server_still_has_what_was_made(
    models: Models, scripted: ScriptedLibrary
) -> None:
    made = created(models, "mine", FIRST).record
    details = models.show("mine")
    assert details.record == made
    assert made.base == "llama3.1"
    assert made.base_digest and made.digest == details.shown.info.digest
    assert details.is_recorded
    scripted.models["mine:latest"].digest = "f" * 64  # somebody else has made it anew
    changed = models.show("mine")
    assert changed.record == made and not changed.is_recorded


def test_records_outlive_the_server_and_a_torn_line(
    models: Models, settings: Settings, scripted: ScriptedLibrary
) -> None:
    before = created(models, "mine", FIRST).record
    with settings.library.model_records.open("a") as file:
        file.write('{"name": "mine", "made": "20')
    scripted.models = {"llama3.1:latest": Model()}
    with pytest.raises(ModelMissing):
        models.show("mine")
    second = created(models, "mine", SECOND)
    assert second.before == before
    assert created(models, "mine", FIRST).before == second.record


def test_a_creation_that_fails_is_not_recorded(models: Models, settings: Settings) -> None:
    for text, error in (("FROM llama3.2\n", ModelMissing), ("FROM ./no.gguf\n", BadModelfile)):
        with pytest.raises(error):
            list(models.create("mine", Recipe(text, Path())))
    assert not settings.library.model_records.exists()


def test_a_recipe_is_a_file_an_example_or_the_one_of_the_program(tmp_path: Path) -> None:
    assert "FROM llama3.1" in recipe().text
    assert "FROM codellama:13b" in recipe(example="coding").text
    file = tmp_path / "sub" / "Modelfile"
    file.parent.mkdir()
    file.write_text(FIRST)
    assert recipe(file) == Recipe(FIRST, file.parent)
    assert set(examples()) == {"coding", "creative", "documents-small"}
    with pytest.raises(PathNotFound):
        recipe(tmp_path / "none")
    with pytest.raises(UsageError, match="no example x") as error:
        recipe(example="x")
    assert "coding" in error.value.hint


@pytest.mark.ollama
def test_every_example_makes_a_real_model(tmp_path: Path, ollama_models: OllamaServer) -> None:
    flags = {"home": tmp_path / "home", "ollama_host": ollama_models.url}
    with closing(Models(load_settings(flags, {}))) as models:
        for name in (None, *examples()):
            text = recipe(example=name).text
            base = next(row for row in text.splitlines() if row.startswith("FROM"))
            made = created(models, "example", text.replace(base, f"FROM {CHAT_MODEL}"))
            details = models.show("example")
            assert details.is_recorded and details.record == made.record
            assert details.shown.system
            models.remove("example")
