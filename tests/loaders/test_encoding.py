from collections.abc import Callable
from pathlib import Path

import pytest

from rag.errors import NoText, TooLarge, Unsupported
from rag.loaders import encoding
from rag.loaders.encoding import decode, read_text

Write = Callable[[str, str | bytes], Path]


def test_every_generated_file_of_the_corpus_is_decoded_as_it_was_written(
    shared: Callable[[str], Path],
) -> None:
    files = sorted(shared("corpus/txt").glob("gen__*"))
    truths = shared("corpus/txt_truth")
    wrong = [
        file.name
        for file in files
        if (decode(file.read_bytes()) or "").removeprefix("\ufeff")
        != (truths / file.name).read_bytes().decode().removeprefix("\ufeff")
    ]
    assert len(files) >= 40
    assert wrong == []


@pytest.mark.parametrize(
    "name", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252", "iso2022_jp"]
)
def test_common_encodings_are_recognised(name: str) -> None:
    japanese = "これは日本語の文章です。漢字とかなを含みます。" * 4
    german = "Größe, Übermut und Äpfel: die Straße führt über die Brücke. " * 4
    text = japanese if name == "iso2022_jp" else german
    assert (decode(text.encode(name)) or "").removeprefix("\ufeff") == text


def test_a_declared_encoding_is_taken_where_the_bytes_are_not_utf8() -> None:
    assert decode("Ťažké".encode("cp1250"), "windows-1250") == "Ťažké"
    assert decode("Ťažké".encode(), "windows-1250") == "Ťažké"
    assert decode(b"plain", "no-such-encoding") == "plain"
    assert decode(b"\xe9t\xe9 \xe0 la mer, o\xf9 il fait beau", "utf-16") is not None


def test_blank_files_are_no_text(write: Write) -> None:
    for content in (b" \n\t\r\n", b"\xef\xbb\xbf", b"\xff\xfe"):
        with pytest.raises(NoText):
            read_text(write("blank.txt", content))


def test_binary_noise_is_unsupported(write: Write) -> None:
    for content in (bytes(range(256)) * 20, b"\0" * 4000, b"text\0\1\2\3" * 500):
        with pytest.raises(Unsupported):
            read_text(write("noise.txt", content))


def test_a_stray_nul_does_not_make_a_text_binary(write: Write) -> None:
    assert read_text(write("a.txt", b"many words" * 20 + b"\0")) == "many words" * 20


def test_too_much_text_is_refused(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "MAX_CHARACTERS", 10)
    with pytest.raises(TooLarge):
        read_text(write("a.txt", "x" * 11))
    with pytest.raises(TooLarge):
        read_text(write("a.txt", "x" * 41))
