"""Asks a library over and over while another process writes to it, and says what was wrong.

    python -m tests.reliability.reader HOME FOLDER fresh|kept

FOLDER holds `stable` (words that some file has at any time), `dead` (words that must no longer be
found, appended to while this runs) and, at the end, `stop`. Prints {"asked": n, "problems": […]}.
`kept`: one open library for all questions, as in the web app; `fresh`: a new one every few.
"""

from __future__ import annotations

import itertools
import json
import random
import sys
from contextlib import closing
from pathlib import Path

from rag.assistant import Assistant, open_assistant
from rag.config import load_settings

from . import second_model

DEPTH = 100
FRESH_AFTER = 5  # questions


def main(home: Path, folder: Path, kept: bool) -> dict[str, object]:
    stable = (folder / "stable").read_text().split()
    asked = 0
    problems: list[str] = []
    while not (folder / "stop").exists():
        with closing(open_assistant(load_settings({"home": str(home)}))) as assistant:
            for number in itertools.count():
                if (folder / "stop").exists() or (not kept and number == FRESH_AFTER):
                    break
                problems += _wrong(assistant, stable, folder)
                asked += 1
    return {"asked": asked, "problems": problems}


def _wrong(assistant: Assistant, stable: list[str], folder: Path) -> list[str]:
    """Ask for one word that must be found and for one that must not."""
    problems = []
    word = random.choice(stable)
    result = assistant.search(word, DEPTH)
    hits = result.hits
    if result.notice:
        problems.append(f"search said: {result.notice}")
    first = next((hit for hit in hits if hit.keyword_rank == 1), None)
    if first is None or word not in first.chunk.text:
        problems.append(f"{word} is in a file all the time and was not found by keyword")
    if not any(word in hit.chunk.text and hit.dense_rank for hit in hits):
        problems.append(f"{word} is in a file all the time and was not found by meaning")
    dead = (folder / "dead").read_text().split()  # read before asking: it only grows
    if dead:
        gone = random.choice(dead[-40:])
        if any(gone in hit.chunk.text for hit in assistant.search(gone, DEPTH).hits):
            problems.append(f"{gone} was found after its removal had been reported")
    return problems


if __name__ == "__main__":
    second_model.install()
    print(json.dumps(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] == "kept")))
