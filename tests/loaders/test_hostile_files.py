"""Every hostile file ends in one named outcome, and the program and the next file are unharmed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rag.errors import LOAD_ERRORS, LoadError
from rag.loaders.worker import ReaderProcess

Shared = Callable[[str], Path]
SOME = {
    "gen__zero.pdf": "no_text",
    "gen__onlyheader.pdf": "damaged",
    "gen__random.pdf": "damaged",
    "gen__trunc50_0.pdf": "damaged",
    "gen__pages_50k.pdf": "too_large",
    "gen__enc_user256_1.pdf": "needs_password",
    "gen__wrongext_is_html.pdf": "read",
    "gen__wrongext_is_docx.pdf": "unsupported",
    "gen__pagetree_deep.pdf": "no_text",
    "gen__whitespace.txt": "no_text",
    "gen__flatebomb_400MB.pdf": "no_text",
}


def outcome(reader: ReaderProcess, path: Path) -> str:
    try:
        document = reader.load(path)
    except LoadError as error:
        assert error.message and error.subject == str(path)
        return error.code
    assert any(unit.state == "read" for unit in document.units)
    return "read"


def test_hostile_files_end_in_their_outcome(reader: ReaderProcess, shared: Shared) -> None:
    folder = shared("corpus/hostile")
    assert {name: outcome(reader, folder / name) for name in SOME} == SOME


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["hostile", "pdf", "html", "md", "txt", "csv", "xml", "docx"])
def test_every_file_of_the_corpus_ends_in_one_outcome(folder: str, shared: Shared) -> None:
    good = shared("corpus/txt/gen__en__ascii.txt")
    with ReaderProcess() as reader:
        for path in sorted(shared(f"corpus/{folder}").iterdir()):
            assert outcome(reader, path) in {"read", *LOAD_ERRORS}
        assert outcome(reader, good) == "read"
