"""Folders of judged questions. Reads them; knows nothing of search.

Text: `corpus.jsonl` {id, title, text}. PDF: `docs.jsonl` {id, file} and the files; judged ids are
`document#page`, pages from 1. Both: `queries.jsonl` {id, text, …}, `qrels.tsv` (a header, then
query, document, relevance).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.errors import PathNotFound, UsageError

Only = Mapping[str, str]
"""Fields and the value that a row must have, where it has the field at all: {"lang": "de"}."""


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

    @property
    def asks_of_documents(self) -> bool:
        """Whether its questions name the document they are asked of."""
        return any(query.document is not None for query in self.queries)

    @property
    def digest(self) -> str:
        """Names what is searched: 16 hex digits of the records, or of the files' ids and paths."""
        searched = repr((self.records, self.files))
        return hashlib.sha256(searched.encode("utf-8", "replace")).hexdigest()[:16]


def read_dataset(folder: Path, only: Only | None = None) -> Dataset:
    """Read a folder. Questions without a judged document are left out: nothing can be found.

    `only` leaves out questions, records and files with another value in one of these fields.
    Raises `PathNotFound` and `UsageError` where it is no dataset, or none of it is left.
    """
    _check(folder)
    chosen = only or {}
    judged = _judgements(folder / "qrels.tsv")
    queries = tuple(
        Query(row["id"], row["text"], judged[row["id"]], row.get("doc"))
        for row in _rows(folder / "queries.jsonl", chosen)
        if row["id"] in judged
    )
    if not queries:
        raise UsageError(
            str(folder),
            f"{folder} has no judged question left.",
            "Compare qrels.tsv and the fields of queries.jsonl with what you asked for.",
        )
    name = "-".join([folder.name, *(f"{k}-{v}" for k, v in sorted(chosen.items()))])
    if (folder / "corpus.jsonl").is_file():
        rows = _rows(folder / "corpus.jsonl", chosen)
        records = tuple(Record(r["id"], r.get("title") or "", r["text"]) for r in rows)
        return Dataset(name, folder, queries, records=records)
    rows = _rows(folder / "docs.jsonl", chosen)
    return Dataset(name, folder, queries, files=tuple((r["id"], folder / r["file"]) for r in rows))


def _check(folder: Path) -> None:
    if not folder.is_dir():
        raise PathNotFound(str(folder), f"There is no folder {folder}.", "Check the spelling.")
    documents = ("corpus.jsonl", "docs.jsonl")
    missing = [n for n in ("queries.jsonl", "qrels.tsv") if not (folder / n).is_file()]
    if not any((folder / name).is_file() for name in documents):
        missing.append(" or ".join(documents))
    if missing:
        raise UsageError(
            str(folder),
            f"{folder} has no {missing[0]}.",
            "A dataset has queries.jsonl, qrels.tsv, and corpus.jsonl or docs.jsonl.",
        )


def _judgements(path: Path) -> dict[str, dict[str, int]]:
    judged: dict[str, dict[str, int]] = {}
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        query, document, relevance = line.split("\t")
        if int(relevance) > 0:
            judged.setdefault(query, {})[document] = int(relevance)
    return judged


def _rows(path: Path, only: Only) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            row: dict[str, Any] = json.loads(line)
            if all(_same(row[field], value) for field, value in only.items() if field in row):
                yield row


def _same(value: object, wanted: str) -> bool:
    """Whether a JSON value is the one typed: true, 3 and de are as in the file."""
    return (value if isinstance(value, str) else json.dumps(value)) == wanted
