from collections.abc import Callable
from pathlib import Path

import pytest

from rag.errors import Unsupported
from rag.loaders.formats import FORMATS, current_readers, reader_version
from rag.loaders.sniff import sniff


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
        ("a.html", b"<p>a fragment", "html"),
        ("a.MD", b"# Title", "markdown"),
        ("a.txt", b"# Title", "text"),
        ("main.py", b"print('<html>')", "text"),
        ("a.csv", b"a;b", "text"),
        ("a.json", b"{}", "text"),
        ("data.xml", b"<?xml version='1.0'?><data/>", "text"),
        ("server.log", b"GET /", "text"),
        ("README", b"words", "text"),
    ],
)
def test_content_decides_and_the_name_only_where_content_does_not(
    name: str, head: bytes, format: str
) -> None:
    assert sniff(Path(name), head) == format


@pytest.mark.parametrize(
    ("name", "head", "said"),
    [
        ("a.docx", b"PK\x03\x04....", "docx"),
        ("a.txt", b"PK\x03\x04..........................[Content_Types].xml", "Office"),
        ("a.zip", b"PK\x03\x04....", "zip"),
        ("a.epub", b"PK\x03\x04....mimetypeapplication/epub+zip", "EPUB"),
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "doc"),
        ("a.txt", b"{\\rtf1", "RTF"),
        ("a.pdf", b"\x89PNG\r\n\x1a\n", "PNG"),
        ("a.jpg", b"\xff\xd8\xff\xe0", "JPEG"),
        ("a.gz", b"\x1f\x8b\x08", "gzip"),
        ("a.eml", b"From: me", "e-mail"),
        ("a.ipynb", b"{}", "notebook"),
    ],
)
def test_a_known_format_that_is_not_read_is_named_with_what_to_do(
    name: str, head: bytes, said: str
) -> None:
    with pytest.raises(Unsupported) as caught:
        sniff(Path(name), head)
    assert said in caught.value.message
    assert "reads PDF, HTML, Markdown and plain text" in caught.value.hint


def test_the_reader_string_names_packages_and_versions() -> None:
    import pypdf
    import pypdfium2

    expected = f"pdf/1 pypdfium2 {pypdfium2.PYPDFIUM_INFO} pypdf {pypdf.__version__}"
    assert reader_version("pdf") == expected
    assert current_readers() == {name: reader_version(name) for name in FORMATS}


def test_every_format_of_the_table_is_read(
    write: Callable[[str, str | bytes], Path], make_pdf: Callable[..., Path]
) -> None:
    from rag.loaders.loading import load

    text = "Twenty letters and more stand in this file."
    for format in FORMATS.values():
        for suffix in format.suffixes:
            path = make_pdf([text]) if suffix == ".pdf" else write("file" + suffix, text)
            document = load(path)
            assert (document.format, document.reader) == (format.name, reader_version(format.name))
            assert document.units[0].text.strip() == text
