"""The keyword index: tantivy, BM25 over what a chunk says and stands under, and its file's name.

Text typed by people never reaches tantivy's query parser: queries are built from analysed words.
Adding a chunk twice is safe (it is deleted by id first), so a replay after a crash changes nothing.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from functools import lru_cache
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import tantivy

from rag.errors import DiskFull, LibraryDamaged
from rag.hardware import give_back_memory
from rag.indexes import analysis
from rag.indexes.checksums import crc32
from rag.text import STOP_WORDS, fold, stem
from rag.types import StoredChunk

Scores = list[tuple[int, float]]
"""Chunk ids with their scores, best first."""

NAME_WEIGHT = 2.0
"""How much a word of the file's name counts beside one of the text: it is in every chunk of the file,
and so is rarely rare."""
PAGE_WEIGHT = 2.0
"""The same of the number of a page that the query names."""
COMMON_SHARE = 0.5
"""Of the chunks of an index: a word that more have costs the most to look up, and tells little apart."""
MOST_READ = 750_000
"""Entries of an index that the words of one query may have together, so that a long question to a
million chunks takes no longer than a short one: the commonest words go first."""
LARGE = 20_000  # chunks of an index that counts as large
MOST_WORDS = 64  # of one query; a pasted page asks for its first words
_ASKED_AT_ONCE = 2000  # ids
_WRITER_HEAP = 15_000_000  # bytes, the least that tantivy takes
_COMMITTED_AT_ONCE = 1000  # chunks
_SHORTEST_NAME = 2  # words of a file's name that name a document; a title may be one word
_PAGED = ("page", "slide")
_PAGES = re.compile(  # folded: dashes are hyphens
    r"\b(?:pages?|slides?|pp?\.|seiten?|s\.|folien?|p[aá]ginas?|pagin[ae]|diapositivas?|стр(?:\.|аниц[аеы]))"
    r"\s*(\d{1,4}(?:\s*(?:-|,|and|und|et|y|e|и|&)\s*\d{1,4})*)"
)
_RANGE = re.compile(r"(\d+)(?:\s*-\s*(\d+))?")
_ASIDE = re.compile(r"\s*\([^)]*\)")


class KeywordIndex:
    """An index in a folder, or in memory where `folder` is None."""

    def __init__(self, folder: Path | None) -> None:
        self._schema = _schema()
        self._index = self._open(folder)
        self._pinned: Any = None

    @staticmethod
    def exists(folder: Path) -> bool:
        return folder.is_dir() and bool(tantivy.Index.exists(str(folder)))

    @staticmethod
    def is_sound(folder: Path) -> bool:
        """Whether what tantivy has committed is as it was written, by its own checksums, which it
        does not look at itself: it would panic, or find something else. True where nothing is.
        """
        try:
            meta = json.loads((folder / "meta.json").read_bytes())
            json.loads((folder / ".managed.json").read_bytes())
            with ThreadPoolExecutor() as threads:  # of a million chunks half a gigabyte is read
                return all(threads.map(_is_sound, _committed(folder, meta["segments"])))
        except FileNotFoundError:
            return True
        except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error):
            return False

    @staticmethod
    def discard(folder: Path) -> None:
        """Remove a damaged or outdated index; the catalog has all it held."""
        shutil.rmtree(folder, ignore_errors=True)

    def update(self, removed: Iterable[int], added: Iterable[StoredChunk]) -> None:
        """Remove chunks by id, add or replace chunks, commit. For the writer lock's holder only.

        Many are committed in parts: tantivy keeps every removal in memory until then, and as many
        documents as its threads have no time for yet.
        """
        try:
            writer = self._index.writer(_WRITER_HEAP, 1)
            for chunk_id in removed:
                writer.delete_documents_by_term("chunk", chunk_id)
            for number, chunk in enumerate(added, start=1):
                writer.delete_documents_by_term("chunk", chunk.id)
                writer.add_document(_document(chunk))
                if number % _COMMITTED_AT_ONCE == 0:
                    writer.commit()
                    give_back_memory()
            writer.commit()
            writer.wait_merging_threads()
            give_back_memory()
        except (ValueError, OSError) as error:
            raise _map(error) from error

    def pinned(self) -> KeywordIndex:
        """This index as it is now, to be searched: it stays so whatever is committed later.

        Raises `LibraryDamaged` where its files are gone.
        """
        moment = copy(self)
        try:
            moment._pinned = self._searcher()
        except (ValueError, OSError) as error:
            raise _map(error) from error
        return moment

    @property
    def count(self) -> int:
        """How many chunks it holds."""
        return int(self._searcher().num_docs)

    def search(self, query: str, k: int) -> Scores:
        """The ids of the `k` best chunks with their BM25 scores, best first."""
        searcher = self._searcher()
        wanted = self._any_word(searcher, query)
        return self._found(searcher, tantivy.Query.boolean_query(wanted), k) if wanted else []

    def scores(self, query: str, chunk_ids: Sequence[int]) -> dict[int, float]:
        """What `search` scores these chunks; those without a word of the query are left out."""
        searcher = self._searcher()
        wanted = self._any_word(searcher, query)
        if not wanted or not chunk_ids:
            return {}
        both = tantivy.Query.boolean_query([*wanted, self._filter("chunk", chunk_ids)])
        return {i: score for i, score in self._found(searcher, both, len(chunk_ids)) if score}

    def among(self, chunk_ids: Sequence[int]) -> list[int]:
        """Which of these chunks are in the index."""
        searcher, found = self._searcher(), []
        for start in range(0, len(chunk_ids), _ASKED_AT_ONCE):
            part = chunk_ids[start : start + _ASKED_AT_ONCE]
            found += self._found(searcher, self._any("chunk", part), len(part))
        return [i for i, _ in found]

    def named(self, labels: Sequence[str], query: str, k: int) -> Scores:
        """The best `k` chunks for a query of the documents that have one of these labels."""
        searcher = self._searcher()
        wanted = [self._filter("label", labels), *self._any_word(searcher, query)]
        return self._found(searcher, tantivy.Query.boolean_query(wanted), k)

    def with_phrase(self, phrase: str, most: int) -> set[int]:
        """The ids of the chunks, at most so many, that have these words side by side."""
        searcher = self._searcher()
        found = analysis.words(phrase)
        wanted = [
            (tantivy.Occur.Should, self._side_by_side(analysis.stem_all(found, language)))
            for language in self.languages(searcher)
        ]
        if not found or not wanted:
            return set()
        return {i for i, _ in self._found(searcher, tantivy.Query.boolean_query(wanted), most)}

    def languages(self, searcher: Any = None) -> Mapping[str, int]:
        """The languages of the chunks, by stemmer, with how many chunks are in each."""
        searcher = searcher or self._searcher()
        counts = {
            language: int(searcher.doc_freq("language", language))
            for language in (*analysis.STEMMERS, analysis.UNSTEMMED)
        }
        return {language: number for language, number in counts.items() if number}

    def _searcher(self) -> Any:
        if self._pinned is not None:
            return self._pinned
        self._index.reload()
        return self._index.searcher()

    def _found(self, searcher: Any, query: tantivy.Query, k: int) -> Scores:
        found = searcher.search(query, k, count=False).hits
        ids = searcher.fast_field_values("chunk", [address for _, address in found])
        return [(int(i), float(score)) for i, (score, _) in zip(ids, found, strict=True)]

    def _any_word(self, searcher: Any, query: str) -> list[tuple[tantivy.Occur, tantivy.Query]]:
        """A part of a query for each word of the text and of a file's name that it may mean."""
        forms = _forms(query, tuple(self.languages(searcher)))
        text = [self._form(one) for one in self._telling(searcher, forms)]
        names = [
            tantivy.Query.boost_query(self._term("name", word), NAME_WEIGHT)
            for word in _asked_names(query)
        ]
        pages = [
            tantivy.Query.boost_query(self._term("page", number), PAGE_WEIGHT)
            for number in _asked_pages(query)
        ]
        return [(tantivy.Occur.Should, part) for part in (*text, *names, *pages)]

    def _telling(self, searcher: Any, words: list[list[str]]) -> list[list[str]]:
        """Without the words of a large index that most of its chunks have, if there are others; of
        these no more than may be read.
        """
        most = max(LARGE, searcher.num_docs) * COMMON_SHARE
        counts = [sum(searcher.doc_freq("text", form) for form in word) for word in words]
        rarest_first = sorted(range(len(words)), key=counts.__getitem__)
        rarer = [i for i in rarest_first if counts[i] <= most] or rarest_first
        read = accumulate(counts[i] for i in rarer)
        kept = {i for i, so_far in zip(rarer, read, strict=True) if so_far <= MOST_READ}
        return [word for i, word in enumerate(words) if i in kept or i == rarer[0]]

    def _form(self, forms: Sequence[str]) -> tantivy.Query:
        """One word in the forms that the languages give it; a chunk is in one of them."""
        terms = [self._term("text", form) for form in forms]
        return terms[0] if len(terms) == 1 else tantivy.Query.disjunction_max_query(terms)

    def _side_by_side(self, found: list[str]) -> tantivy.Query:
        if len(found) == 1:
            return self._term("text", found[0])
        return tantivy.Query.phrase_query(self._schema, "text", [*found])

    def _term(self, field: str, word: str) -> tantivy.Query:
        return tantivy.Query.term_query(self._schema, field, word)

    def _any(self, field: str, values: Sequence[int | str]) -> tantivy.Query:
        """What has one of these values. Not tantivy's own set of terms, which goes through all that
        the index has: that takes three to ten times as long.
        """
        each = [tantivy.Query.term_query(self._schema, field, value) for value in values]
        return tantivy.Query.boolean_query([(tantivy.Occur.Should, one) for one in each])

    def _filter(
        self, field: str, values: Sequence[int | str]
    ) -> tuple[tantivy.Occur, tantivy.Query]:
        return tantivy.Occur.Must, tantivy.Query.const_score_query(self._any(field, values), 0.0)

    def _open(self, folder: Path | None) -> Any:
        if folder is None:
            return tantivy.Index(self._schema)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            return tantivy.Index(self._schema, path=str(folder))
        except (ValueError, OSError) as error:
            raise _map(error) from error


