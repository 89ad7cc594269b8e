"""Pages read by tesseract: the real one where it is installed, and programs that misbehave."""

from __future__ import annotations

import io
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from PIL import Image

from rag.errors import LoadError
from rag.ingest.recognised import LEAST_CONFIDENCE
from rag.loaders import tesseract
from rag.loaders.picture import as_png
from rag.loaders.tesseract import Tesseract
from rag.loaders.word_boxes import WHOLE, decode
from rag.loaders.worker import ReaderProcess
from rag.types import Recognition
from tests.pictures import install, marked_box, needs_tesseract, only_programs, written

PAGE = "The heron stands in the reeds\nand waits for the tide.\n\nA second paragraph."
HEAD = "level page_num block_num par_num line_num word_num left top width height conf text"

posix = pytest.mark.skipif(os.name != "posix", reason="limits of POSIX")


@pytest.fixture
def engine() -> Tesseract:
    needs_tesseract()
    found = tesseract.installed()
    assert found is not None
    return found


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with only_programs(tmp_path / "programs", monkeypatch) as folder:
        yield folder


def recognised(tmp_path: Path, text: str = PAGE) -> Recognition:
    found = tesseract.installed()
    assert found is not None
    return found.recognise(as_png(written(text)), ("eng",), tmp_path / "work")


def table(*words: tuple[int, int, int, str, str]) -> str:
    """What tesseract writes about words: block, line, number, confidence, text, 10 pixels each."""
    rows = ["1 1 0 0 0 0 0 0 1000 500 -1 ", *(
        f"5 1 {block} 1 {line} {number} {100 * number} {50 * line} 90 40 {confidence} {text}"
        for block, line, number, confidence, text in words
    )]  # fmt: skip
    return "\n".join(row.replace(" ", "\t") for row in [HEAD, *rows])


def from_table(text: str) -> Recognition:
    return tesseract._read("test", text)


# --------------------------------------------------------------------------- the real one


def test_a_page_is_read_in_lines_and_paragraphs_with_its_confidence(
    engine: Tesseract, tmp_path: Path
) -> None:
    found = recognised(tmp_path)
    assert found.text == PAGE
    assert found.confidence is not None and found.confidence > 80
    assert found.engine == f"tesseract {engine.version} eng"
    assert list((tmp_path / "work").iterdir()) == []


def test_the_boxes_of_words_lie_where_the_words_do(engine: Tesseract, tmp_path: Path) -> None:
    found = recognised(tmp_path)
    picture = written(PAGE)
    words = {found.text[word.start : word.end]: word.box for word in decode(found.boxes)}
    assert set(words) == set(re.findall(r"\S+", PAGE))
    left, top, _, bottom = words["heron"]
    assert 0.5 < left * picture.width / WHOLE / 185 < 2
    assert abs((top + bottom) / 2 * picture.height / WHOLE - 125) < 25
    assert words["waits"][1] > bottom


def test_a_page_without_a_word_has_no_text_and_has_not_failed(
    engine: Tesseract, tmp_path: Path
) -> None:
    found = recognised(tmp_path, "")
    assert (found.text, found.confidence, found.boxes) == ("", 0, b"")


# --------------------------------------------------------------------------- the table of words


def test_the_confidence_is_the_mean_of_the_words_and_unsure_words_stay() -> None:
    found = from_table(table((1, 1, 1, "96.5", "good"), (1, 1, 2, "12.5", "gcod")))
    assert (found.text, found.confidence) == ("good gcod", 54)


def test_a_hyphen_at_the_end_of_a_line_is_mended_and_its_boxes_stay() -> None:
    found = from_table(
        table((1, 1, 1, "90", "exam-"), (1, 2, 1, "90", "ple"), (1, 3, 1, "90", "pH-"),
              (2, 1, 1, "90", "new"))
    )  # fmt: skip
    assert found.text == "example\npH-\n\nnew"
    spans = [(word.start, word.end) for word in decode(found.boxes)]
    assert [found.text[start:end] for start, end in spans] == ["exam", "ple", "pH-", "new"]


def test_scripts_without_spaces_get_none() -> None:
    found = from_table(table((1, 1, 1, "90", "汉"), (1, 1, 2, "90", "字"), (1, 1, 3, "90", "A4")))
    assert found.text == "汉字 A4"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\tb\n1\t2",
        table((1, 1, 1, "many", "x")),
        "\n".join(table((1, 1, 1, "9", "x")).split("\n")[::2]),
    ],
)
def test_a_table_of_another_form_is_a_failure_or_nothing(text: str) -> None:
    assert from_table(text).text == ""


# --------------------------------------------------------------------------- which languages


