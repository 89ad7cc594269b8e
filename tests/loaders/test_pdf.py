import random
import re
from collections.abc import Callable
from pathlib import Path

import pypdfium2
import pytest

from rag.errors import Damaged, NeedsPassword, NoText, TooLarge
from rag.loaders import pdf, pdf_second_try, pdf_text
from rag.loaders.charmap import char_ranges, decode_map
from rag.loaders.loading import load
from rag.loaders.pdf_picture import highlight_rects
from rag.types import LoadedDocument

Shared = Callable[[str], Path]
MakePdf = Callable[..., Path]
TEXT = "The committee met on 3 May and decided to renew the contract for two years."


def squeezed(text: str) -> str:
    return re.sub(r"[\s\x00-\x1f\ufffe]+", "", text)


def test_one_unit_per_page_with_its_number(make_pdf: MakePdf) -> None:
    document = load(make_pdf([TEXT, TEXT + " Again.", "Only a few."]))
    assert [(u.number, u.kind, u.label, u.state) for u in document.units] == [
        (1, "page", "page 1", "read"),
        (2, "page", "page 2", "read"),
        (3, "page", "page 3", "read"),
    ]
    assert document.units[1].text.split() == (TEXT + " Again.").split()
    assert "\r" not in document.units[0].text


def test_the_title_is_taken_only_if_the_first_pages_bear_it_out(make_pdf: MakePdf) -> None:
    shown = make_pdf(["Annual\nReport 2024\n" + TEXT], title="ANNUAL REPORT  2024")
    assert load(shown).title == "ANNUAL REPORT 2024"
    assert load(make_pdf([TEXT], title="Microsoft Word - final2.doc")).title is None
    assert load(make_pdf([TEXT], title="May")).title is None


def test_a_code_point_of_two_units_is_one_and_keeps_its_place(raw_pdf: Callable[..., Path]) -> None:
    path = raw_pdf("An A stands for a face.", {"A": "D83DDE00", "z": "007A"})
    (unit,) = load(path).units
    assert unit.text == "\U0001f600n \U0001f600 stands for a face.\nThe second line."
    pieces = decode_map(unit.char_map)
    page = pypdfium2.PdfDocument(path)[0].get_textpage()
    for place, character in enumerate(unit.text):
        ((index, count),) = char_ranges(pieces, place, place + 1) or [(None, 0)]
        if ord(character) < 0xFFFF and count:
            shown = page.get_text_range(index, count)
            assert shown in (character, "\r" if character == "\n" else character)


def test_characters_missing_from_the_text_do_not_shift_the_map(
    raw_pdf: Callable[..., Path],
) -> None:
    path = raw_pdf("XXwXords come after XcontrolX characters", {"X": "0003", "~": "007E"})
    (unit,) = load(path).units
    assert unit.text.startswith("words come after control characters")
    start = unit.text.index("control")
    (rect,) = highlight_rects(path, 1, unit.char_map, [(start, start + 7)])
    page = pypdfium2.PdfDocument(path)[0].get_textpage()
    assert squeezed(page.get_text_bounded(*rect)) == "control"


def test_two_thousand_leading_control_characters_are_no_trouble(
    raw_pdf: Callable[..., Path],
) -> None:
    path = raw_pdf("X" * 2000 + "The words after them are read.", {"X": "0003", "~": "007E"})
    assert load(path).units[0].text.startswith("The words after them")


def test_a_page_of_private_characters_is_garbled(raw_pdf: Callable[..., Path]) -> None:
    letters = {chr(code): f"E0{code:02X}" for code in range(97, 123)}
    (unit,) = load(raw_pdf("these words cannot be read by anyone", letters)).units
    assert unit.state == "garbled"


def test_a_password_is_asked_for_and_an_owner_password_is_not(make_pdf: MakePdf) -> None:
    with pytest.raises(NeedsPassword):
        load(make_pdf([TEXT], password="secret"))
    from fpdf import FPDF

    document = FPDF()
    document.set_encryption(owner_password="owner")
    document.add_page()
    document.set_font("helvetica")
    document.multi_cell(0, text=TEXT)
    path = make_pdf([TEXT], name="owner.pdf")
    document.output(str(path))
    assert load(path).units[0].text.split() == TEXT.split()


def test_a_picture_without_text_needs_ocr(tmp_path: Path) -> None:
    from PIL import Image

    path = tmp_path / "scan.pdf"
    Image.new("RGB", (200, 200), "grey").save(path)
    (unit,) = load(path).units
    assert (unit.state, unit.text) == ("needs_ocr", "")


def test_a_page_without_anything_on_it_is_empty_and_a_few_words_alone_are_read(
    make_pdf: MakePdf,
) -> None:
    states = [unit.state for unit in load(make_pdf([TEXT, "", "Part 2"])).units]
    assert states == ["read", "empty", "read"]
    with pytest.raises(NoText):
        load(make_pdf(["", ""], name="blank.pdf"))


