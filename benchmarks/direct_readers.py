"""Other libraries' readers of the formats, each as one function from a path to its raw text.

Started by agreement.py as a child process (`python -m benchmarks.direct_readers`): it reads one file
at a time under limits of its own, so that a library's crash or hang costs one file. The libraries
are those of direct_readers.txt and no part of the product.
"""

from __future__ import annotations

import csv
import email
import email.policy
import io
import json
import os
import re
import resource
import sys
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

from rag.frames import Frame, receive, send

MEMORY = 3 << 30
CPU_SECONDS = 10

Read = Callable[[Path], str]


def pypdfium2(path: Path) -> str:
    from pypdfium2 import PdfDocument

    with PdfDocument(path) as document:
        texts = [page.get_textpage().get_text_range() for page in document]
    return re.sub("\ufffe(?:\r?\n)?", "", "\n".join(texts))  # a hyphen at the end of a line


def pypdf(path: Path) -> str:
    from pypdf import PdfReader

    return "\n".join(page.extract_text() for page in PdfReader(path).pages)


def pdfminer(path: Path) -> str:
    from pdfminer.high_level import extract_text

    return str(extract_text(path))


def python_docx(path: Path) -> str:
    import docx
    from docx.table import Table

    def blocks(container: object) -> Iterable[str]:
        for block in container.iter_inner_content():  # type: ignore[attr-defined]
            if isinstance(block, Table):
                for row in block.rows:
                    for cell in row.cells:
                        yield from blocks(cell)
            else:
                yield block.text

    return "\n".join(blocks(docx.Document(str(path))))


def docx2txt(path: Path) -> str:
    import docx2txt

    return str(docx2txt.process(str(path)))


def docx2python(path: Path) -> str:
    from docx2python import docx2python

    with docx2python(str(path)) as content:
        return re.sub(r"----.*?----", "", str(content.text))  # pictures


def mammoth(path: Path) -> str:
    import mammoth

    with path.open("rb") as file:
        return str(mammoth.extract_raw_text(file).value)


def python_pptx(path: Path) -> str:
    from pptx import Presentation

    def texts(shapes: Iterable[object]) -> Iterable[str]:
        for shape in shapes:
            if shape.shape_type == 6:  # type: ignore[attr-defined]  # a group
                yield from texts(shape.shapes)  # type: ignore[attr-defined]
            elif shape.has_text_frame:  # type: ignore[attr-defined]
                yield shape.text_frame.text  # type: ignore[attr-defined]
            elif shape.has_table:  # type: ignore[attr-defined]
                for row in shape.table.rows:  # type: ignore[attr-defined]
                    yield from (cell.text for cell in row.cells)

    parts: list[str] = []
    for slide in Presentation(str(path)).slides:
        parts += texts(slide.shapes)
        if slide.has_notes_slide and slide.notes_slide.notes_text_frame:
            parts.append(slide.notes_slide.notes_text_frame.text)
    return "\n".join(parts)


def openpyxl(path: Path) -> str:
    import openpyxl

    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    rows = (row for sheet in book.worksheets for row in sheet.iter_rows(values_only=True))
    return _cells(rows)


def calamine(path: Path) -> str:
    from python_calamine import CalamineWorkbook

    book = CalamineWorkbook.from_path(str(path))
    sheets = (book.get_sheet_by_name(name) for name in book.sheet_names)
    return _cells(row for sheet in sheets for row in sheet.to_python())


def xlrd(path: Path) -> str:
    import xlrd

    book = xlrd.open_workbook(str(path), logfile=io.StringIO())
    return _cells(s.row_values(i) for s in book.sheets() for i in range(s.nrows))


def pyxlsb(path: Path) -> str:
    from pyxlsb import open_workbook

    with open_workbook(str(path)) as book:
        rows = ([c.v for c in row] for name in book.sheets for row in book.get_sheet(name).rows())
        return _cells(rows)


def _cells(rows: Iterable[Iterable[object]]) -> str:
    lines = []
    for row in rows:
        cells = [int(c) if isinstance(c, float) and c.is_integer() else c for c in row]
        lines.append("\t".join("" if cell is None else str(cell) for cell in cells))
    return "\n".join(lines)


