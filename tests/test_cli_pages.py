"""Coverage and page pictures on the command line: what is unread and why, and what a page looks like."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from conftest import NOWHERE
from PIL import Image

from rag.assistant import open_assistant
from rag.config import load_settings
from tests.pictures import marked_box, needs_tesseract, only_programs, scanned, written
from tests.program import Ran, run_here

HERON = "The heron stands in the reeds"
NOTES = "text:These are the typed notes about the boat and its engine."
Rag = Callable[..., Ran]


@pytest.fixture
def rag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Rag:
    """`rag` on a library of the test's own."""
    monkeypatch.setenv("RAG_ENGINE", "embedded")
    monkeypatch.setenv("RAG_OLLAMA_HOST", NOWHERE)
    monkeypatch.chdir(tmp_path)
    run = partial(run_here, monkeypatch=monkeypatch, capsys=capsys)
    return lambda *arguments: run(arguments)


@pytest.fixture(scope="module")
def recognised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of a PDF of typed and scanned pages, and an image; OCR has run. To be read only."""
    needs_tesseract()
    folder = tmp_path_factory.mktemp("scans")
    scanned(folder / "a.pdf", [NOTES, HERON, "A second scanned page", NOTES, "", HERON])
    written(HERON).save(folder / "b.png")
    settings = load_settings({"home": folder / "home", "engine": "embedded"}, {})
    with closing(open_assistant(settings)) as assistant:
        list(assistant.ingest(assistant.plan([folder / "a.pdf", folder / "b.png"])))
    return folder


@pytest.fixture
def scans(recognised: Path, rag: Rag, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of that library, which `rag` uses."""
    monkeypatch.setenv("RAG_HOME", str(recognised / "home"))
    return recognised


def picture(path: Path) -> Image.Image:
    return Image.open(io.BytesIO(path.read_bytes()))


# --------------------------------------------------------------------------- coverage


def test_what_was_read_by_ocr_is_told_everywhere(scans: Path, rag: Rag) -> None:
    shown = rag("documents", "show", str(scans / "a.pdf"))
    assert "Pages 2–3, 6: read by OCR, 9" in shown.out and "Page 5: blank" in shown.out
    assert "page 2: 29 characters, read by OCR, 9" in shown.out
    status = rag("status", "--json").json
    assert status["states"] == {"read": 2, "ocr": 4, "empty": 1, "garbled": 0, "needs_ocr": 0}
    assert (status["pages_unread"], status["ocr"][:9]) == (0, "tesseract")
    hit = rag("search", "heron", "--json").json["hits"][0]
    assert hit["ocr_confidence"] > 80
    assert "(read by OCR, 9" in rag("search", "heron").out
    answer = rag("ask", "Where does the heron stand?", "--json").json
    assert answer["statements"][0]["citations"][0]["ocr_confidence"] > 80
    assert {p["ocr_confidence"] is None for p in answer["passages"]} == {True, False}
    told = rag("ask", "Where does the heron stand?").out
    assert "(read by OCR, 9" in told and "the library read 2 of 2 files." in " ".join(told.split())


