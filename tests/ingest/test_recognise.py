"""OCR within a run: after everything else, page by page, never twice, and never at a loss."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import pytest

from rag.catalog import chunks, documents, recognitions
from rag.ingest.pipeline import Summary
from rag.ingest.recognise import Recognised
from rag.ingest.recognised import LEAST_CONFIDENCE, with_recognised
from rag.ingest.remove import remove
from rag.loaders.word_boxes import decode
from rag.types import FileResult, LoadedDocument, Recognition, Unit
from tests.library import Library
from tests.pictures import counted, install, needs_tesseract, only_programs, scanned, written

HERON, TIDE = "The heron stands in the reeds", "The tide comes in at seven"
NOTES = "text:These are the typed notes about the boat and its engine."
posix = pytest.mark.skipif(os.name != "posix", reason="programs as scripts")


@pytest.fixture
def ocr(library: Library) -> Library:
    """A library with a real tesseract."""
    needs_tesseract()
    library.ocr_pages = 200
    return library


@pytest.fixture
def log(library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file with a line for each page that the real tesseract was given."""
    needs_tesseract()
    library.ocr_pages = 200
    counted(tmp_path / "programs", tmp_path / "log")
    with only_programs(tmp_path / "programs", monkeypatch):
        yield tmp_path / "log"


def pages_read(log: Path) -> int:
    return len(log.read_text().splitlines()) if log.exists() else 0


def states(library: Library, name: str) -> dict[str, int]:
    document = library.document(name)
    assert document is not None
    return dict(document.states)


def units(library: Library, name: str) -> list[Unit]:
    document = library.document(name)
    assert document is not None
    with library.catalog.read() as db:
        return documents.units(db, document.id)


# --------------------------------------------------------------------------- what becomes of pages


def test_scanned_pages_are_read_after_all_other_text_is_searchable(ocr: Library) -> None:
    scanned(ocr.folder / "a.pdf", [NOTES, HERON, "", TIDE])
    ocr.write({"z.txt": "A file that comes after it."})
    seen: list[object] = []
    for event in ocr.events(ocr.plan()):
        if isinstance(event, Recognised) and not any(isinstance(e, Recognised) for e in seen):
            assert ocr.found("typed notes boat") == {"a.pdf", "z.txt"}
            assert "Recognised" not in [type(e).__name__ for e in seen]
        seen.append(event)
    results = {Path(e.path).name: e for e in seen if isinstance(e, FileResult)}
    assert len(results) == sum(isinstance(e, FileResult) for e in seen) == 2
    assert [(e.page, e.done, e.pages) for e in seen if isinstance(e, Recognised)] == [
        (0, 0, 2), (2, 1, 2), (4, 2, 2),
    ]  # fmt: skip
    result = results["a.pdf"]
    assert (result.outcome, result.pages, result.pages_without_text) == ("added", 4, 1)
    assert states(ocr, "a.pdf") == {"read": 1, "ocr": 2, "empty": 1}
    (summary,) = [e for e in seen if isinstance(e, Summary)]
    assert (summary.counts, summary.pages_recognised, summary.pages_unread) == ({"added": 2}, 2, 0)
    assert "a.pdf" in ocr.found("heron reeds", 1)


def test_a_page_read_by_ocr_keeps_text_confidence_and_the_places_of_its_words(ocr: Library) -> None:
    scanned(ocr.folder / "a.pdf", [HERON])
    ocr.ingest()
    (unit,) = units(ocr, "a.pdf")
    assert (unit.text, unit.state) == (HERON, "ocr")
    assert unit.ocr_confidence is not None and unit.ocr_confidence > 80
    assert [unit.text[w.start : w.end] for w in decode(unit.char_map)] == HERON.split()
    (hit,) = ocr.retriever.search("heron", 1).hits
    assert hit.chunk.ocr_confidence == unit.ocr_confidence


def test_an_image_is_a_document_of_what_stands_on_it(ocr: Library) -> None:
    written(HERON).save(ocr.folder / "photo.png")
    assert ocr.ingest()["photo.png"].outcome == "added"
    assert ocr.found("heron") == {"photo.png"}


def test_an_attached_image_is_read_too(ocr: Library) -> None:
    message = EmailMessage()
    message["Subject"], message["From"] = "Birds", "a@example.org"
    message.set_content("See the picture.")
    written(HERON).save(ocr.root / "p.png")
    content = (ocr.root / "p.png").read_bytes()
    message.add_attachment(content, maintype="image", subtype="png", filename="p.png")
    results = ocr.fill({"a.eml": bytes(message)})
    assert {name: r.outcome for name, r in results.items()} == {
        "a.eml!p.png": "added", "a.eml": "added",
    }  # fmt: skip
    assert "p.png" in ocr.found("heron")
    assert not ocr.home.taken_out.exists() or not list(ocr.home.taken_out.iterdir())


