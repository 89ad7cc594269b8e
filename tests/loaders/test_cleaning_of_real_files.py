"""What each cleaning step takes out of a real file, and that it takes out nothing else."""

import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from rag.loaders import docx, html, odf, odt, pdf, pdf_text, rtf
from rag.loaders.cleaning import clean
from rag.loaders.encoding import decode
from rag.loaders.formats import Reading

Shared = Callable[[str], Path]


def words(reading: Reading) -> Counter[str]:
    return Counter(" ".join(unit.text for unit in reading.units).split())


def taken_out(before: Reading, after: Reading) -> Counter[str]:
    """The words that a step takes out; there must be none that it puts in."""
    assert not words(after) - words(before)
    return words(before) - words(after)


def test_the_navigation_of_a_page(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    path = shared("corpus/html/trafilatura__bund.net-hermlin.html")
    after = html.read(path)
    with monkeypatch.context() as patch:
        patch.setattr(html, "_DROPPED", html._DROPPED.replace("nav,", ""))
        before = html.read(path)
    gone = taken_out(before, after)
    assert {"Atomkraft", "Klimakrise", "Newsletter"} <= gone.keys()
    text = "\n".join(unit.text for unit in after.units)
    assert "Das Hermelin ist im Winter mit seinem weißen Fell gut getarnt." in text
    assert words(after).total() > 500


def test_what_a_page_hides(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    path = shared("corpus/html/trafilatura__mluk.brandenburg.de-erlegungspermie.html")
    after = html.read(path)
    with monkeypatch.context() as patch:
        patch.setattr(html, "_HIDDEN_STYLE", html.re.compile("(?!)"))
        before = html.read(path)
    gone = taken_out(before, after)
    assert "Leertaste" in gone
    assert gone.total() < 0.1 * words(after).total()


def test_what_was_deleted_from_a_document(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    path = shared("corpus/odt/tika__testODFwithOOo3.odt")
    content = zipfile.ZipFile(path).read("content.xml").decode()
    assert "tracked-changes" in content
    after = odt.read(path)
    with monkeypatch.context() as patch:
        patch.setattr(odf, "_NOT_SHOWN", odf._NOT_SHOWN - {"tracked-changes"})
        before = odt.read(path)
    assert taken_out(before, after)
    assert words(after)


def test_the_headers_of_rich_text(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    path = shared("corpus/rtf/tika__testRTF_npeFromWMFInTikaServer.rtf")
    after = rtf.read(path)
    whole = rtf._Document(rtf._SKIPPED)
    whole.take(path.read_bytes())
    gone = taken_out(Reading(None, whole.sections.units()), after)
    assert {"footer"} <= gone.keys()
    assert words(after)


def test_the_hidden_text_of_a_word_document(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = shared("corpus/docx/tika__017097.docx")
    after = docx.read(path)
    with monkeypatch.context() as patch:
        patch.setattr(docx, "_is_hidden", lambda run: False)
        before = docx.read(path)
    assert taken_out(before, after).total() < 0.01 * words(after).total()


def test_marks_that_turn_or_hide_text(shared: Shared) -> None:
    raw = decode(shared("corpus/hostile/gen__zalgo_bidi.txt").read_bytes())
    assert raw is not None and "\u202e" in raw
    cleaned = clean(raw)
    assert "\u202e" not in cleaned and "\u200b" not in cleaned
    hidden = "\u202e\u202c\u200b\u200e\u200f\ufeff\r\U000e0041"
    kept = "".join(character for character in raw if character not in hidden)
    assert cleaned.replace("\n", "") == kept.replace("\n", "")


# --- PDF


def lines(reading: Reading) -> list[list[str]]:
    """The lines of each page, without the white space around them."""
    return [[line.strip() for line in unit.text.splitlines()] for unit in reading.units]


def test_the_running_lines_of_a_report(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    path = shared("eval/mmlongbench/docs/Independents-Report.pdf")
    after = pdf.read(path)
    with monkeypatch.context() as patch:
        patch.setattr(pdf, "running_lines", lambda pages: [()] * len(pages))
        before = pdf.read(path)
    gone = taken_out(before, after)
    assert gone["www.pewresearch.org"] == 20
    assert set(gone) == {
        "PEW",
        "RESEARCH",
        "CENTER",
        "www.pewresearch.org",
        *map(str, range(3, 24)),
    }
    # The name also stands below every chart, and there it stays.
    counts = [
        sum(page.count("PEW RESEARCH CENTER") for page in lines(reading))
        for reading in (before, after)
    ]
    assert counts[0] - counts[1] == 20 and counts[1] > 10


def test_the_running_lines_of_a_paper_with_writing_up_its_margin(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = shared("eval/mmlongbench/docs/tacl_a_00660.pdf")
    after = pdf.read(path)
    with monkeypatch.context() as patch:
        patch.setattr(pdf, "running_lines", lambda pages: [()] * len(pages))
        before = pdf.read(path)
    gone = taken_out(before, after)
    assert gone["Downloaded"] == 22 and words(after)["Downloaded"] == 1
    assert gone.total() < 0.02 * words(before).total()


def test_the_table_of_a_statement_keeps_its_header_on_every_page(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = shared("eval/financebench/docs/JOHNSON_JOHNSON_2022Q4_EARNINGS.pdf")
    after = pdf.read(path)
    with monkeypatch.context() as patch:
        patch.setattr(pdf, "running_lines", lambda pages: [()] * len(pages))
        before = pdf.read(path)
    assert set(taken_out(before, after)) == {"Johnson", "&", "and", "Subsidiaries"}
    header = "FOURTH QUARTER TWELVE MONTHS"
    count = [sum(header in page for page in lines(reading)) for reading in (before, after)]
    assert count[0] == count[1] >= 5


def test_a_page_whose_columns_share_lines(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    path = shared("eval/mmlongbench/docs/698bba535087fa9a7f9009e172a7f763.pdf")
    after = pdf.read(path)
    with monkeypatch.context() as patch:
        patch.setattr(pdf_text, "in_reading_order", lambda text, lines, places: lines)
        before = pdf.read(path)
    assert words(before) == words(after)
    changed = [
        unit.number
        for unit, other in zip(after.units, before.units, strict=True)
        if unit.text != other.text
    ]
    assert changed == [17]
    across = "designed as T-Towns. In early Bromfield, Nebraska’s"
    down = "designed as T-Towns. In early town planning Main Street often began at the tracks"
    texts = [" ".join(reading.units[16].text.split()) for reading in (before, after)]
    assert [across in text for text in texts] == [True, False]
    assert [down in text for text in texts] == [False, True]


def test_words_divided_at_the_ends_of_lines(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = shared("eval/mmlongbench/docs/2023.acl-long.386.pdf")
    after = " ".join(unit.text for unit in pdf.read(path).units)
    with monkeypatch.context() as patch:
        patch.setattr(pdf_text, "mended", lambda text, words: text)
        before = " ".join(unit.text for unit in pdf.read(path).units)
    for wrong, right in (("incontext", "in-context"), ("fewshot", "few-shot")):
        assert before.count(wrong) > after.count(wrong) and before.count(right) < after.count(right)
    assert before.count("reasoning") == after.count("reasoning") > 50


def test_what_nobody_sees_on_the_pages_of_a_report(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf, "running_lines", lambda pages: [()] * len(pages))
    path = shared("eval/mmlongbench/docs/f86d073b0d735ac873a65d906ba82758.pdf")
    after = pdf.read(path)
    with monkeypatch.context() as patch:
        patch.setattr(pdf_text, "hidden_characters", lambda page, textpage: frozenset())
        before = pdf.read(path)
    gone = taken_out(before, after)
    assert len([word for word in gone if word.startswith("I0400_ITC-AR-07_Page-")]) == 20
    assert after.hidden_characters == sum(len(word) * count for word, count in gone.items())
    assert before.hidden_characters == 0