def test_what_is_unread_is_told_with_its_pages_and_what_would_help(
    tmp_path: Path, rag: Rag, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = scanned(tmp_path / "scans" / "a.pdf", [NOTES, HERON, HERON, NOTES, "", HERON])
    with only_programs(tmp_path / "none", monkeypatch):
        ran = rag("ingest", str(path))
        assert "3 pages are unread" in ran.err and "install tesseract" in ran.err.lower()
        assert "Pages 2–3, 6: a picture without text" in rag("documents", "show", str(path)).out
        assert "read, 3 pages unread" in rag("documents", "list").out
        status = rag("status")
        assert "Read 1 of 1 file; 3 pages unread" in status.out and "no tesseract" in status.out
        (document,) = rag("documents", "list", "--json").json["documents"]
        assert (document["pages"], document["pages_unread"], document["pages_without_text"]) == (
            6,
            3,
            4,
        )
        assert document["states"]["needs_ocr"] == 3
        units = rag("documents", "show", str(path), "--json").json["units"]
        assert [unit["state"] for unit in units].count("needs_ocr") == 3
        assert "; 3 pages unread." in rag("ask", "What are the notes about?").out
        coverage = rag("ask", "What are the notes about?", "--json").json["coverage"]
        assert (coverage["documents_read"], coverage["pages_unread"]) == (1, 3)


def test_ocr_is_left_out_where_that_is_asked_for(tmp_path: Path, rag: Rag) -> None:
    needs_tesseract()
    path = scanned(tmp_path / "scans" / "a.pdf", [NOTES, HERON])
    *_, end = rag("ingest", str(path), "--no-ocr", "--json").lines
    assert (end["summary"]["pages_recognised"], end["summary"]["pages_unread"]) == (0, 1)
    assert "rag ingest goes on with 1 of them" in rag("status").err
    *_, end = rag("ingest", str(path), "--ocr-pages", "0", "--json").lines
    assert end["summary"]["pages_recognised"] == 0
    file, end = rag("ingest", str(path), "--json").lines
    assert (file["outcome"], file["pages_without_text"]) == ("updated", 0)
    assert (end["summary"]["pages_recognised"], end["summary"]["pages_unread"]) == (1, 0)


# --------------------------------------------------------------------------- rag page


def test_a_page_of_a_pdf_is_drawn_with_the_quote_marked(scans: Path, rag: Rag) -> None:
    plain = rag("page", str(scans / "a.pdf"), "1", "--json").json
    assert (plain["drawn_from"], plain["reason"], plain["label"]) == ("file", None, "page 1")
    assert marked_box(picture(Path("a-page-1.png"))) is None
    quoted = rag(
        "page", str(scans / "a.pdf"), "1", "--quote", "typed   notes", "--out", "q.png", "--json"
    ).json
    assert quoted["end"] - quoted["start"] == len("typed notes")
    left, top, right, bottom = marked_box(picture(Path("q.png"))) or (0, 0, 0, 0)
    assert right - left > 60 and 10 < bottom - top < 30
    span = f"{quoted['start']}:{quoted['end']}"
    rag("page", str(scans / "a.pdf"), "1", "--highlight", span, "--out", "h.png")
    assert Path("h.png").read_bytes() == Path("q.png").read_bytes()


@pytest.mark.parametrize(("name", "number"), [("a.pdf", "2"), ("b.png", "1")])
def test_the_words_that_ocr_read_are_marked_where_they_stand(
    scans: Path, rag: Rag, name: str, number: str
) -> None:
    made = ("--out", "out.png", "--json")
    drawn = rag("page", str(scans / name), number, "--quote", "stands in the reeds", *made).json
    assert drawn["drawn_from"] == "file" and drawn["ocr_confidence"] > 80
    shown = picture(Path("out.png"))
    box = marked_box(shown)
    assert box is not None
    ink = shown.convert("L").point(lambda value: 255 * (value < 100))
    letters = ink.getbbox()
    assert letters is not None
    assert box[0] > letters[0] + 0.2 * (letters[2] - letters[0]), "the first word is not marked"
    assert box[2] >= letters[2] - 3 and box[1] <= letters[1] + 3 and box[3] >= letters[3] - 8


def test_of_other_formats_and_of_changed_files_the_stored_text_is_drawn(
    rag: Rag, tmp_path: Path
) -> None:
    notes, path = tmp_path / "notes.md", scanned(tmp_path / "a.pdf", [NOTES])
    notes.write_text("# Boats\n\nThe engine is old.")
    rag("ingest", str(notes), str(path))
    drawn = rag("page", str(notes), "1", "--quote", "engine is old", "--json").json
    assert (drawn["drawn_from"], drawn["reason"]) == ("text", None)
    assert marked_box(picture(Path("notes-page-1.png"))) is not None
    scanned(path, ["text:Something else entirely."])
    ran = rag("page", str(path), "1", "--quote", "typed notes")
    assert "has changed or is gone since it was read" in ran.err
    assert marked_box(picture(Path("a-page-1.png"))) is not None


def test_dots_per_inch_and_standard_output(scans: Path) -> None:
    command = [sys.executable, "-m", "rag", "page", str(scans / "a.pdf"), "1"]
    png = subprocess.run(
        [*command, "--dpi", "36", "--out", "-"], check=True, stdout=subprocess.PIPE
    )
    assert Image.open(io.BytesIO(png.stdout)).size == (298, 421)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("nowhere.pdf", "1"), 8, "has no document"),
        (("a.pdf", "7"), 2, "has 6 pages or sections: there is no number 7"),
        (("a.pdf", "0"), 2, "no number 0"),
        (("a.pdf", "1", "--highlight", "5"), 2, "5 is no range"),
        (("a.pdf", "1", "--highlight", "9:3"), 2, "is no range"),
        (("a.pdf", "1", "--highlight", "0:9999"), 2, "It has "),
        (("a.pdf", "1", "--quote", "penguins"), 2, "do not stand in page 1"),
        (("a.pdf", "1", "--quote", "a", "--highlight", "0:1"), 2, "Give one of them"),
        (("a.pdf", "1", "--out", "nowhere/x.png"), 2, "no folder nowhere"),
        (("a.pdf", "1", "--out", "-", "--json"), 2, "cannot take both"),
    ],
)
def test_what_cannot_be_drawn_is_said(
    scans: Path, rag: Rag, arguments: tuple[str, ...], code: int, said: str
) -> None:
    file, *rest = arguments
    ran = rag("page", str(scans / file), *rest)
    assert ran.code == code
    assert said in ran.err + ran.out
    assert not list(Path().glob("*.png"))


def test_a_file_that_is_there_is_replaced_only_where_it_is_named(scans: Path, rag: Rag) -> None:
    Path("a-page-1.png").write_text("mine")
    assert rag("page", str(scans / "a.pdf"), "1").code == 2
    assert Path("a-page-1.png").read_text() == "mine"
    assert rag("page", str(scans / "a.pdf"), "1", "--out", "a-page-1.png").code == 0
    assert picture(Path("a-page-1.png")).format == "PNG"
