"""The shape of the code: which way imports go, and where each foreign package has its home."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

LEVELS = {
    "rag": 0, "rag.types": 0, "rag.errors": 0,
    "rag.egress": 1, "rag.hardware": 1, "rag.paths": 1, "rag.config": 1, "rag.text": 1, "rag.locks": 1,
    "rag.frames": 1, "rag.process": 1, "rag.occurring": 1,
    "rag.language": 1, "rag.explain": 1,
    "rag.engines": 2, "rag.loaders": 2, "rag.chunking": 2, "rag.catalog": 2, "rag.indexes": 2,
    "rag.model_records": 2,
    "rag.ingest": 3, "rag.retrieval": 3, "rag.answering": 3,
    "rag.engine_choice": 4, "rag.reindexing": 4, "rag.assistant": 4, "rag.jobs": 4,
    "rag.evaluation": 4, "rag.generation": 4, "rag.batch": 4, "rag.models": 4,
    "rag.doctor": 4, "rag.restoring": 4, "rag.moving": 4, "rag.proof": 4, "rag.watching": 4,
    "rag.drawing": 4, "rag.status": 4,
    "rag.cli": 5, "rag.server": 5, "rag.__main__": 5, "ui": 5,
}  # fmt: skip
SAME_LEVEL = {
    ("rag.errors", "rag.types"),
    ("rag.config", "rag.egress"),
    ("rag.config", "rag.paths"),
    ("rag.process", "rag.frames"),
    ("rag.process", "rag.paths"),
    ("rag.occurring", "rag.process"),
    ("rag.indexes", "rag.catalog"),  # they follow its change log
    ("rag.assistant", "rag.engine_choice"),
    ("rag.assistant", "rag.reindexing"),
    ("rag.assistant", "rag.proof"),
    ("rag.assistant", "rag.drawing"),
    ("rag.assistant", "rag.status"),
    ("rag.status", "rag.engine_choice"),
    ("rag.moving", "rag.engine_choice"),
    ("rag.moving", "rag.restoring"),  # an imported catalog takes a place as a backup does
    ("rag.watching", "rag.assistant"),
    ("rag.jobs", "rag.watching"),
    ("rag.reindexing", "rag.engine_choice"),
    ("rag.generation", "rag.engine_choice"),
    ("rag.models", "rag.engine_choice"),
    ("rag.batch", "rag.generation"),
    ("rag.doctor", "rag.engine_choice"),
    ("rag.evaluation", "rag.assistant"),  # it measures the product as it is
    ("rag.evaluation", "rag.engine_choice"),  # ... with the model that a new library would get
    ("rag.answering", "rag.retrieval"),  # an answer starts from the evidence that was retrieved
    ("rag.cli", "rag.server"),  # `rag serve` starts it
    ("ui", "rag.server"),  # the pages are what it serves
    ("rag.__main__", "rag.cli"),
}
FRONT_DOORS_SEE = {
    "rag", "rag.types", "rag.errors", "rag.explain", "rag.config", "rag.paths", "rag.egress",
    "rag.assistant", "rag.engine_choice", "rag.reindexing", "rag.jobs", "rag.evaluation",
    "rag.generation", "rag.batch", "rag.models", "rag.doctor", "rag.restoring", "rag.moving",
    "rag.proof", "rag.watching", "rag.drawing", "rag.status", "rag.hardware", "rag.cli",
    "rag.server", "ui",
}  # fmt: skip
# the events of an ingestion and of a reindex are data of level 3 that the front doors show
EVENTS = {"rag.catalog.backups", "rag.ingest.pipeline", "rag.ingest.commit", "rag.ingest.plan",
          "rag.ingest.recognise", "rag.ingest.reindex", "rag.locks"}  # fmt: skip

HOMES = {
    "chromadb": {"rag/indexes/vector.py"},
    "ollama": {"rag/engines/ollama/*"},
    "httpx": {"rag/engines/ollama/*", "rag/engines/gguf/server.py"},
    "tantivy": {"rag/indexes/keyword.py", "rag/indexes/analysis.py"},
    "onnxruntime": {"rag/engines/embedded.py"},
    "tokenizers": {"rag/engines/wordpiece.py"},
    "langchain_text_splitters": {"rag/chunking.py"},
    "sqlite3": {"rag/catalog/*", "rag/retrieval/*", "rag/indexes/*", "rag/ingest/commit.py",
                "rag/doctor/library.py", "rag/moving.py", "rag/proof.py"},
    "portalocker": {"rag/locks.py"},
    "watchfiles": {"rag/ingest/watch.py"},
    "platformdirs": {"rag/paths.py"},
    "tomlkit": {"rag/config.py"},
    "psutil": {"rag/hardware.py", "rag/paths.py"},
    "xllamacpp": {"rag/engines/gguf/child.py"},
    "pypdf": {"rag/loaders/*"},
    "pypdfium2": {"rag/loaders/*"},
    "PIL": {"rag/loaders/*"},
    "selectolax": {"rag/loaders/*"},
    "olefile": {"rag/loaders/*"},
    "python_calamine": {"rag/loaders/spreadsheet.py"},
    "chardet": {"rag/loaders/*"},
    "markdown_it": {"rag/loaders/*", "ui/*"},
    "typer": {"rag/cli/*"},
    "rich": {"rag/cli/*"},
    "streamlit": {"rag/server/*", "ui/*"},
    "starlette": {"rag/server/*"},
}  # fmt: skip


def test_imports_go_downwards_only() -> None:
    wrong = []
    for path, module, imported in _project_imports():
        here, there = _package(module), _package(imported)
        if here == there or (here, there) in SAME_LEVEL:
            continue
        if LEVELS[there] >= LEVELS[here]:
            wrong.append(f"{path}: {module} imports {imported}")
    assert not wrong


def test_front_doors_see_the_assistant_and_data_only() -> None:
    wrong = [
        f"{path}: {imported}"
        for path, module, imported in _project_imports()
        if LEVELS[_package(module)] == 5
        and _package(imported) not in FRONT_DOORS_SEE
        and imported not in EVENTS
    ]
    assert not wrong


def test_a_foreign_package_has_one_home() -> None:
    wrong = [
        f"{path}: {name}"
        for path, _, name in _imports()
        for package in [name.split(".")[0]]
        if package in HOMES and not any(path.match(home) for home in HOMES[package])
    ]
    assert not wrong


def test_every_module_says_what_it_is_for() -> None:
    silent = [p for p in _files() if not ast.get_docstring(ast.parse(p.read_text()))]
    assert not silent


def _files() -> list[Path]:
    return sorted([*ROOT.glob("rag/**/*.py"), *ROOT.glob("ui/**/*.py")])


def _imports() -> Iterator[tuple[Path, str, str]]:
    """Every import: the file, the module it is in, the module it names."""
    for file in _files():
        path = file.relative_to(ROOT)
        module = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                yield from ((path, module, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path}: imports are absolute"
                assert node.module
                for alias in node.names:
                    full = f"{node.module}.{alias.name}"
                    yield path, module, full if _is_module(full) else node.module


def _project_imports() -> Iterator[tuple[Path, str, str]]:
    return (item for item in _imports() if item[2].split(".")[0] in {"rag", "ui"})


def _is_module(name: str) -> bool:
    place = ROOT.joinpath(*name.split("."))
    return place.with_suffix(".py").is_file() or (place / "__init__.py").is_file()


def _package(module: str) -> str:
    """The entry of LEVELS that a module belongs to."""
    parts = module.split(".")
    for length in (2, 1):
        name = ".".join(parts[:length])
        if name in LEVELS and (length == 2 or len(parts) == 1 or parts[0] == "ui"):
            return name
    raise AssertionError(f"{module} has no level: give it one in LEVELS and in ARCHITECTURE.md")
