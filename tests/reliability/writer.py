"""Changes files and ingests them over and over, while others ask (reader.py).

    python -m tests.reliability.writer HOME DOCS TALK SECONDS

Each round some files get another text, one comes or goes, and one is removed from the library by
name. As soon as that is reported, the words that must no longer be found are written into TALK.
Prints {"rounds", "outcomes", "generations"} as JSON. A generation is due every few rounds.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

from rag.assistant import Assistant, open_assistant
from rag.config import load_settings
from rag.indexes import publish
from rag.types import FileResult

from . import second_model
from .driver import lower_thresholds
from .watched import PASSING, word_of, words_in, write_files


def main(home: Path, docs: Path, talk: Path, seconds: float) -> dict[str, object]:
    outcomes: Counter[str] = Counter()
    generations: set[str] = set()
    version = 0
    end = time.monotonic() + seconds
    with closing(open_assistant(load_settings({"home": str(home)}))) as assistant:
        while time.monotonic() < end or version < 2:
            version += 1
            before = words_in(docs)
            write_files(docs, version)
            for event in assistant.ingest(assistant.plan([docs])):
                if isinstance(event, FileResult):
                    outcomes[event.outcome] += 1
            tell_dead(talk, before - words_in(docs))
            remove_one(assistant, docs, talk, version)
            outcomes["removed"] += 1
            with closing(sqlite3.connect(home / "library.db")) as db:
                generations |= {row[0] for row in db.execute("SELECT name FROM generations")}
    return {"rounds": version, "outcomes": dict(outcomes), "generations": len(generations)}


def remove_one(assistant: Assistant, docs: Path, talk: Path, version: int) -> None:
    """A file that is read by name and removed by name, within one round."""
    path = docs.parent / "passing.txt"
    word = word_of(PASSING, version)
    path.write_text(f"A letter about {word} passed through the harbour.\n")
    list(assistant.ingest(assistant.plan([path])))
    assistant.remove([assistant.document(str(path)).id])
    tell_dead(talk, {word})


def tell_dead(talk: Path, words: set[str]) -> None:
    with (talk / "dead").open("a") as dead:
        dead.write("".join(f"{word}\n" for word in words))


if __name__ == "__main__":
    second_model.install()
    lower_thresholds()
    publish.TAIL_AT_END, publish.DEAD_SHARE = (30, 0.01, 10_000), 2.0
    home, docs, talk, seconds = sys.argv[1:]
    print(json.dumps(main(Path(home), Path(docs), Path(talk), float(seconds))))
