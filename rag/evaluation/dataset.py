"""Folders of judged questions. Reads them; knows nothing of search.

Text: `corpus.jsonl` {id, title, text}. PDF: `docs.jsonl` {id, file} and the files; judged ids are
`document#page`, pages from 1. Both: `queries.jsonl` {id, text, …}, `qrels.tsv` (a header, then
query, document, relevance).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.errors import PathNotFound, UsageError


@dataclass(frozen=True, slots=True)
class Record:
    """A text of a text dataset."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Query:
    """A judged question: relevance by judged id. `document`: the one it is asked of, if any."""

    id: str
    text: str
    relevant: dict[str, int]
    document: str | None = None


@dataclass(frozen=True, slots=True)
class Dataset:
    """A folder of judged questions; it has `records` or `files` (document id to path)."""

    name: str
    folder: Path
    queries: tuple[Query, ...]
    records: tuple[Record, ...] = ()
    files: tuple[tuple[str, Path], ...] = ()


def read_dataset(folder: Path) -> Dataset:
    """Read a folder. Questions without a judged document are left out: nothing can be found.

    Raises `PathNotFound` and `UsageError` where it is no dataset.
    """
    if not folder.is_dir():
        raise PathNotFound(str(folder), f"There is no folder {folder}.", "Check the spelling.")
    for needed in ("queries.jsonl", "qrels.tsv"):
        if not (folder / needed).is_file():
            raise UsageError(
                str(folder),
                f"{folder} has no {needed}.",
                "A dataset has queries.jsonl, qrels.tsv, and corpus.jsonl or docs.jsonl.",
            )
    judged = _judgements(folder / "qrels.tsv")
    queries = tuple(
        Query(row["id"], row["text"], judged[row["id"]], row.get("doc"))
        for row in _rows(folder / "queries.jsonl")
        if row["id"] in judged
    )
    if (folder / "corpus.jsonl").is_file():
        rows = _rows(folder / "corpus.jsonl")
        records = tuple(Record(r["id"], r.get("title") or "", r["text"]) for r in rows)
        return Dataset(folder.name, folder, queries, records=records)
    files = tuple((row["id"], folder / row["file"]) for row in _rows(folder / "docs.jsonl"))
    return Dataset(folder.name, folder, queries, files=files)


def _judgements(path: Path) -> dict[str, dict[str, int]]:
    judged: dict[str, dict[str, int]] = {}
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        query, document, relevance = line.split("\t")
        if int(relevance) > 0:
            judged.setdefault(query, {})[document] = int(relevance)
    return judged


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)
