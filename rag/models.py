"""The models of the Ollama server as people manage them: what is there, what fits, what to get.

`Models` is what the front doors use. It needs no library: records of what was created are kept in
its folder, and nothing else of it is touched.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rag.config import Settings
from rag.engine_choice import ollama_engine
from rag.engines.fit import Fit
from rag.engines.known_models import KNOWN_MODELS
from rag.engines.modelfile import decode, parse
from rag.engines.ollama.library import ModelLibrary
from rag.engines.ollama.replies import named, same_model
from rag.engines.ollama.room import judged, machine_of
from rag.errors import ModelMissing, PathNotFound, UsageError
from rag.hardware import Machine
from rag.model_records import ModelRecord, ModelRecords, changes
from rag.paths import bundled
from rag.types import KnownModel, ModelInfo, ModelProgress, RunningModel, ShownModel

_EXAMPLE = ".Modelfile"


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """A model of the server. `fit` None: it runs elsewhere, or does not say enough of itself."""

    info: ModelInfo
    fit: Fit | None
    running: RunningModel | None

    def is_called(self, name: str) -> bool:
        """Whether this is the model of a name, with or without the tag `latest`."""
        return same_model(self.info.name, name)

    @property
    def can_write(self) -> bool:
        """Whether it can write answers here."""
        return "completion" in self.info.capabilities and not self.info.remote


@dataclass(frozen=True, slots=True)
class ModelDetails:
    """One model in full. `record`: its last creation through this library, if there was one."""

    shown: ShownModel
    installed: InstalledModel
    record: ModelRecord | None

    @property
    def is_recorded(self) -> bool:
        """Whether the server's model is the one that the record speaks of."""
        return self.record is not None and self.record.digest == self.shown.info.digest


@dataclass(frozen=True, slots=True)
class Recipe:
    """A Modelfile: its text, and the folder that its paths start from."""

    text: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Created:
    """Event: a model was made. `before`: the creation of this name before it."""

    record: ModelRecord
    before: ModelRecord | None
    ignored: tuple[str, ...]
    """Parameters that Ollama passes over."""

    @property
    def changes(self) -> list[str]:
        """Lines of a diff against the Modelfile of the creation before."""
        return changes(self.before, self.record) if self.before else []


class Models:
    """The models of the server that the settings name."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._engine = ollama_engine(settings)
        self._library = ModelLibrary(settings.ollama_host, settings.connect_timeout)
        self._records = ModelRecords(settings.library.model_records)

    # ----------------------------------------------------------------- looking

    def installed(self) -> list[InstalledModel]:
        """All models of the server. Raises `EngineUnreachable`."""
        running, machine = self._engine.running(), self.machine()
        return [self._judged(info, machine, running) for info in self._engine.models()]

    def running(self) -> tuple[RunningModel, ...]:
        return self._engine.running()

    def has(self, name: str) -> bool:
        return self._engine.has(name)

    def size(self, name: str) -> int:
        """Bytes on disk, those included that other models share. Raises `ModelMissing`."""
        model = self._engine.listed(name)
        if model is None:
            raise ModelMissing(
                name, f"Ollama has no model {name}.", "rag models list names those that it has."
            )
        return model.size or 0

    def show(self, name: str) -> ModelDetails:
        """Raises `ModelMissing`, `CloudModelRefused`."""
        shown = self._library.show(name)
        installed = self._judged(shown.info, self.machine(), self._engine.running())
        return ModelDetails(shown, installed, self._records.last(name))

    def machine(self) -> Machine | None:
        """The machine that the models run on; None where the server is on another one."""
        return machine_of(self._settings.ollama_host)

    def known(self) -> tuple[KnownModel, ...]:
        """Models to choose from."""
        return KNOWN_MODELS

    # ----------------------------------------------------------------- changing

    def pull(self, name: str) -> Iterator[ModelProgress]:
        """Let the server fetch a model: the one thing for which *it* needs a network."""
        return self._library.pull(name)

    def create(
        self, name: str, recipe: Recipe, quantize: str | None = None
    ) -> Iterator[ModelProgress | Created]:
        """Make a model, or make it anew; `Created` comes last.

        Raises `BadModelfile`, `ModelMissing` for a base that is not there.
        """
        modelfile = parse(recipe.text)
        before = self._records.last(name)
        yield from self._library.create(name, modelfile, recipe.folder, quantize)
        base = modelfile.sources[-1]
        record = ModelRecord(
            name=name,
            made=datetime.now(UTC).isoformat(timespec="seconds"),
            modelfile=recipe.text,
            base=base,
            base_digest=self._digest(base),
            digest=self._digest(name) or "",
        )
        self._records.add(record)
        yield Created(record, before, modelfile.ignored)

    def copy(self, source: str, target: str) -> None:
        """Raises `ModelMissing`."""
        self._library.copy(source, target)

    def remove(self, name: str) -> None:
        """Raises `ModelMissing`. What it was made from stays on record."""
        self._library.remove(name)

    def close(self) -> None:
        self._library.close()
        self._engine.close()

    # ----------------------------------------------------------------- parts

    def _judged(
        self, info: ModelInfo, machine: Machine | None, running: tuple[RunningModel, ...]
    ) -> InstalledModel:
        loaded = named(running, info.name)
        if info.remote:
            return InstalledModel(info, None, loaded)
        whole = info if info.facts else self._engine.model_info(info.name)
        settings, fit = self._settings, None
        if machine is not None:
            fit = judged(whole, machine, running, settings.num_ctx, settings.gpu_layers)
        return InstalledModel(whole, fit, loaded)

    def _digest(self, name: str) -> str | None:
        model = self._engine.listed(name)
        return model.digest if model else None


def suits(model: KnownModel, machine: Machine) -> bool:
    """Whether a machine is large enough for a model of the table, with nothing else running."""
    graphics = sum(gpu.memory for gpu in machine.usable if not gpu.unified)
    return model.memory_gb * 1e9 <= machine.memory + graphics


def runs_on(model: RunningModel) -> str:
    """Where Ollama really runs a model, as it says itself."""
    if model.size_vram <= 0:
        return "CPU"
    if model.size_vram >= model.size:
        return "GPU"
    return f"GPU {model.size_vram / model.size:.0%}, CPU the rest"


def recipe_text(content: bytes) -> str:
    """The text of a Modelfile. Raises `BadModelfile` for what is none."""
    return decode(content)


def recipe(file: Path | None = None, example: str | None = None) -> Recipe:
    """A Modelfile to make a model from: a file, an example, or else the one of this program.

    Raises `PathNotFound`, `BadModelfile`, `UsageError` for an example that there is not.
    """
    if example is not None:
        file = bundled("models") / f"{example}{_EXAMPLE}"
        if example not in examples():
            raise UsageError(
                example, f"There is no example {example}.", f"There are: {', '.join(examples())}."
            )
    path = file or bundled("Modelfile")
    try:
        text = recipe_text(path.read_bytes())
        parse(text)  # a mistake is better said before anything is asked or done
        return Recipe(text, path.absolute().parent)
    except OSError as error:
        raise PathNotFound(
            str(path),
            f"The Modelfile {path} cannot be read: {error.strerror}.",
            "Name a file with -f, or an example with --example.",
        ) from error


def examples() -> tuple[str, ...]:
    """The names of the Modelfiles that ship with the program."""
    return tuple(
        sorted(path.name.removesuffix(_EXAMPLE) for path in bundled("models").glob(f"*{_EXAMPLE}"))
    )