@pytest.mark.parametrize(
    ("wanted", "language", "chosen"),
    [
        ((), None, ("eng", "deu", "fra")),
        ((), "fr-CA", ("fra", "eng", "deu")),
        ((), "ja", ("eng", "deu", "fra")),
        (("spa", "deu"), "en", ("spa", "deu")),
        (("tlh",), "de", ("deu", "eng", "fra")),
        (("tlh", "deu"), None, ("deu",)),
    ],
)
def test_languages_are_those_asked_for_else_the_documents_then_english_then_others(
    wanted: tuple[str, ...], language: str | None, chosen: tuple[str, ...]
) -> None:
    engine = Tesseract("tesseract", "5", ("deu", "eng", "fra", "spa"))
    assert engine.chosen(wanted, language) == chosen


@posix
def test_what_is_installed_is_asked_of_the_program(programs: Path) -> None:
    assert tesseract.installed() is None
    install(programs, "", languages="deu eng osd script/Latin", version="v5.3.0-20")
    found = tesseract.installed()
    assert found is not None
    assert (found.version, found.languages) == ("5.3.0-20", ("deu", "eng"))
    install(programs, "", languages="osd")
    assert tesseract.installed() is None


# --------------------------------------------------------------------------- programs that misbehave


@posix
def test_a_program_that_hangs_is_stopped_with_all_it_started(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid = tmp_path / "pid"
    install(
        programs,
        f"if os.fork() == 0: open({str(pid)!r}, 'w').write(str(os.getpid()))\ntime.sleep(60)",
    )
    monkeypatch.setattr(tesseract, "SECONDS", 2)
    started = time.monotonic()
    assert recognised(tmp_path).confidence is None
    assert time.monotonic() - started < 30
    child = int(pid.read_text())
    assert gone(child), "it was killed, which takes a busy machine a moment"


def gone(pid: int) -> bool:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False


@posix
@pytest.mark.parametrize(
    "body",
    [
        "sys.exit(1)",
        "os.abort()",
        "open('page.tsv', 'wb').write(bytes(range(256)))",
        "open('page.tsv', 'w').write('x' * 30_000_000)",
        "while True: pass",
    ],
)
def test_a_page_that_it_fails_on_has_no_confidence(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    install(programs, body)
    monkeypatch.setattr(tesseract, "SECONDS", 2)
    found = recognised(tmp_path)
    assert (found.text, found.confidence) == ("", None)


@posix
def test_what_ends_it_from_outside_is_no_failure_of_the_page(
    programs: Path, tmp_path: Path
) -> None:
    install(programs, "import signal; os.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(LoadError, match="something ended it"):
        recognised(tmp_path)


@posix
def test_it_runs_on_one_core_and_sees_a_home_of_its_own(programs: Path, tmp_path: Path) -> None:
    said = tmp_path / "said"
    names = "[os.environ['OMP_THREAD_LIMIT'], os.environ['HOME'], os.getcwd()]"
    install(programs, f"open({str(said)!r}, 'w').write('\\n'.join({names}))")
    recognised(tmp_path)
    threads, home, here = said.read_text().split("\n")
    assert (threads, home) == ("1", here)
    assert Path(home).parent == tmp_path / "work"


# --------------------------------------------------------------------------- real scans


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("pdf/OCRmyPDF__linn.pdf", "state-of-the-art composition and performance tool"),
        ("pdf/OCRmyPDF__ccitt.pdf", "the"),
        ("image/OCRmyPDF__typewriter.png", "bloem, boter"),
        ("image/python-docx__thumbnail.jpeg", "python-docx was here!"),
    ],
)
def test_real_scans_and_images_are_read(
    engine: Tesseract, shared: Callable[[str], Path], reader: ReaderProcess, tmp_path: Path,
    name: str, words: str,
) -> None:  # fmt: skip
    path = shared(f"corpus/{name}")
    (unit,) = reader.load(path).units
    assert unit.state == "needs_ocr"
    found = engine.recognise(reader.scan(path, 1), ("eng",), tmp_path)
    assert words in " ".join(found.text.split())
    assert found.confidence is not None and found.confidence >= LEAST_CONFIDENCE
    read = replace(unit, state="ocr", text=found.text, char_map=found.boxes)
    start = found.text.index(words.split()[0])
    png = reader.render(path, read, [(start, start + 3)])
    assert marked_box(Image.open(io.BytesIO(png))) is not None


def test_a_real_picture_without_words_is_none(
    engine: Tesseract, shared: Callable[[str], Path], reader: ReaderProcess, tmp_path: Path
) -> None:
    path = shared("corpus/image/python-docx__jfif-iguana.jpg")
    found = engine.recognise(reader.scan(path, 1), ("eng",), tmp_path)
    assert (found.text, found.confidence) == ("", 0)