def odfpy(path: Path) -> str:
    from odf import teletype, text
    from odf.opendocument import load

    document = load(str(path))
    paragraphs = (*document.getElementsByType(text.H), *document.getElementsByType(text.P))
    return "\n".join(teletype.extractText(paragraph) for paragraph in paragraphs)


def zip_xhtml(path: Path) -> str:
    """EPUB: every page of the spine through selectolax."""
    from selectolax.lexbor import LexborHTMLParser

    with zipfile.ZipFile(path) as archive:
        container = ET.fromstring(archive.read("META-INF/container.xml"))
        opf = next(e.attrib["full-path"] for e in container.iter() if e.tag.endswith("rootfile"))
        package = ET.fromstring(archive.read(opf))
        items = {e.get("id"): e.get("href") for e in package.iter() if e.tag.endswith("}item")}
        spine = [e.get("idref") for e in package.iter() if e.tag.endswith("}itemref")]
        folder = opf.rpartition("/")[0]
        texts = []
        for idref in spine:
            name = os.path.normpath(f"{folder}/{items[idref]}" if folder else str(items[idref]))
            body = LexborHTMLParser(archive.read(name)).body
            texts.append(body.text(separator=" ") if body else "")
        return "\n".join(texts)


def stdlib_email(path: Path) -> str:
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    body = message.get_body(("plain", "html"))
    headers = [f"{name}: {message[name]}" for name in ("Subject", "From", "To", "Cc", "Date")]
    return "\n".join([*headers, _as_text(body) if body else ""])


def _as_text(part: email.message.EmailMessage) -> str:
    content = str(part.get_content())
    return beautifulsoup_text(content) if part.get_content_type() == "text/html" else content


def olefile_msg(path: Path) -> str:
    import olefile

    texts = []
    with olefile.OleFileIO(str(path)) as ole:
        for tag in ("0037", "0C1A", "0E04", "0E03", "1000"):
            for kind, encoding in (("001F", "utf-16-le"), ("001E", "cp1252")):
                stream = f"__substg1.0_{tag}{kind}"
                if ole.exists(stream):
                    texts.append(ole.openstream(stream).read().decode(encoding, "replace"))
    return "\n".join(texts)


def striprtf(path: Path) -> str:
    from striprtf.striprtf import rtf_to_text

    return str(rtf_to_text(path.read_text("latin-1"), errors="ignore"))


def selectolax(path: Path) -> str:
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(path.read_bytes())
    for node in tree.css("script,style,noscript,template"):
        node.decompose()
    return tree.body.text(separator=" ") if tree.body else ""


def beautifulsoup(path: Path) -> str:
    return beautifulsoup_text(path.read_bytes())


def beautifulsoup_text(markup: bytes | str) -> str:
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(markup, "html.parser")
    for node in soup(["script", "style", "noscript", "template", "head"]):
        node.decompose()
    return str(soup.get_text(" "))


def html2text(path: Path) -> str:
    from trafilatura import html2txt

    return str(html2txt(path.read_bytes()))


def stdlib_csv(path: Path) -> str:
    text = plain(path)
    dialect = csv.Sniffer().sniff(text[:8192], ",;\t|")
    return "\n".join("\t".join(row) for row in csv.reader(io.StringIO(text), dialect))


def stdlib_notebook(path: Path) -> str:
    parts: list[str] = []
    for cell in json.loads(path.read_bytes())["cells"]:
        parts.append("".join(cell["source"]))
        for output in cell.get("outputs", ()):
            parts.append("".join(output.get("text", ())))
            parts.append("".join(output.get("data", {}).get("text/plain", ())))
    return "\n".join(parts)


def element_tree(path: Path) -> str:
    return "\n".join(ET.parse(path).getroot().itertext())


def docutils(path: Path) -> str:
    from docutils.core import publish_doctree

    settings = {"file_insertion_enabled": False, "raw_enabled": False, "report_level": 5}
    return str(publish_doctree(plain(path), settings_overrides=settings).astext())


def orgparse(path: Path) -> str:
    from orgparse import loads

    root = loads(plain(path))
    return "\n".join(f"{node.heading}\n{node.get_body()}" for node in root)


def pylatexenc(path: Path) -> str:
    from pylatexenc.latex2text import LatexNodes2Text

    return str(LatexNodes2Text().latex_to_text(plain(path)))