def matched(query: str, chunk: StoredChunk) -> tuple[str, ...]:
    """What of a query the index found in a chunk: words, words of its file's name, its page."""
    language = analysis.language_of(chunk.text)
    asked = list(dict.fromkeys(analysis.words(query)))[:MOST_WORDS]
    there = set(analysis.stems(context(chunk), language))
    stemmed = analysis.stem_all(asked, language)
    names = set(map(stem, analysis.file_words(chunk.name))) & set(_asked_names(query))
    found = [word for word, form in zip(asked, stemmed, strict=True) if form in there]
    pages = [f"page {number}" for number in _asked_pages(query) if number in _pages(chunk)]
    return tuple(dict.fromkeys([*found, *sorted(names), *pages]))


def label(name: str) -> str:
    """A name as it is compared: its words, without what stands in brackets."""
    return " ".join(analysis.words(_ASIDE.sub("", name)))


@lru_cache(1024)  # the chunks of a document have the same
def labels(title: str | None, name: str) -> tuple[str, ...]:
    """What other documents may call a document: its title, its file's name."""
    titles = {label(title or ""), " ".join(analysis.words(title or ""))}
    file = analysis.file_words(name)
    names = titles | ({" ".join(file)} if len(file) >= _SHORTEST_NAME else set())
    return tuple(sorted(names - {""}))


