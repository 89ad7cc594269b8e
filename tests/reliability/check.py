"""Opens a library in a fresh process, looks at all of it and asks it questions.

    python -m tests.reliability.check HOME EXPECTED.json

prints {"problems": […], "documents": n, "asked": n} as JSON. The catalog is read with plain SQL, so
that a mistake of the product's own reading is seen too; questions go through the product.
EXPECTED: "words": SHA-256 of each file version there ever was to the words that it alone has;
"reported": path to what an ingestion said of it.
"""

from __future__ import annotations

import json
import random
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from rag.assistant import Assistant, open_assistant
from rag.chunking import Chunker
from rag.config import load_settings
from rag.engines import wordpiece
from rag.indexes.keyword import KeywordIndex
from rag.types import SearchResult

from . import second_model

ASKED = 8  # words asked for in one opening
ABSENT = 2  # words of versions that are not there
ALL = 100  # hits that hold the first of each of the two searches, wherever the fusion puts them
NEAR = 0.97  # a text finds its own vector; int8 weights make it differ a little from batch to batch
LIVE = ("added", "updated", "unchanged")

_CHUNKS = """
SELECT c.id, d.path, d.sha256, d.title, c.headings, c.unit, c.start, c."end", u.text, c.vector_key,
       (SELECT length(vector) FROM vectors WHERE key = c.vector_key AND identity = ?) AS vector
FROM chunks c JOIN documents d ON d.id = c.document_id
LEFT JOIN units u ON u.document_id = c.document_id AND u.number = c.unit
ORDER BY c.id
"""
Row = dict[str, Any]


def check(home: Path, expected: dict[str, Any]) -> dict[str, Any]:
    """Everything that is wrong with a library, as sentences."""
    with closing(open_assistant(load_settings({"home": str(home)}))) as assistant:
        with closing(sqlite3.connect(home / "library.db")) as db:
            db.row_factory = sqlite3.Row
            identity = assistant.identity()
            key = identity.key if identity else None
            rows = [dict(row) for row in db.execute(_CHUNKS, (key,))]
            documents = {row["path"]: dict(row) for row in db.execute("SELECT * FROM documents")}
            problems = [
                *_of_file(db),
                *_of_chunks(rows),
                *_of_words(rows, documents, expected["words"]),
                *_of_reported(rows, documents, expected["reported"]),
            ]
        asked = 0
        if rows:
            chosen = _chosen(rows, expected)
            asked = len(chosen)
            problems += [p for word, row in chosen for p in _of_answers(assistant, word, row)]
            problems += _of_absent(assistant, documents, expected["words"])
            problems += _of_keyword_folder(home, rows, [word for word, _ in chosen])
    return {"problems": problems, "documents": len(documents), "asked": asked}


def _of_file(db: sqlite3.Connection) -> list[str]:
    found = [row[0] for row in db.execute("PRAGMA integrity_check")]
    problems = [] if found == ["ok"] else [f"integrity_check: {found}"]
    if broken := db.execute("PRAGMA foreign_key_check").fetchall():
        problems.append(f"{len(broken)} rows refer to nothing")
    return problems


def _of_chunks(rows: list[Row]) -> list[str]:
    """Offsets inside the unit's text, a vector for each, none twice."""
    problems = []
    places = [(row["path"], row["unit"], row["start"]) for row in rows]
    if twice := len(places) - len(set(places)):
        problems.append(f"{twice} chunks are there twice")
    for row in rows:
        where = f"{row['path']} unit {row['unit']} [{row['start']}:{row['end']}]"
        if row["text"] is None:
            problems.append(f"{where}: its unit is not there")
        elif not 0 <= row["start"] < row["end"] <= len(row["text"]):
            problems.append(f"{where}: outside its unit of {len(row['text'])} characters")
        if not row["vector"]:
            problems.append(f"{where}: no vector")
    return problems


def _of_words(rows: list[Row], documents: dict[str, Row], words: dict[str, list[str]]) -> list[str]:
    """Each document holds one version of its file: all of its words, no others."""
    texts: dict[str, list[str]] = {path: [] for path in documents}
    for row in rows:
        texts[row["path"]].append((row["text"] or "")[row["start"] : row["end"]])
    problems = []
    for path, document in documents.items():
        if document["outcome"] not in LIVE:
            problems.append(f"{path}: ended as {document['outcome']} ({document['error_message']})")
            continue
        text = "\n".join(texts[path])
        own = words.get(document["sha256"])
        if own is None:
            problems.append(f"{path}: no file ever had the hash {document['sha256']}")
        elif wrong := [word for word in own if text.count(word) != 1]:
            problems.append(f"{path}: {len(wrong)} of {len(own)} words not once ({wrong[:3]})")
    return problems


