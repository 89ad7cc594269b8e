"""The quote that an answer shows is what stands in the stored text, for files of every format."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rag.answering.quotes import best_backing
from rag.chunking import Chunker
from rag.engines import wordpiece
from rag.errors import LoadError
from rag.loaders.worker import ReaderProcess
from rag.retrieval.passages import passages
from rag.text import sentences
from rag.types import Hit, LoadedDocument, StoredChunk
from tests.loaders.test_corpus import FOLDERS

Shared = Callable[[str], Path]
CHUNKER = Chunker(wordpiece.count)
FEW, SMALL = 4, 100_000  # files of a format, bytes
UNITS, QUOTES = 3, 2  # of each document, of each unit: chosen at random
WORDS = range(6, 60)  # of a sentence that can be looked for


@pytest.mark.parametrize("folder", FOLDERS)
def test_quotes_of_a_few_files(folder: str, shared: Shared, reader: ReaderProcess) -> None:
    files = [p for p in sorted(shared(f"corpus/{folder}").iterdir()) if p.stat().st_size < SMALL]
    for path in files[:: max(1, len(files) // FEW)][:FEW]:
        check(path, reader)


@pytest.mark.slow
@pytest.mark.parametrize(
    "folder", [*(f"corpus/{f}" for f in FOLDERS), "eval/mmlongbench/docs", "eval/financebench/docs"]
)
def test_quotes_of_every_file(folder: str, shared: Shared, reader: ReaderProcess) -> None:
    checked = sum(check(path, reader) for path in sorted(shared(folder).iterdir()))
    assert checked or folder.endswith(("image", "iwork"))


def check(path: Path, reader: ReaderProcess) -> int:
    """Has sentences of a file quoted. Returns how many."""
    try:
        document = reader.load(path)
    except LoadError:
        return 0
    texts = {unit.number: unit.text for unit in document.units}
    checked = 0
    for unit, statement, hits in statements(document):
        placed = passages(hits, lambda _, number: texts[number], most=8)
        backing = best_backing(statement, placed, cited=[])
        assert backing is not None, (path.name, unit, statement)
        citation = backing.citation
        quote = texts[citation.page][citation.start : citation.end]
        assert citation.quote == quote, (path.name, unit, statement)
        assert backing.judgement.verdict == "supported", (path.name, unit, statement, quote)
        checked += 1
    return checked


def statements(document: LoadedDocument) -> Iterator[tuple[int, str, list[Hit]]]:
    """Sentences of some units, each with the chunks of its unit as if search had found them."""
    chooser = random.Random(len(document.units))
    split = CHUNKER.split(document)
    read = [unit for unit in document.units if unit.state == "read"]
    for unit in chooser.sample(read, min(UNITS, len(read))):
        chunks = [chunk for chunk in split if chunk.unit == unit.number]
        found = [
            (chunk, " ".join(text.split()))
            for chunk in chunks
            for start, end in sentences(unit.text[chunk.start : chunk.end])
            if len((text := unit.text[chunk.start : chunk.end][start:end]).split()) in WORDS
        ]
        for chunk, statement in chooser.sample(found, min(QUOTES, len(found))):
            stored = StoredChunk(
                0, "d", "/d", "d", None, "", False, chunk.unit, unit.kind, unit.label, chunk.start,
                chunk.end, chunk.headings, unit.text[chunk.start : chunk.end], b"",
            )  # fmt: skip
            yield unit.number, statement, [Hit(stored, 1.0)]
