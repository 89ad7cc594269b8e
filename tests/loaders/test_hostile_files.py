"""Every hostile file ends in one named outcome, and the program and the next file are unharmed."""

from collections.abc import Callable
from pathlib import Path

from rag.errors import LoadError
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
    "gen__wrongext_is_docx.pdf": "read",
    "gen__billionlaughs.docx": "damaged",
    "gen__deep_xml.docx": "damaged",
    "gen__xxe.docx": "damaged",
    "gen__zipbomb_250MB.docx": "too_large",
    "gen__zipbomb_250MB.xlsx": "too_large",
    "gen__trunc90_1.odt": "damaged",
    "unstructured__password_protected.xlsx": "needs_password",
    "gen__pagetree_deep.pdf": "needs_ocr",
    "gen__whitespace.txt": "no_text",
    "gen__flatebomb_400MB.pdf": "no_text",
}


def outcome(reader: ReaderProcess, path: Path) -> str:
    try:
        document = reader.load(path)
    except LoadError as error:
        assert error.message and error.subject == str(path)
        return error.code
    if any(unit.state == "read" for unit in document.units):
        return "read"
    assert document.pages_unread
    return "needs_ocr"


def test_hostile_files_end_in_their_outcome(reader: ReaderProcess, shared: Shared) -> None:
    folder = shared("corpus/hostile")
    assert {name: outcome(reader, folder / name) for name in SOME} == SOME