def test_a_scanned_page_among_others_needs_ocr(tmp_path: Path) -> None:
    from fpdf import FPDF
    from PIL import Image

    document = FPDF()
    document.set_font("helvetica")
    document.add_page()
    document.multi_cell(0, text=TEXT)
    document.add_page()
    document.image(Image.new("RGB", (50, 50), "grey"))
    document.cell(text="page 2")
    path = tmp_path / "mixed.pdf"
    document.output(str(path))
    assert [unit.state for unit in load(path).units] == ["read", "needs_ocr"]


def test_a_truncated_file_is_damaged(make_pdf: MakePdf) -> None:
    path = make_pdf([TEXT])
    path.write_bytes(b"%PDF-1.4\nnothing else")
    with pytest.raises(Damaged):
        load(path)


def test_too_many_pages_or_characters_are_refused(
    make_pdf: MakePdf, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_pdf([TEXT] * 3)
    monkeypatch.setattr(pdf, "MAX_PAGES", 2)
    with pytest.raises(TooLarge, match="3 pages"):
        load(path)
    monkeypatch.setattr(pdf, "MAX_PAGES", 5)
    monkeypatch.setattr(pdf, "MAX_CHARACTERS", 100)
    with pytest.raises(TooLarge):
        load(path)


def test_pypdf_reads_what_pdfium_finds_empty_and_gives_no_map(
    make_pdf: MakePdf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf, "raw_page", lambda page: pdf_text.BLANK)
    (unit,) = load(make_pdf([TEXT])).units
    assert unit.text.split() == TEXT.split()
    assert unit.char_map == b""


def test_pypdf_gives_up_a_long_scan_after_a_few_pages(make_pdf: MakePdf) -> None:
    texts = pdf_second_try.page_texts(make_pdf([""] * 14 + [TEXT]))
    assert len(texts) == 15 and not any(texts)


# --- promises checked on real documents


@pytest.fixture(scope="session")
def real(shared: Shared) -> dict[Path, LoadedDocument]:
    folder = shared("eval/mmlongbench/docs")
    names = ["2023.acl-long.386", "2303.08559v2", "Independents-Report", "tacl_a_00660", "watch_d"]
    return {path: load(path) for path in (folder / f"{name}.pdf" for name in names)}


def test_the_text_in_the_highlights_of_real_pages_is_the_quote(
    real: dict[Path, LoadedDocument],
) -> None:
    chooser = random.Random(3)
    right = wrong = 0
    for path, document in real.items():
        for unit in chooser.sample([u for u in document.units if len(u.text) > 400], 6):
            page = pypdfium2.PdfDocument(path)[unit.number - 1].get_textpage()
            words = [m.span() for m in re.finditer(r"\S+", unit.text)]
            for _ in range(5):
                first = chooser.randrange(len(words) - 25)
                start, end = words[first][0], words[first + chooser.randrange(1, 25)][1]
                rects = highlight_rects(path, unit.number, unit.char_map, [(start, end)])
                shown = "".join(page.get_text_bounded(*rect) for rect in rects)
                right += squeezed(shown) == squeezed(unit.text[start:end])
                wrong += squeezed(shown) != squeezed(unit.text[start:end])
    # Boxes of neighbouring letters overlap on a few pages (kerning, formulas): pdfium then
    # reads one letter more than was marked.
    assert right >= 130 and wrong <= 0.04 * right


def test_the_map_leads_to_the_same_characters_on_every_real_page(
    real: dict[Path, LoadedDocument],
) -> None:
    differing = 0
    for path, document in real.items():
        with pypdfium2.PdfDocument(path) as opened:
            for unit in document.units:
                page = opened[unit.number - 1].get_textpage()
                raw = page.get_text_range()
                differing += len(raw) != page.count_chars()
                pieces = decode_map(unit.char_map)
                assert sum(piece.length for piece in pieces) == len(unit.text)
                for piece in pieces[:: max(1, len(pieces) // 30)]:
                    stored = unit.text[piece.text_start : piece.text_start + piece.length]
                    read = page.get_text_range(piece.source_start, piece.length)
                    assert read == _as_pdfium_has_it(stored, read)
    assert differing >= 3, "no page was met where characters and text differ"


def _as_pdfium_has_it(stored: str, read: str) -> str:
    """Stored text with pdfium's line ends and its marks for hyphens at the end of a line."""
    assert len(stored) == len(read)
    pairs = zip(stored, read, strict=True)
    return "".join(b if (a, b) in (("\n", "\r"), ("-", "\ufffe")) else a for a, b in pairs)


def test_garbled_pages_of_a_real_document_are_told_from_read_ones(shared: Shared) -> None:
    document = load(shared("eval/mmlongbench/docs/afe620b9beac86c1027b96d31d396407.pdf"))
    assert [unit.state for unit in document.units] == ["garbled"] * 7 + ["read"] * 13
