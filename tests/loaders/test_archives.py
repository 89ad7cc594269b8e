"""Zip containers and XML: bombs, lies, entities and passwords are refused before they cost much."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from rag.errors import Damaged, NeedsPassword, TooLarge
from rag.loaders import markup
from rag.loaders.archive import Archive, relative
from rag.loaders.limits import MAX_PART
from tests.loaders.samples import archive

Write = Callable[[str, str | bytes], Path]
LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><x>&b;</x>',
    '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>',
    '<!DOCTYPE x [<!ENTITY % a SYSTEM "http://127.0.0.1:9/x"> %a;]><x/>',
)


def tree(text: str):
    return markup.tree(io.BytesIO(text.encode()))


def test_names_lose_their_namespace_but_for_those_of_relationships() -> None:
    root = tree('<w:p xmlns:w="urn:w" xmlns:r="urn:x/relationships" id="1" r:id="2"><w:t/></w:p>')
    assert (root.tag, root[0].tag) == ("p", "t")
    assert root.attrib == {"id": "1", "r:id": "2"}


@pytest.mark.parametrize("text", LAUGHS)
def test_entities_are_refused_where_they_are_declared(text: str) -> None:
    with pytest.raises(markup.MarkupError, match="entities"):
        tree(text)


def test_a_document_type_alone_is_harmless() -> None:
    assert tree('<!DOCTYPE x PUBLIC "y" "http://example.com/x.dtd"><x>1</x>').text == "1"


def test_deep_nesting_is_refused() -> None:
    assert tree("<a>" * 150 + "</a>" * 150).tag == "a"
    with pytest.raises(markup.MarkupError, match="nested"):
        tree("<a>" * 5000)


def test_children_come_one_by_one_with_all_that_is_in_them() -> None:
    text = "<x><y>no</y><b>a<p>1<b>2</b></p>b<p/>c</b><b><q/></b></x>"
    found = list(markup.children(io.BytesIO(text.encode()), "b"))
    assert [element.tag for element in found] == ["p", "p", "q"]
    assert "".join(found[0].itertext()) == "12"


def test_broken_markup_is_an_error_after_what_was_whole() -> None:
    found = markup.children(io.BytesIO(b"<b>" + b"<p/>" * 100_000 + b"<"), "b")
    assert next(found).tag == "p"
    with pytest.raises(markup.MarkupError, match="broken"):
        list(found)


def test_a_bomb_is_refused_by_what_the_directory_says(write: Write) -> None:
    path = write("a.docx", archive({"bomb": bytes(MAX_PART + 1), "small": "x"}))
    with Archive(path) as found:
        assert found.read("small") == b"x"
        with pytest.raises(TooLarge, match="bomb"):
            found.read("bomb")
        with pytest.raises(TooLarge):
            found.check_sizes()


def test_many_parts_together_are_refused_too(write: Write) -> None:
    parts = {str(i): bytes(MAX_PART - 1) for i in range(4)}
    with Archive(write("a.docx", archive(parts))) as found, pytest.raises(TooLarge):
        for name in parts:
            found.read(name)


def test_a_lie_about_the_size_gives_no_more_than_the_lie(write: Write) -> None:
    content = archive({"part": "x" * 100_000})
    lying = content.replace((100_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    with Archive(write("a.docx", lying)) as found, pytest.raises(Damaged):
        found.read("part")


def test_a_container_cut_off_or_changed_is_damaged(write: Write) -> None:
    content = archive({"part": bytes(range(256)) * 99})
    with pytest.raises(Damaged):
        Archive(write("a.docx", content[: len(content) // 2]))
    changed = content[:60] + b"!!!!" + content[64:]
    with Archive(write("b.docx", changed)) as found, pytest.raises(Damaged):
        found.read("part")


def test_a_part_said_to_begin_before_the_file_does_is_damage(write: Write) -> None:
    content = archive({"part": "x" * 500})
    # what comes before the directory is cut off: all places are counted from the end
    cut = content[40:]
    with pytest.raises(Damaged), Archive(write("a.docx", cut)) as found:
        found.read("part")


def test_an_encrypted_part_needs_a_password(write: Write) -> None:
    content = bytearray(archive({"part": "x"}))
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + place] |= 1
    with Archive(write("a.docx", bytes(content))) as found, pytest.raises(NeedsPassword):
        found.read("part")


def test_a_part_that_is_not_there_is_a_key_error(write: Write) -> None:
    with Archive(write("a.docx", archive({}))) as found, pytest.raises(KeyError):
        found.tree("part")


@pytest.mark.parametrize(
    ("base", "target", "part"),
    [
        ("word/document.xml", "styles.xml", "word/styles.xml"),
        ("ppt/slides/slide1.xml", "../notes/n.xml", "ppt/notes/n.xml"),
        ("", "/word/document.xml", "word/document.xml"),
        ("word/document.xml", "/a.xml", "a.xml"),
        ("word/document.xml", "../../../a.xml", "a.xml"),
    ],
)
def test_targets_are_found_from_where_they_stand(base: str, target: str, part: str) -> None:
    assert relative(base, target) == part


def test_a_part_never_leads_outside_its_archive(write: Write) -> None:
    path = write("a.docx", archive({"../../evil": "x"}))
    with Archive(path) as found, pytest.raises(KeyError):
        found.read(relative("word/document.xml", "../../../../../etc/passwd"))
    assert not (path.parent.parent / "evil").exists()
    assert zipfile.is_zipfile(path)
