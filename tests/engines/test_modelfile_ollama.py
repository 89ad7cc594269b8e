"""Our reading of Modelfiles beside Ollama's own: the same file makes the same model."""

from __future__ import annotations

import json
import os
import random
import subprocess
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from rag.engines.modelfile import Modelfile, parse, write
from tests.engines import ollama_server
from tests.engines.modelfiles import random_modelfile
from tests.engines.ollama_server import CHAT_MODEL, OllamaServer

pytestmark = pytest.mark.ollama

UNKNOWN_TO_096 = {"draft_num_predict"}
TRICKY = [
    "from {base}\nSystem  Trailing spaces end here.   \nparameter seed 1\nPARAMETER seed 2\n",
    'FROM {base}\nSYSTEM "two\n\nparagraphs"   \nPARAMETER stop "\n"\nPARAMETER stop " x "\n',
    'FROM {base}\n# a comment\n\n  SYSTEM """a "quoted" word"""b\n"""\nTEMPLATE {{{{ .Prompt }}}}\n',
    'FROM {base}\nSYSTEM a "b" # c\nMESSAGE user Hi: you\nMESSAGE assistant "\nHello\n"\n',
    "FROM {base}\nPARAMETER temperature 0\nPARAMETER top_p .5\nPARAMETER use_mmap F\nSYSTEM 'x'\n",
    "FROM {base}\nSYSTEM one\nSYSTEM two\nLICENSE a\nLICENSE b",
]


def made(server: OllamaServer, text: str, folder: Path) -> dict[str, Any]:
    """What the server says of a model that Ollama's own command has made of a Modelfile."""
    file = folder / "Modelfile"
    file.write_text(text, encoding="utf-8")
    program = ollama_server.binary()
    assert program
    environment = {**os.environ, "OLLAMA_HOST": server.url, "HOME": str(folder)}
    done = subprocess.run(
        [program, "create", "compared", "-f", str(file)],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stderr}\n{text}"
    with httpx.Client(trust_env=False, timeout=30) as http:
        return http.post(f"{server.url}/api/show", json={"model": "compared"}).json()


def assert_same(shown: dict[str, Any], meant: Modelfile) -> None:
    """That a model is what our reading of its Modelfile says, where it says anything."""
    values = defaultdict(list)
    for row in shown.get("parameters", "").splitlines():
        name, value = row.split(maxsplit=1)
        values[name].append(json.loads(value))
    for name, value in meant.parameters.items():
        assert tuple(values[name]) == (value if isinstance(value, tuple) else (value,))
    assert shown.get("system", "") == (meant.system or "")
    assert shown.get("license", "") == "\n".join(meant.licenses)
    said = [(m["role"], m["content"]) for m in shown.get("messages") or []]
    assert said == [(m.role, m.content) for m in meant.messages]
    assert meant.template in (None, shown["template"])


@pytest.mark.parametrize("text", TRICKY)
def test_ollama_reads_a_tricky_file_as_we_do(
    text: str, ollama_models: OllamaServer, tmp_path: Path
) -> None:
    text = text.format(base=CHAT_MODEL)
    assert_same(made(ollama_models, text, tmp_path), parse(text))


def test_ollama_reads_what_we_write_as_we_meant_it(
    ollama_models: OllamaServer, tmp_path: Path
) -> None:
    for _ in range(25):
        meant = random_modelfile(random, CHAT_MODEL)
        known = {k: v for k, v in meant.parameters.items() if k not in UNKNOWN_TO_096}
        meant = replace(meant, requires=None, parameters=known)
        assert_same(made(ollama_models, write(meant), tmp_path), meant)


def test_characters_that_ollamas_command_drops_stay(
    ollama_models: OllamaServer, tmp_path: Path
) -> None:
    text = f"FROM {CHAT_MODEL}\nSYSTEM می\u200cخواهم 5\u00a0km\n"
    assert parse(text).system == "می\u200cخواهم 5\u00a0km"
    assert made(ollama_models, text, tmp_path)["system"] == "میخواهم 5km"