def test_a_picture_without_words_is_empty_and_not_unread(ocr: Library) -> None:
    written("").save(ocr.folder / "blank.png")
    result = ocr.ingest()["blank.png"]
    assert (result.outcome, result.pages) == ("no_text", 1)
    assert result.error is not None and "has no text" in result.error.message
    assert states(ocr, "blank.png") == {"empty": 1}


@pytest.mark.parametrize(
    ("recognition", "before", "after"),
    [
        (Recognition("e", 90, "words"), "needs_ocr", "ocr"),
        (Recognition("e", 90, "words"), "garbled", "ocr"),
        (Recognition("e", LEAST_CONFIDENCE, "words"), "needs_ocr", "ocr"),
        (Recognition("e", LEAST_CONFIDENCE - 1, "w0rcls"), "needs_ocr", "needs_ocr"),
        (Recognition("e", LEAST_CONFIDENCE - 1, "w0rcls"), "garbled", "garbled"),
        (Recognition("e", None), "needs_ocr", "needs_ocr"),
        (Recognition("e", 0), "needs_ocr", "empty"),
        (Recognition("e", 0), "garbled", "garbled"),
        (Recognition("e", 90, "words"), "read", "read"),
        (Recognition("e", 90, "words"), "empty", "empty"),
    ],
)
def test_only_what_ocr_is_sure_of_takes_the_place_of_a_page(
    recognition: Recognition, before: str, after: str
) -> None:
    text = "as read" if before == "read" else ""
    unit = Unit(1, "page", "page 1", text, state=before)  # type: ignore[arg-type]
    loaded = LoadedDocument("pdf", None, (unit,), "r")
    (found,) = with_recognised(loaded, {1: recognition}).units
    assert found.state == after
    assert found.text == ("words" if after == "ocr" else text)
    assert found.ocr_confidence == (recognition.confidence if after == "ocr" else None)


# --------------------------------------------------------------------------- without, before, again


