"""The docs say what is true: every command, setting, exit code and format stands in them."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
from typer.main import get_command

from rag import errors
from rag.answering.prompts import SYSTEM
from rag.cli.main import app
from rag.config import SETTINGS
from rag.engines.known_models import KNOWN_MODELS
from rag.errors import LoadError, VouchError
from rag.loaders.formats import FORMATS, Format

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()


def _commands(command: object, path: str = "rag") -> list[str]:
    children = getattr(command, "commands", None)
    if not children:
        return [path]
    return [name for key, child in children.items() for name in _commands(child, f"{path} {key}")]


@pytest.mark.parametrize("command", _commands(get_command(app)))
def test_every_command_stands_in_the_readme(command: str) -> None:
    assert f"`{command}" in README


@pytest.mark.parametrize("name", [setting.name for setting in SETTINGS])
def test_every_setting_stands_in_the_readme_and_has_help(name: str) -> None:
    assert f"| `{name}` |" in README
    assert next(s for s in SETTINGS if s.name == name).metadata["help"]


def test_every_error_code_of_the_command_line_stands_in_the_readme() -> None:
    classes = [
        c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, VouchError)
    ]
    shown = [
        c
        for c in classes
        if not issubclass(c, LoadError) and c not in (VouchError, errors.HomeError)
    ]
    missing = [c.code for c in shown if f"`{c.code}`" not in README]
    assert not missing


def test_every_outcome_of_a_file_is_explained() -> None:
    architecture = (ROOT / "ARCHITECTURE.md").read_text()
    missing = [code for code in errors.LOAD_ERRORS if code not in architecture]
    assert not missing


@pytest.mark.parametrize("format", FORMATS.values(), ids=FORMATS)
def test_every_format_stands_in_the_readme(format: Format) -> None:
    (paragraph,) = re.findall(r"^\*\*Formats\*\*.*?\n\n", README, re.MULTILINE | re.DOTALL)
    assert format.called in paragraph


def test_every_module_of_a_folder_is_listed_where_the_folder_is_explained() -> None:
    missing = []
    for folder in (p for p in (ROOT / "rag").iterdir() if (p / "__init__.py").exists()):
        text = (folder / "__init__.py").read_text()
        names = [m.stem for m in folder.glob("*.py") if not m.stem.startswith("__")]
        missing += [f"{folder.name}/{n}" for n in names if f"{n}.py" not in text]
    assert not missing


def test_the_commands_without_make_are_those_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for line in re.findall(r"\.venv/bin/pip install (.*)", README):
        for word in line.split():
            assert word in makefile, word


def test_the_modelfile_carries_the_rules_that_are_sent_with_every_question() -> None:
    assert SYSTEM in (ROOT / "Modelfile").read_text()


def test_troubleshooting_has_every_finding_of_the_doctor_in_its_own_words() -> None:
    made = runpy.run_path(str(ROOT / "scripts" / "make_troubleshooting.py"))
    assert made["TARGET"].read_text() == made["text"](), "run scripts/make_troubleshooting.py"


def test_links_between_the_documents_lead_somewhere() -> None:
    for file in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")):
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", file.read_text()):
            assert (file.parent / target).exists(), f"{file}: {target}"


def test_the_table_of_models_is_the_one_of_the_program() -> None:
    text = (ROOT / "docs/models.md").read_text()
    rows = [
        f"| `{m.name}` | {m.parameters} | {m.file_gb:g} | {m.memory_gb:g} | {m.context_length:,} "
        f"| {m.best_for} |"
        for m in KNOWN_MODELS
    ]
    assert "\n".join(rows) in text