def _forms(query: str, languages: Sequence[str]) -> list[list[str]]:
    """The words of a query, each in the forms that these languages give it."""
    found = list(dict.fromkeys(analysis.words(query)))[:MOST_WORDS]
    by_language = [analysis.stem_all(found, language) for language in languages]
    forms = dict.fromkeys(zip(*by_language, strict=True))  # two words of one stem count once
    return [list(dict.fromkeys(of_one)) for of_one in forms]


def _asked_names(query: str) -> list[str]:
    """Words that may stand in a file's name: those of the query, and pairs written as one."""
    found = [word for word in analysis.name_words(query) if word not in STOP_WORDS]
    pairs = [a + b for a, b in pairwise(found)]
    return list(dict.fromkeys(map(stem, found + pairs)))[:MOST_WORDS]


def _asked_pages(query: str) -> list[str]:
    """The numbers of the pages or slides that a query names: page 12, slides 3 and 4, pp. 5-7."""
    found: list[str] = []
    for first, last in _RANGE.findall(" ".join(match[1] for match in _PAGES.finditer(fold(query)))):
        to = int(last or first)
        found += map(str, range(int(first), min(to, int(first) + MOST_WORDS) + 1))
    return list(dict.fromkeys(found))[:MOST_WORDS]


def _pages(chunk: StoredChunk) -> list[str]:
    """The numbers by which people call the page of a chunk: its place, and what is printed on it."""
    if chunk.kind not in _PAGED:
        return []
    return list(dict.fromkeys([str(chunk.unit), *re.findall(r"\d+", chunk.label)]))


def context(chunk: StoredChunk) -> str:
    """What is indexed as the text of a chunk: what it stands under, and what it says."""
    return "\n".join([chunk.title or "", *chunk.headings, chunk.text])


def _document(chunk: StoredChunk) -> tantivy.Document:
    language = analysis.language_of(chunk.text)
    document = tantivy.Document(
        chunk=chunk.id,
        text=" ".join(analysis.stems(context(chunk), language)),
        name=" ".join(map(stem, analysis.file_words(chunk.name))),
        language=language,
    )
    for name in labels(chunk.title, chunk.name):
        document.add_text("label", name)
    for number in _pages(chunk):
        document.add_text("page", number)
    return document


def _committed(folder: Path, segments: Sequence[Mapping[str, Any]]) -> Iterator[Path]:
    """The files of the segments that are live, and their newest lists of deletions."""
    live = {s["segment_id"].replace("-", ""): s["deletes"] for s in segments}
    for path in folder.iterdir():
        name, _, ending = path.name.partition(".")
        deletes = live.get(name)
        if name in live and (
            not ending.endswith("del")
            or (deletes is not None and ending == f"{deletes['opstamp']}.del")
        ):
            yield path


def _is_sound(path: Path) -> bool:
    """Whether a file has the checksum of its footer: JSON, then its length, then a fixed number."""
    try:
        with path.open("rb") as file:
            end = file.seek(-8, os.SEEK_END)
            (length,) = struct.unpack("<I", file.read(4))
            body = file.seek(end - length)
            footer = json.loads(file.read(length))
            checksum = crc32(file, 0, body)
    except FileNotFoundError:
        return True  # merged into another one meanwhile
    return bool(footer.get("crc") == checksum)


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_integer_field("chunk", indexed=True, fast=True)
    builder.add_text_field("text", tokenizer_name="whitespace")
    builder.add_text_field("name", tokenizer_name="whitespace", index_option="freq")
    for field in ("label", "language", "page"):
        builder.add_text_field(field, tokenizer_name="raw", index_option="basic")
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
