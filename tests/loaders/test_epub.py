"""Books: chapters in the order of the book, under their own headings or those of the contents."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from rag.errors import Damaged, NeedsPassword
from rag.loaders.epub import read
from rag.loaders.loading import load
from tests.loaders.samples import archive

Write = Callable[[str, str | bytes], Path]
NAV = '<nav><ol><li><a href="text/c1.xhtml">Opening</a></li></ol></nav>'
NCX = (
    "<ncx><navMap><navPoint><navLabel><text>Opening</text></navLabel>"
    '<content src="text/c1.xhtml#top"/></navPoint></navMap></ncx>'
)


def book(pages: Mapping[str, str], order: list[str], **others: str) -> bytes:
    """A book of XHTML pages; `others`: more parts, by their names with _ for / and __ for ."""
    items = "".join(
        f'<item id="{name}" href="text/{name}.xhtml" media-type="application/xhtml+xml"/>'
        for name in pages
    )
    items += '<item id="nav" href="nav.xhtml" properties="nav" media-type="application/xhtml+xml"/>'
    items += '<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>'
    spine = "".join(f'<itemref idref="{name}"/>' for name in order)
    package = (
        '<package xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata><dc:title>Tides</dc:title>'
        "<dc:date>2020-03-04</dc:date><dc:language>en-GB</dc:language></metadata>"
        f"<manifest>{items}</manifest><spine>{spine}</spine></package>"
    )
    parts = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": '<c><rootfiles><rootfile full-path="OPS/book.opf"/></rootfiles></c>',
        "OPS/book.opf": package,
        **{f"OPS/text/{name}.xhtml": page for name, page in pages.items()},
    }
    names = {name: name.replace("__", ".").replace("_", "/") for name in others}
    return archive(parts | {names[name]: content for name, content in others.items()})


def page(body: str, head: str = "<title/>") -> str:
    return f"<?xml version='1.0'?><html><head>{head}</head><body>{body}</body></html>"


def test_chapters_come_in_reading_order_under_their_headings(write: Write) -> None:
    pages = {"c2": page("<h1>Ebb</h1><p>It falls.</p>"), "c1": page("<h1>Flood</h1><p>It rises.")}
    document = load(write("a.epub", book(pages, ["c1", "c2"])))
    assert (document.format, document.title, document.date, document.language) == (
        "epub", "Tides", "2020-03-04", "en-GB",
    )  # fmt: skip
    assert [(u.number, u.kind, u.label, u.text) for u in document.units] == [
        (1, "chapter", "Flood", "Flood\n\nIt rises."),
        (2, "chapter", "Ebb", "Ebb\n\nIt falls."),
    ]


@pytest.mark.parametrize("contents", [{"OPS_nav__xhtml": NAV}, {"OPS_toc__ncx": NCX}])
def test_a_chapter_without_a_heading_is_called_as_in_the_contents(
    contents: dict[str, str], write: Write
) -> None:
    pages = {"c1": page("<p>It rises.</p>"), "c2": page("<p>It falls.</p>")}
    units = read(write("a.epub", book(pages, ["c1", "c2"], **contents))).units
    assert [(unit.label, unit.headings) for unit in units] == [
        ("Opening", ("Opening",)),
        ("part 2", ()),
    ]


def test_a_drawing_in_the_place_of_a_page_gives_its_texts(write: Write) -> None:
    drawing = "<?xml version='1.0'?><svg><path d='M1'/><text x='1'>High water</text></svg>"
    assert read(write("a.epub", book({"c1": drawing}, ["c1"]))).units[0].text == "High water"


def test_a_copy_protected_book_is_named_and_encrypted_fonts_are_not(write: Write) -> None:
    def encryption(name: str) -> dict[str, str]:
        reference = f'<CipherReference URI="{name}"/>'
        return {"META-INF_encryption__xml": f"<encryption>{reference}</encryption>"}

    pages = {"c1": page("<p>It rises.</p>")}
    font = book(pages, ["c1"], **encryption("OPS/fonts/a.ttf"))
    assert read(write("a.epub", font)).units[0].text == "It rises."
    with pytest.raises(NeedsPassword, match="copy-protected"):
        read(write("b.epub", book(pages, ["c1"], **encryption("OPS/text/c1.xhtml"))))


def test_a_page_that_is_not_there_is_passed_over(write: Write) -> None:
    content = book({"c1": page("<p>It rises.</p>")}, ["gone", "c1"])
    assert len(read(write("a.epub", content)).units) == 1


def test_a_book_without_its_table_of_files_is_damaged(write: Write) -> None:
    with pytest.raises(Damaged, match="table of files"):
        read(write("a.epub", archive({"mimetype": "application/epub+zip"})))