def plain(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace")


def kreuzberg(path: Path) -> str:
    from kreuzberg import extract_file_sync

    return _OWN_WORDS.sub("", str(extract_file_sync(str(path)).content))


def markitdown(path: Path) -> str:
    from markitdown import MarkItDown

    text = str(MarkItDown().convert(str(path)).text_content)
    if path.suffix in (".xlsx", ".xlsm", ".xls"):
        text = re.sub(r"^## .*$", "", text, flags=re.MULTILINE)  # the name of the sheet
        text = re.sub(r"\b(?:NaN|Unnamed: \d+)", "", text)  # an empty cell
    return _OWN_WORDS.sub("", text)


# What these two write by themselves about pictures, slides and notes.
_OWN_WORDS = re.compile(
    r"<!--.*?-->|!\[.*?\]\(.*?\)|\[Image:.*?\]|^(?:Notes:|### Notes:)$", re.MULTILINE | re.DOTALL
)


def vouch_undropped(path: Path) -> str:
    """Our own reader before it cleans: navigation, running lines and what is hidden are kept."""
    from rag.loaders import html, pdf, pdf_text
    from rag.loaders.loading import load

    html._DROPPED = "script,style,noscript,template,head"
    html._HIDDEN_STYLE = re.compile("(?!)")
    pdf.running_lines = lambda pages: [set() for _ in pages]
    pdf_text.hidden_characters = lambda page, textpage: frozenset()
    pdf_text.in_reading_order = lambda text, lines, places: lines
    pdf_text.mended = lambda text, words: text
    return "\n".join(unit.text for unit in load(path).units)


UNDROPPED: dict[str, Read] = {"Vouch, nothing dropped": vouch_undropped}
"""What is judged beside ours for the formats of CLEANED, and has no vote."""
CLEANED = ("pdf", "html", "epub")
"""Formats of which ours leaves something out on purpose."""

BROAD: dict[str, Read] = {"kreuzberg": kreuzberg, "markitdown": markitdown}
"""All-in-one packages: they vote on what the text is, and count for what can be read."""

DIRECT: dict[str, dict[str, Read]] = {
    "pdf": {"pypdfium2": pypdfium2, "pypdf": pypdf, "pdfminer.six": pdfminer},
    "docx": {
        "python-docx": python_docx, "docx2txt": docx2txt, "docx2python": docx2python,
        "mammoth": mammoth,
    },
    "pptx": {"python-pptx": python_pptx},
    "xlsx": {"openpyxl": openpyxl, "calamine": calamine},
    "xls": {"xlrd": xlrd, "calamine": calamine},
    "xlsb": {"pyxlsb": pyxlsb, "calamine": calamine},
    "odt": {"odfpy": odfpy},
    "odp": {"odfpy": odfpy},
    "ods": {"odfpy": odfpy, "calamine": calamine},
    "html": {"selectolax": selectolax, "beautifulsoup4": beautifulsoup, "html2txt": html2text},
    "epub": {"zip + selectolax": zip_xhtml},
    "eml": {"email (stdlib)": stdlib_email},
    "msg": {"olefile": olefile_msg},
    "rtf": {"striprtf": striprtf},
    "csv": {"csv (stdlib)": stdlib_csv},
    "ipynb": {"json (stdlib)": stdlib_notebook},
    "xml": {"ElementTree": element_tree},
    "fb2": {"ElementTree": element_tree},
    "md": {"as it stands": plain},
    "rst": {"docutils": docutils, "as it stands": plain},
    "org": {"orgparse": orgparse, "as it stands": plain},
    "tex": {"pylatexenc": pylatexenc},
    "doc": {},
    "ppt": {},
}  # fmt: skip
"""Permissively licensed readers made for one format, by the corpus folder and their name."""


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    questions, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)
    while (question := receive(questions)) is not None:
        used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
        resource.setrlimit(resource.RLIMIT_CPU, (int(used) + CPU_SECONDS, resource.RLIM_INFINITY))
        folder, reader = question.message["folder"], question.message["reader"]
        read = {**DIRECT[folder], **BROAD, **UNDROPPED}[reader]
        try:
            text = read(Path(question.message["path"]))
            send(answers, Frame({"text": text.encode("utf-8", "replace").decode()}))
        except Exception as error:  # whatever a library raises is its answer
            send(answers, Frame({"error": f"{type(error).__name__}: {error}"[:200]}))


if __name__ == "__main__":
    sys.exit(main())