@posix
def test_without_tesseract_it_is_said_what_waits_and_a_later_one_reads_just_that(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs_tesseract()
    library.ocr_pages = 200
    scanned(library.folder / "a.pdf", [NOTES, HERON])
    written(TIDE).save(library.folder / "b.png")
    with only_programs(tmp_path / "none", monkeypatch):
        results = library.ingest()
        assert [results[name].outcome for name in ("a.pdf", "b.png")] == ["added", "no_text"]
        error = results["b.png"].error
        assert error is not None and "tesseract" in error.hint
        assert states(library, "b.png") == {"needs_ocr": 1}
    assert states(library, "a.pdf") == {"read": 1, "needs_ocr": 1}
    results = library.ingest()
    assert [results[name].outcome for name in ("a.pdf", "b.png")] == ["updated", "added"]
    assert results["a.pdf"].chunks_embedded == 1, "the text that was read before has its vector"
    assert library.found("tide seven", 1) == {"b.png"}


@posix
def test_nothing_is_recognised_twice(log: Path, library: Library) -> None:
    path = scanned(library.folder / "a.pdf", [HERON, TIDE])
    (library.folder / "b.pdf").write_bytes(path.read_bytes())
    library.ingest()
    assert pages_read(log) == 2
    assert states(library, "b.pdf") == {"ocr": 2}
    assert library.ingest()["a.pdf"].outcome == "unchanged"
    path.rename(library.folder / "renamed.pdf")
    (library.folder / "copy.pdf").write_bytes((library.folder / "renamed.pdf").read_bytes())
    library.ingest()
    assert states(library, "renamed.pdf") == states(library, "copy.pdf") == {"ocr": 2}
    with library.lock() as lock, library.catalog.write(lock) as db:
        db.execute("UPDATE documents SET reader = 'an older reader'")
    assert {r.outcome for r in library.ingest().values()} == {"updated"}
    assert states(library, "copy.pdf") == {"ocr": 2}
    assert pages_read(log) == 2


@posix
def test_a_run_that_is_stopped_goes_on_with_the_next_page(log: Path, library: Library) -> None:
    scanned(library.folder / "a.pdf", [HERON, TIDE, "Gulls cry over the harbour"])
    events = library.events(library.plan())
    for event in events:
        if isinstance(event, Recognised) and event.done == 2:
            break
    events.close()
    assert states(library, "a.pdf") == {"needs_ocr": 3}
    assert library.ingest()["a.pdf"].outcome == "added"
    assert states(library, "a.pdf") == {"ocr": 3}
    assert pages_read(log) == 3


@posix
def test_a_page_that_fails_is_left_until_there_is_another_engine(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs_tesseract()
    library.ocr_pages = 200
    scanned(library.folder / "a.pdf", [HERON])
    tries = tmp_path / "tries"
    with only_programs(tmp_path / "broken", monkeypatch) as folder:
        install(folder, f"open({str(tries)!r}, 'a').write('x')\nos.abort()")
        assert library.ingest()["a.pdf"].outcome == "no_text"
        library.ingest()
        assert tries.read_text() == "x"
        install(folder, f"open({str(tries)!r}, 'a').write('x')\nos.abort()", languages="eng deu")
        library.ingest()
        assert tries.read_text() == "xx", "another language may read it"
    assert library.ingest()["a.pdf"].outcome == "added"


@posix
def test_an_engine_that_is_ended_from_outside_stops_ocr_and_nothing_else(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.ocr_pages = 200
    scanned(library.folder / "a.pdf", [NOTES, HERON, HERON, HERON, HERON])
    with only_programs(tmp_path / "killed", monkeypatch) as folder:
        install(folder, "import signal; os.kill(os.getpid(), signal.SIGKILL)")
        results = library.ingest()
    assert results["a.pdf"].outcome == "added"
    with library.catalog.read() as db:
        assert recognitions.untried(db) == 4


@posix
def test_no_more_pages_of_a_document_are_read_than_allowed(log: Path, library: Library) -> None:
    scanned(library.folder / "a.pdf", [HERON, TIDE, HERON])
    scanned(library.folder / "b.pdf", [TIDE])
    library.ocr_pages = 2
    library.ingest()
    library.ingest()
    assert pages_read(log) == 3
    assert states(library, "a.pdf") == {"ocr": 2, "needs_ocr": 1}
    assert states(library, "b.pdf") == {"ocr": 1}
    library.ocr_pages = 3
    library.ingest()
    assert states(library, "a.pdf") == {"ocr": 3}


def test_what_waits_elsewhere_in_the_library_comes_after_the_files_of_a_run(ocr: Library) -> None:
    scanned(ocr.folder / "a.pdf", [HERON])
    ocr.ocr_pages = 0
    ocr.ingest()
    ocr.ocr_pages = 200
    other = scanned(ocr.root / "other" / "z.pdf", [TIDE])
    events = list(ocr.events(ocr.plan(other.parent), "birds"))
    order = [Path(e.path).name for e in events if isinstance(e, Recognised) and e.page]
    assert order == ["z.pdf", "a.pdf"]
    assert [Path(e.path).name for e in events if isinstance(e, FileResult)] == ["z.pdf"]
    document = ocr.document("a.pdf")
    assert document is not None and document.searchable and document.collections == ()


def test_a_file_that_has_changed_since_it_was_read_is_left_to_the_next_run(ocr: Library) -> None:
    path = scanned(ocr.folder / "a.pdf", [HERON])
    ocr.ocr_pages = 0
    ocr.ingest()
    ocr.ocr_pages = 200
    plan = ocr.plan()
    scanned(path, [TIDE])
    list(ocr.events(plan))
    assert states(ocr, "a.pdf") == {"needs_ocr": 1}
    ocr.ingest()
    assert [unit.text for unit in units(ocr, "a.pdf")] == [TIDE]


def test_what_was_recognised_goes_with_its_document(ocr: Library) -> None:
    scanned(ocr.folder / "a.pdf", [HERON])
    ocr.ingest()
    document = ocr.document("a.pdf")
    assert document is not None
    with ocr.lock() as lock:
        remove(ocr.catalog, ocr.home, lock, [document])
    with ocr.catalog.read() as db:
        assert recognitions.of_file(db, document.sha256) == {}
        assert chunks.count(db) == 0
    ocr.catalog.checkpoint()
    assert HERON.encode() not in ocr.home.database.read_bytes()


def test_the_text_of_a_changed_file_is_forgotten(ocr: Library) -> None:
    scanned(ocr.folder / "a.pdf", [HERON])
    ocr.ingest()
    before = ocr.document("a.pdf")
    scanned(ocr.folder / "a.pdf", [TIDE])
    assert ocr.ingest()["a.pdf"].outcome == "updated"
    assert before is not None
    with ocr.catalog.read() as db:
        assert recognitions.of_file(db, before.sha256) == {}


def test_the_language_of_a_document_decides_what_it_is_read_in(ocr: Library) -> None:
    german = "text:Der Reiher steht im Schilf und wartet auf die Flut, die um sieben kommt."
    scanned(ocr.folder / "a.pdf", [german, HERON])
    scanned(ocr.folder / "b.pdf", [HERON])
    ocr.ocr_pages = 0
    ocr.ingest()
    ocr.ocr_pages = 200
    recogniser = ocr.recogniser()
    assert recogniser.engine is not None
    several = replace(recogniser.engine, languages=("deu", "eng", "fra"))
    waiting = replace(recogniser, engine=several).waiting({})
    assert {w.document.name: w.languages for w in waiting} == {
        "a.pdf": ("deu", "eng", "fra"),
        "b.pdf": ("deu", "eng", "fra"),  # the library's other documents are German
    }
    asked = replace(recogniser, engine=several, languages=("fra",)).waiting({})
    assert {w.languages for w in asked} == {("fra",)}
