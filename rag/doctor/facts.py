"""What the doctor saw, as data. None: it could not be seen, or there is nothing to see."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rag.config import Settings
from rag.engines.fit import Fit
from rag.engines.ollama.replies import named
from rag.engines.ollama.room import judged
from rag.errors import BadSetting, EngineError, HomeError, VouchError
from rag.hardware import Machine
from rag.loaders.tesseract import Tesseract
from rag.locks import Holder
from rag.types import EmbeddingIdentity, ModelInfo, RunningModel

Fault = Literal["unreachable", "silent", "foreign"]
"""Why there is no Ollama: nothing listens, nothing answers in time, or something else answers."""
IndexState = Literal["whole", "damaged", "gone", "none"]
"""`none`: the library has not come to the point of having one."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """A model that the settings or the library name.

    `alike`: installed models of the same name with another tag. `overhead`: most tokens that the
    model's own template adds to a prompt.
    """

    name: str
    info: ModelInfo | None = None
    cloud: bool = False
    alike: tuple[str, ...] = ()
    overhead: int = 0

    @property
    def only_embeds(self) -> bool:
        return self._can("embedding") and not self._can("completion")

    @property
    def only_writes(self) -> bool:
        return self._can("completion") and not self._can("embedding")

    def _can(self, capability: str) -> bool:
        return self.info is not None and capability in self.info.capabilities


@dataclass(frozen=True, slots=True)
class FileFacts:
    """A model file that `chat_model` names. `fault`: why it cannot be loaded."""

    model: ModelFacts
    fault: EngineError | None = None


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What answers at an Ollama's address. `elsewhere`: another address at which an Ollama does.

    `installed`: the program is on the PATH. `cloud`: it would run models on other machines.
    """

    host: str
    version: str | None = None
    fault: Fault | None = None
    elsewhere: str | None = None
    installed: bool = True
    cloud: bool | None = None
    chat: ModelFacts | None = None
    embed: ModelFacts | None = None
    running: tuple[RunningModel, ...] = ()

    @property
    def loaded_chat(self) -> RunningModel | None:
        """The chat model, if it is loaded."""
        return named(self.running, self.chat.name) if self.chat is not None else None


@dataclass(frozen=True, slots=True)
class Trial:
    """What a short prompt took: seconds to load, tokens a second. `failure`: it came to nothing."""

    load: float = 0.0
    reading: float | None = None
    writing: float | None = None
    failure: VouchError | None = None


@dataclass(frozen=True, slots=True)
class CatalogFacts:
    """What the catalog says. `folder`: one that was ingested, and is there.

    `coming`: what an unfinished re-embedding leads to.
    """

    chunks: int
    identity: EmbeddingIdentity | None
    coming: EmbeddingIdentity | None
    folder: str
    vectors: IndexState
    keywords: IndexState
    pages_unread: int = 0
    """Pages for OCR that it has not tried."""


@dataclass(frozen=True, slots=True)
class LibraryFacts:
    """The library's folder. `network`: the file system, where it is one of a network.

    `fault`: why the catalog could not be read. `backup`: the newest one. Sizes are bytes.
    """

    home: Path
    writable: bool = True
    free: int | None = None
    size: int = 0
    network: str | None = None
    holder: Holder | None = None
    catalog: CatalogFacts | None = None
    fault: HomeError | None = None
    backup: Path | None = None

    @property
    def identity(self) -> EmbeddingIdentity | None:
        """What the library was embedded with."""
        return self.catalog.identity if self.catalog else None


@dataclass(frozen=True, slots=True)
class Facts:
    """All of it. `server` None: nothing needs an Ollama. `dropped`: names of variables sealed off.

    `machine`: the one that Ollama runs on; None where that is another one. `weights`: of the
    embedded engine. `wrong`: what was left out of `settings`, with where it stands.
    """

    settings: Settings
    library: LibraryFacts
    weights: EmbeddingIdentity | None
    server: ServerFacts | None = None
    file: FileFacts | None = None
    machine: Machine | None = None
    trial: Trial | None = None
    wrong: tuple[tuple[str, BadSetting], ...] = ()
    dropped: tuple[str, ...] = ()
    ocr: Tesseract | None = None
    python: str = ""
    system: str = ""

    @property
    def chat(self) -> ModelFacts | None:
        """The chat model, where it is there and can write."""
        server = self.server if self.settings.engine != "embedded" else None
        chat = self.file.model if self.file else server.chat if server else None
        return chat if chat is not None and chat.info is not None and not chat.only_embeds else None

    @property
    def fit(self) -> Fit | None:
        """Whether Ollama's chat model fits into memory; None: it is loaded, or cannot be judged."""
        server, settings, chat = self.server, self.settings, self.chat
        if server is None or self.file or self.machine is None or server.loaded_chat:
            return None
        if chat is None or chat.info is None:
            return None
        return judged(
            chat.info, self.machine, server.running, settings.num_ctx, settings.gpu_layers
        )

    def needs(self, engine: str) -> bool:
        """Whether nothing else will do, by the settings or by what embedded the library."""
        identity = self.library.identity
        return engine in (self.settings.engine, identity.engine if identity else None)
