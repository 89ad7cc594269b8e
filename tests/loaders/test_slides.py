"""Presentations of both families: one unit per slide, in the order in which they are shown."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rag.errors import TooLarge
from rag.loaders import odp as odp_format
from rag.loaders import pptx as pptx_format
from tests.loaders.samples import core, odf, pptx, shape, slide_table

Write = Callable[[str, str | bytes], Path]


def frame(text: str, kind: str = "outline") -> str:
    return (
        f'<draw:frame presentation:class="{kind}"><draw:text-box><text:p>{text}</text:p>'
        "</draw:text-box></draw:frame>"
    )


def test_slides_come_in_the_order_of_the_presentation_with_title_first(write: Write) -> None:
    slides = [shape("body") + shape("Results", "title"), shape("Plans", "ctrTitle"), ""]
    units = pptx_format.read(write("a.pptx", pptx(slides))).units
    assert [(u.number, u.kind, u.label, u.text, u.headings, u.state) for u in units] == [
        (1, "slide", "slide 1", "Results\n\nbody", ("Results",), "read"),
        (2, "slide", "slide 2", "Plans", ("Plans",), "read"),
        (3, "slide", "slide 3", "", (), "empty"),
    ]


def test_groups_tables_and_notes_are_read_and_slide_numbers_are_not(write: Write) -> None:
    slide = (
        f"<p:grpSp>{shape('grouped')}</p:grpSp>{slide_table([['City', 'Euro'], ['Rome', '120']])}"
        + shape("12", "sldNum")
    )
    (unit,) = pptx_format.read(write("a.pptx", pptx([slide], notes=shape("Say it.", "body")))).units
    assert unit.text == "grouped\n\nCity | Euro\nRome | 120\n\nNotes:\n\nSay it."


def test_a_diagram_gives_its_texts(write: Write) -> None:
    import zipfile

    path = write("a.pptx", pptx([shape("Process", "title")]))
    with zipfile.ZipFile(path, "a") as file:
        from tests.loaders.samples import relationships

        file.writestr(
            "ppt/slides/_rels/slide1.xml.rels",
            relationships({"../diagrams/data1.xml": "diagramData"}),
        )
        file.writestr("ppt/diagrams/data1.xml", "<d><p><t>Plan</t></p><p/><p><t>Do</t></p></d>")
    assert pptx_format.read(path).units[0].text == "Process\n\nPlan\nDo"


def test_the_title_is_that_of_the_properties_or_of_the_first_slide(write: Write) -> None:
    slides = [shape("Results", "title")]
    assert pptx_format.read(write("a.pptx", pptx(slides))).title == "Results"
    stated = core("PowerPoint Presentation", "2023-01-02T00:00:00Z")
    reading = pptx_format.read(write("b.pptx", pptx(slides, properties=stated)))
    assert (reading.title, reading.date) == ("Results", "2023-01-02")


def test_an_open_document_presentation_is_read_alike(write: Write) -> None:
    notes = frame("3", "page-number") + frame("Say it.", "notes")
    notes = f"<presentation:notes>{notes}</presentation:notes>"
    pages = (
        f"<draw:page>{frame('body')}{frame('Results', 'title')}{frame('12', 'page-number')}{notes}"
        "</draw:page><draw:page/>"
    )
    reading = odp_format.read(write("a.odp", odf("presentation", pages)))
    assert reading.title == "Results"
    assert [(u.label, u.text, u.headings, u.state) for u in reading.units] == [
        ("slide 1", "Results\n\nbody\n\nNotes:\n\nSay it.", ("Results",), "read"),
        ("slide 2", "", (), "empty"),
    ]


def test_a_presentation_of_too_many_slides_is_refused(write: Write) -> None:
    with pytest.raises(TooLarge, match="5,000"):
        odp_format.read(write("a.odp", odf("presentation", "<draw:page/>" * 5001)))