def _of_reported(rows: list[Row], documents: dict[str, Row], reported: dict[str, Row]) -> list[str]:
    """What was reported before the kill is there; what was reported removed is not."""
    count: dict[str, int] = {}
    for row in rows:
        count[row["path"]] = count.get(row["path"], 0) + 1
    problems = []
    for path, result in reported.items():
        document = documents.get(path)
        if result["outcome"] == "removed":
            if document is not None:
                problems.append(f"{path}: reported as removed, still there")
        elif document is None:
            problems.append(f"{path}: reported as {result['outcome']}, not there")
        elif document["id"] != result["document_id"]:
            problems.append(f"{path}: has another id than was reported")
        elif count.get(path, 0) != result["chunks"]:
            problems.append(f"{path}: {count.get(path, 0)} of {result['chunks']} chunks")
    return problems


def _chosen(rows: list[Row], expected: dict[str, Any]) -> list[tuple[str, Row]]:
    """Words to ask for, each with the chunk that has it: the first, the last, and some between."""
    pairs = []
    for row in rows:
        text = (row["text"] or "")[row["start"] : row["end"]]
        own = [word for word in expected["words"].get(row["sha256"], ()) if word in text]
        pairs += [(word, row) for word in own[:1]]
    chosen = pairs[:1] + pairs[-1:]
    return chosen + random.sample(pairs, min(ASKED - len(chosen), len(pairs)))


def _of_answers(assistant: Assistant, word: str, row: Row) -> list[str]:
    """A word finds its own chunk first by keyword, a chunk's own text finds it first by meaning."""
    text = row["text"][row["start"] : row["end"]]
    by_word = assistant.search(word, ALL)
    by_text = assistant.search(_embedded(row, text), ALL)
    problems = [p for result in (by_word, by_text) for p in _of_hits(result)]
    first = next((hit.chunk for hit in by_word.hits if hit.keyword_rank == 1), None)
    if first is None or first.id != row["id"] or word not in first.text:
        problems.append(f"{word}: found {first.path if first else 'nothing'}, not {row['path']}")
    nearest = next((hit for hit in by_text.hits if hit.dense_rank == 1), None)
    if nearest is None or nearest.chunk.text != text or (nearest.dense_score or 0) < NEAR:
        said = f"{nearest.chunk.path} at {nearest.dense_score:.3f}" if nearest else "nothing"
        problems.append(f"{word}: its text is nearest to {said}, not to itself")
    return problems


def _embedded(row: Row, text: str) -> str:
    """What was embedded for a chunk: a query of the same words has the same vector."""
    headings = tuple(json.loads(row["headings"]))
    return Chunker(wordpiece.count).embedded_text(row["title"], headings, text)


def _of_hits(result: SearchResult) -> list[str]:
    problems = [f"search said: {result.notice}"] if result.notice else []
    ids = [hit.chunk.id for hit in result.hits]
    if len(ids) != len(set(ids)):
        problems.append(f"{result.query[:40]}: a chunk is found twice")
    return problems


def _of_absent(
    assistant: Assistant, documents: dict[str, Row], words: dict[str, list[str]]
) -> list[str]:
    """A version that the library does not have (any more, or yet) is not found."""
    there = {document["sha256"] for document in documents.values()}
    absent = [own[0] for sha256, own in words.items() if sha256 not in there and own]
    problems = []
    for word in random.sample(absent, min(ABSENT, len(absent))):
        if any(word in hit.chunk.text for hit in assistant.search(word, ALL).hits):
            problems.append(f"{word}: found, but its document is not in the library")
    return problems


def _of_keyword_folder(home: Path, rows: list[Row], words: list[str]) -> list[str]:
    """The folder itself holds no live chunk twice (the product would hide it)."""
    folder = home / "indexes" / "keyword"
    if not (KeywordIndex.exists(folder) and KeywordIndex.is_sound(folder)):
        return []
    live = {row["id"] for row in rows}
    index = KeywordIndex(folder)
    problems = []
    for word in words:
        found = [chunk for chunk, _ in index.search(word, 10) if chunk in live]
        if len(found) > 1:
            problems.append(f"{word}: {len(found)} live entries in the keyword folder")
    return problems


if __name__ == "__main__":
    second_model.install()
    print(json.dumps(check(Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text()))))
