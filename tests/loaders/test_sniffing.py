from collections.abc import Callable
from pathlib import Path

import pytest

from rag.errors import Damaged, NeedsPassword, Unsupported
from rag.loaders.formats import FORMATS, current_readers, reader_version
from rag.loaders.sniff import HEAD, sniff
from tests.loaders.samples import archive, docx, odf, ole, paragraph, pptx, shape, xls, xlsx

Write = Callable[[str, str | bytes], Path]


@pytest.mark.parametrize(
    ("name", "head", "format"),
    [
        ("a.pdf", b"%PDF-1.4", "pdf"),
        ("a.txt", b"\n" * 900 + b"%PDF-1.4", "pdf"),
        ("a.pdf", b"1 0 obj <<", "pdf"),
        ("a.pdf", b"<!DOCTYPE HTML><p>404", "html"),
        ("a.pdf", b"only words", "text"),
        ("a.txt", b"\xef\xbb\xbf <?xml version='1.0'?><!-- x --><html lang='en'>", "html"),
        ("a.txt", "\ufeff<html>".encode("utf-16-le"), "html"),
        ("a.pdf", b"\x89PNG\r\n\x1a\n", "image"),
        ("a.txt", b"\xff\xd8\xff\xe0", "image"),
        ("a", b"RIFF\x00\x00\x00\x00WEBP", "image"),
        ("a.bmp", b"BM" + bytes(30), "image"),
        ("a.txt", b"BMW has published its report for the year.", "text"),
        ("a.html", b"<p>a fragment", "html"),
        ("a.MD", b"# Title", "markdown"),
        ("a.txt", b"# Title", "text"),
        ("main.py", b"print('<html>')", "code"),
        ("a.csv", b"a;b", "csv"),
        ("a.json", b"{}", "json"),
        ("data.xml", b"<?xml version='1.0'?><data/>", "xml"),
        ("data.xml", b"<?xml version='1.0'?>\n<FictionBook xmlns='x'>", "fb2"),
        ("a.txt", b'{\n "cells": [', "ipynb"),
        ("a.doc", b"{\\rtf1", "rtf"),
        ("a.txt", b"Received: by x\r\nFrom: a\r\nSubject: b\r\n\r\nc", "eml"),
        ("a.eml", b"From me to you", "eml"),
        ("a", b"From a Mon Feb  5 10:00:00 2024\nSubject: b\n\nc", "mbox"),
        ("memo.txt", b"To: all\nSubject: tides\n\nWords.", "text"),
        ("memo.txt", b"Note: from: here\n\nWords.", "text"),
        ("a.mht", b"MIME-Version: 1.0\nContent-Type: multipart/related\n\n", "mhtml"),
        ("server.log", b"GET /", "text"),
        ("README", b"words", "text"),
    ],
)
def test_content_decides_and_the_name_only_where_content_does_not(
    name: str, head: bytes, format: str
) -> None:
    assert sniff(Path(name), head) == format


CONTAINERS = {
    "docx": docx(paragraph("x")),
    "pptx": pptx([shape("x")]),
    "xlsx": xlsx({"S": [["x"]]}),
    "xlsb": archive({"xl/workbook.bin": b"x"}),
    "odt": odf("text", ""),
    "ods": odf("spreadsheet", ""),
    "odp": odf("presentation", ""),
    "xls": xls([["x"]]),
}


@pytest.mark.parametrize("format", CONTAINERS)
@pytest.mark.parametrize("name", ["file", "file.txt", "file.docx", "file.pdf"])
def test_what_is_in_a_container_decides_and_not_its_name(
    name: str, format: str, write: Write
) -> None:
    path = write(name, CONTAINERS[format])
    assert sniff(path, path.read_bytes()[:HEAD]) == format


def test_a_pdf_within_a_container_does_not_make_it_one(write: Write) -> None:
    path = write("a.docx", docx(paragraph("x"), {"a.pdf": b"%PDF-1.4"}))
    assert sniff(path, b"PK\x03\x04 %PDF-1.4") == "docx"


def test_a_name_of_a_binary_format_means_nothing_without_its_content() -> None:
    assert sniff(Path("a.docx"), b"only words") == "text"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.zip", archive({"a.txt": "x"}), "zip"),
        ("a.pages", archive({"Index/Document.iwa": "x"}), "Apple Pages"),
        ("a.vsd", ole({"VisioDocument": b"x"}), "older Office"),
        ("a.wav", b"RIFF\x00\x00\x00\x00WAVE", "sound"),
        ("a.gz", b"\x1f\x8b\x08", "gzip"),
    ],
)
def test_a_known_format_that_is_not_read_is_named_with_what_to_do(
    name: str, content: bytes, said: str, write: Write
) -> None:
    with pytest.raises(Unsupported) as caught:
        sniff(write(name, content), content[:HEAD])
    assert said in caught.value.message
    assert caught.value.hint.startswith("This version reads PDF, Office")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.xlsx", ole({"EncryptedPackage": b"x", "EncryptionInfo": b"x"})),
        ("a.doc", ole({"WordDocument": bytes(11) + b"\x01"})),
        (
            "a.ppt",
            ole({"PowerPoint Document": b"x", "Current User": bytes(12) + b"\xdf\xc4\xd1\xf3"}),
        ),
    ],
)
def test_an_encrypted_office_file_needs_a_password(name: str, content: bytes, write: Write) -> None:
    with pytest.raises(NeedsPassword):
        sniff(write(name, content), content[:HEAD])


@pytest.mark.parametrize("content", [docx(paragraph("x")), xls([["x"]])])
def test_a_container_cut_off_is_damaged(content: bytes, write: Write) -> None:
    with pytest.raises(Damaged):
        sniff(write("a", content[:700]), content[:700])


def test_the_reader_string_names_packages_and_versions() -> None:
    import pypdf
    import pypdfium2

    expected = f"pdf/2 pypdfium2 {pypdfium2.PYPDFIUM_INFO} pypdf {pypdf.__version__}"
    assert reader_version("pdf") == expected
    assert current_readers() == {name: reader_version(name) for name in FORMATS}


def test_every_text_format_of_the_table_is_read_by_its_name_alone(write: Write) -> None:
    from rag.loaders.loading import load

    text = "Twenty letters and more stand in this file."
    for format in FORMATS.values():
        for suffix in format.suffixes:
            document = load(write("file" + suffix, text))
            assert (document.format, document.reader) == (format.name, reader_version(format.name))
            assert text in document.units[0].text
