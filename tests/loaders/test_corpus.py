"""Files of other projects' test suites: each ends in one outcome, and no offset into a text lies."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from rag.chunking import Chunker
from rag.engines import wordpiece
from rag.errors import LOAD_ERRORS, LoadError
from rag.loaders.formats import FORMATS
from rag.loaders.worker import ReaderProcess
from rag.types import LoadedDocument

Shared = Callable[[str], Path]
CHUNKER = Chunker(wordpiece.count)
FOLDERS = (
    "csv", "doc", "docx", "eml", "epub", "fb2", "html", "image", "ipynb", "iwork", "md", "msg", "odp",
    "ods", "odt", "org", "pdf", "ppt", "pptx", "rst", "rtf", "tex", "txt", "xls", "xlsb", "xlsx", "xml",
)  # fmt: skip
FEW = 4
SMALL = 100_000  # bytes


def check(document: LoadedDocument) -> None:
    """Units are numbered and named; chunks are spans that hold all their text once, in order."""
    assert document.format in FORMATS
    numbers = [unit.number for unit in document.units]
    assert numbers == sorted(set(numbers)) and numbers[0] >= 1
    split = CHUNKER.split(document)
    for unit in document.units:
        assert unit.kind and unit.label.strip()
        spans = [(chunk.start, chunk.end) for chunk in split if chunk.unit == unit.number]
        assert all(start < end for start, end in spans)
        assert all(one[1] <= other[0] for one, other in pairwise(spans))
        held = "".join(unit.text[start:end] for start, end in spans)
        expected = unit.text if unit.state == "read" else ""
        assert "".join(held.split()) == "".join(expected.split())


def outcome(reader: ReaderProcess, path: Path) -> str:
    try:
        document = reader.load(path)
    except LoadError as error:
        assert error.message and error.hint
        return error.code
    check(document)
    return "read"


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_few_files_of_each_format(folder: str, shared: Shared, reader: ReaderProcess) -> None:
    files = [p for p in sorted(shared(f"corpus/{folder}").iterdir()) if p.stat().st_size < SMALL]
    found = {outcome(reader, path) for path in files[:: max(1, len(files) // FEW)][:FEW]}
    assert found <= {"read", *LOAD_ERRORS}


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["hostile", *FOLDERS])
def test_every_file_of_the_corpus(folder: str, shared: Shared) -> None:
    good = shared("corpus/txt/gen__en__ascii.txt")
    with ReaderProcess() as reader:
        for path in sorted(shared(f"corpus/{folder}").iterdir()):
            assert outcome(reader, path) in {"read", *LOAD_ERRORS}
        assert outcome(reader, good) == "read"


def test_generated_texts_are_read_in_every_encoding(shared: Shared, reader: ReaderProcess) -> None:
    truths = sorted(shared("corpus/txt_truth").iterdir())
    assert truths
    for truth in truths:
        units = reader.load(shared("corpus/txt") / truth.name).units
        text = "\n".join(unit.text for unit in units)
        assert text.split() == truth.read_text("utf-8").split(), truth.name
