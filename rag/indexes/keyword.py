"""The keyword index: tantivy, BM25 over text, headings, title and file name.

Text typed by people never reaches tantivy's query parser: queries are built from analysed tokens.
Adding a chunk twice is safe (it is deleted by id first), so a replay after a crash changes nothing.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import tantivy

from rag.errors import DiskFull, LibraryDamaged
from rag.types import StoredChunk

ANALYZER = "words"
LANGUAGE = "english"
LONGEST_WORD = 60
FIELDS: dict[str, float] = {"text": 1.0, "headings": 0.5, "title": 0.3, "name": 0.3}
"""Fields and how much a match in each counts."""
MOST_TERMS = 64  # of one query; a pasted page asks for its first words
_WRITER_HEAP = 50_000_000  # bytes


class KeywordIndex:
    """An index in a folder, or in memory where `folder` is None."""

    def __init__(self, folder: Path | None) -> None:
        self._analyzer = _analyzer()
        self._schema = _schema()
        self._index = self._open(folder)
        self._index.register_tokenizer(ANALYZER, self._analyzer)

    @staticmethod
    def exists(folder: Path) -> bool:
        return folder.is_dir() and bool(tantivy.Index.exists(str(folder)))

    @staticmethod
    def discard(folder: Path) -> None:
        """Remove a damaged or outdated index; the catalog has all it held."""
        shutil.rmtree(folder, ignore_errors=True)

    def update(self, removed: Iterable[int], added: Iterable[StoredChunk]) -> None:
        """Remove chunks by id, add chunks, commit. For the holder of the writer's lock only."""
        try:
            writer = self._index.writer(_WRITER_HEAP, 1)
            for chunk_id in removed:
                writer.delete_documents_by_term("chunk", chunk_id)
            for chunk in added:
                writer.delete_documents_by_term("chunk", chunk.id)
                writer.add_document(_document(chunk))
            writer.commit()
            writer.wait_merging_threads()
        except (ValueError, OSError) as error:
            raise _map(error) from error

    def search(self, query: str, k: int) -> list[tuple[int, float]]:
        """The ids of the `k` best chunks with their BM25 scores, best first."""
        terms = list(dict.fromkeys(self._analyzer.analyze(query)))[:MOST_TERMS]
        if not terms:
            return []
        self._index.reload()
        searcher = self._index.searcher()
        found = searcher.search(self._query(terms), k, count=False).hits
        ids = searcher.fast_field_values("chunk", [address for _, address in found])
        return [(int(i), float(score)) for i, (score, _) in zip(ids, found, strict=True)]

    def _query(self, terms: Sequence[str]) -> tantivy.Query:
        should: list[tuple[tantivy.Occur, tantivy.Query]] = []
        for name, weight in FIELDS.items():
            for term in terms:
                one = tantivy.Query.term_query(self._schema, name, term)
                should.append((tantivy.Occur.Should, tantivy.Query.boost_query(one, weight)))
        return tantivy.Query.boolean_query(should)

    def _open(self, folder: Path | None) -> Any:
        if folder is None:
            return tantivy.Index(self._schema)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            return tantivy.Index(self._schema, path=str(folder))
        except (ValueError, OSError) as error:
            raise _map(error) from error


def _document(chunk: StoredChunk) -> tantivy.Document:
    return tantivy.Document(
        chunk=chunk.id,
        text=chunk.text,
        headings=" ".join(chunk.headings),
        title=chunk.title or "",
        name=chunk.name,
    )


def _analyzer() -> Any:
    return (
        tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
        .filter(tantivy.Filter.remove_long(LONGEST_WORD))
        .filter(tantivy.Filter.lowercase())
        .filter(tantivy.Filter.stemmer(LANGUAGE))
        .build()
    )


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_integer_field("chunk", indexed=True, fast=True)
    for name in FIELDS:
        builder.add_text_field(name, tokenizer_name=ANALYZER)
    return builder.build()


def _map(error: Exception) -> LibraryDamaged | DiskFull:
    if "No space left" in str(error):
        return DiskFull(
            "indexes/keyword",
            "The disk is full; the keyword index could not follow. No document is lost.",
            "Make room and run the same command again.",
        )
    return LibraryDamaged(
        "indexes/keyword",
        f"The keyword index cannot be used ({error}).",
        "Run rag ingest on any folder: it builds a new one from the catalog.",
    )
