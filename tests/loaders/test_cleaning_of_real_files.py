"""What each cleaning step takes out of a real file, and that it takes out nothing else."""

import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from rag.loaders import docx, html, odf, odt, rtf
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
