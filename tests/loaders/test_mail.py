"""Messages of all kinds: what a person reads of them, and the files that hang on them."""

from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import pytest

from rag.errors import TooLarge
from rag.loaders import eml, mail, mbox, mhtml, msg
from rag.loaders.loading import load, member
from rag.loaders.worker import ReaderProcess
from rag.types import Unit
from tests.loaders.samples import ole

Write = Callable[[str, str | bytes], Path]
PLAIN = """\
Return-Path: <ann@example.org>
Received: from here by there; Mon, 5 Feb 2024 10:00:00 +0100
Subject: =?utf-8?B?R3LDvMOfZQ==?= from
 =?iso-8859-1?Q?K=F6ln?=
From: Ann <ann@example.org>
To: bob@example.org
Date: Mon, 5 Feb 2024 10:00:00 +0100
Content-Type: text/plain; charset=iso-8859-15
Content-Transfer-Encoding: quoted-printable

It costs 5 =A4.
"""


def message(**headers: str) -> EmailMessage:
    made = EmailMessage()
    for name, value in {"Subject": "Tides", "From": "ann@example.org", **headers}.items():
        made[name] = value
    return made


def text(content: bytes | str, write: Write) -> str:
    (unit,) = eml.read(write("a.eml", content)).units
    return unit.text


def test_headers_and_text_are_read_in_the_encodings_they_state(write: Write) -> None:
    reading = eml.read(write("a.eml", PLAIN))
    assert (reading.title, reading.date) == ("Grüße from Köln", "2024-02-05")
    assert reading.units == (
        Unit(
            1,
            "message",
            "message",
            "Subject: Grüße from Köln\nFrom: Ann <ann@example.org>\nTo: bob@example.org\n"
            "Date: Mon, 5 Feb 2024 10:00:00 +0100\n\nIt costs 5 €.",
        ),
    )


def test_bytes_in_a_header_that_should_have_been_encoded_are_read_all_the_same(
    write: Write,
) -> None:
    content = "Subject: Grüße\nFrom: a@example.org\n\nx".encode()
    assert text(content, write).startswith("Subject: Grüße\n")
    assert eml.read(write("b.eml", content.replace("ü".encode(), b"\xfc"))).title is not None


def test_the_plain_version_is_read_unless_the_html_says_much_more(write: Write) -> None:
    both = message()
    both.set_content("The tide rises at nine.")
    both.add_alternative("<p>The tide <b>rises</b> at nine.</p>", "html")
    assert text(both.as_bytes(), write).endswith("\n\nThe tide rises at nine.")
    stub = message()
    stub.set_content("View this in a browser.")
    stub.add_alternative("<h1>Tides</h1><p>The tide rises at nine, and falls at three.</p>", "html")
    assert text(stub.as_bytes(), write).endswith(
        "Tides\n\nThe tide rises at nine, and falls at three."
    )


def test_attachments_are_members_and_are_named_in_the_text(write: Write) -> None:
    made = message()
    made.set_content("See the files.")
    made.add_attachment(b"%PDF-1.4", "application", "pdf", filename="Räport.pdf")
    made.add_attachment("a;b", filename="rows.csv")
    path = write("a.eml", made.as_bytes())
    reading = eml.read(path)
    assert reading.members == ("Räport.pdf", "rows.csv")
    assert reading.units[0].text.endswith("See the files.\n\nAttachments: Räport.pdf, rows.csv")
    assert eml.member(path, "Räport.pdf") == b"%PDF-1.4"
    assert eml.member(path, "rows.csv").strip() == b"a;b"


def test_pictures_within_the_html_and_signatures_are_no_attachments(write: Write) -> None:
    made = message()
    made.set_content("plain")
    made.add_alternative("<p>plain<img src='cid:logo'>", "html")
    made.get_payload()[1].add_related(b"\x89PNG", "image", "png", cid="<logo>")
    made.add_attachment(b"x", "application", "pkcs7-signature", filename="smime.p7s")
    made.add_attachment(b"\x89PNG", "image", "png", filename="photo.png")
    assert eml.read(write("a.eml", made.as_bytes())).members == ("photo.png",)


def test_an_attached_message_is_a_member(write: Write) -> None:
    inner = message(Subject="Re: Tides / ebb")
    inner.set_content("The inner text.")
    outer = message()
    outer.set_content("The outer text.")
    outer.add_attachment(inner)
    path = write("a.eml", outer.as_bytes())
    reading = eml.read(path)
    assert reading.members == ("Re: Tides - ebb.eml",)
    assert "inner text" not in reading.units[0].text
    inside = write("b.eml", eml.member(path, reading.members[0]))
    assert eml.read(inside).units[0].text.endswith("The inner text.")


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Temp\\a.doc", "a.doc"),
        ("a!b.txt", "a_b.txt"),
        ("...", "unnamed"),
        ("", "unnamed"),
        ("a\u202etxt.exe", "atxt.exe"),
        ("a\n b.pdf", "a b.pdf"),
    ],
)
def test_names_of_attachments_are_made_fit_for_a_path(given: str, name: str) -> None:
    assert mail.unique([given]) == [name]


def test_names_are_told_apart_and_none_is_too_long_for_a_disk() -> None:
    assert mail.unique(["a.pdf", "a.pdf", "a (2).pdf", "a.pdf"]) == [
        "a.pdf", "a (2).pdf", "a (2) (2).pdf", "a (3).pdf",
    ]  # fmt: skip
    long = mail.unique(["潮" * 300 + ".pdf", "潮" * 300 + ".pdf"])
    assert all(name.endswith(".pdf") and len(name.encode()) < 255 for name in long)
    assert len(set(long)) == 2


def test_a_mail_saved_as_utf_16_is_read(write: Write) -> None:
    assert text(PLAIN.encode("utf-16"), write).startswith("Subject: Grüße")


def test_a_huge_header_of_encoded_words_is_cut(write: Write) -> None:
    bomb = "Subject: " + "=?utf-8?Q?a?= " * 25_000 + "\nFrom: a@example.org\n\nx"
    assert len(text(bomb, write)) < 50_000


def test_too_many_parts_are_refused_before_they_are_parsed(write: Write) -> None:
    parts = "--b\nContent-Type: text/plain\n\nx\n" * 30_000
    content = f"From: a@example.org\nContent-Type: multipart/mixed; boundary=b\n\n{parts}--b--"
    with pytest.raises(TooLarge, match="parts"):
        eml.read(write("a.eml", content))


def test_parts_within_parts_are_read_to_the_last_that_is_allowed(write: Write) -> None:
    def nested(levels: int) -> str:
        parts = (f"Content-Type: multipart/mixed; boundary=b{i}\n\n--b{i}\n" for i in range(levels))
        return f"From: a@example.org\n{''.join(parts)}\nThe innermost."

    assert text(nested(499), write).endswith("The innermost.")
    with pytest.raises(TooLarge, match="500 parts"):
        text(nested(5000), write)


MAILBOX = """\
From ann Mon Feb  5 10:00:00 2024
Subject: One
From: ann@example.org

First text.
>From here on it is quoted.
From the sea it is not far.

From bob Tue Feb  6 10:00:00 2024
Subject: Two
From: bob@example.org
Content-Type: multipart/mixed; boundary=b

--b

Second text.
--b
Content-Type: text/csv
Content-Disposition: attachment; filename=rows.csv

a;b
--b--
"""


def test_each_message_of_a_mailbox_is_a_unit(write: Write) -> None:
    path = write("a.mbox", MAILBOX)
    document = load(path)
    assert document.format == "mbox"
    assert [(u.number, u.kind, u.label, u.headings) for u in document.units] == [
        (1, "message", "message 1: One", ("One",)),
        (2, "message", "message 2: Two", ("Two",)),
    ]
    assert document.units[0].text.endswith(
        "First text.\nFrom here on it is quoted.\nFrom the sea it is not far."
    )
    assert document.members == ("2/rows.csv",)
    assert member(path, "2/rows.csv").strip() == b"a;b"


def test_a_mailbox_of_too_many_messages_is_refused(write: Write) -> None:
    one = "From ann Mon Feb  5 10:00:00 2024\nSubject: One\n\nx\n\n"
    with pytest.raises(TooLarge, match="5,000"):
        mbox.read(write("a.mbox", one * 5001))


def test_a_saved_web_page_is_read_as_a_page(write: Write) -> None:
    content = (
        "From: <Saved by Blink>\nSnapshot-Content-Location: http://example.org/\nSubject: Saved\n"
        "Date: Mon, 5 Feb 2024 10:00:00 +0100\nMIME-Version: 1.0\n"
        'Content-Type: multipart/related; type="text/html"; boundary=b\n\n'
        "--b\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n"
        '\n<html lang=3D"en"><h1>Tides</h1><p>They rise =E2=80=93 and fall.</p>\n'
        "--b\nContent-Type: image/png\n\nx\n--b--\n"
    )
    document = load(write("page.txt", content))
    assert (document.format, document.title, document.date, document.language) == (
        "mhtml", "Tides", "2024-02-05", "en",
    )  # fmt: skip
    assert document.members == ()
    assert document.units[0].text == "Tides\n\nThey rise – and fall."
    assert mhtml.read(write("b.mht", "MIME-Version: 1.0\n\nno page")).units == ()


def outlook(**more: bytes) -> dict[str, bytes]:
    sent = (133515972000000000).to_bytes(8, "little")  # 2024-02-05 09:00 UTC
    return {
        "__properties_version1.0": bytes(32) + (0x00390040).to_bytes(4, "little") + bytes(4) + sent,
        "__substg1.0_0037001F": "Tides".encode("utf-16-le"),
        "__substg1.0_0C1A001F": "Ann Bell".encode("utf-16-le"),
        "__substg1.0_5D01001F": "ann@example.org".encode("utf-16-le"),
        "__substg1.0_0E04001E": b"Bob",
        **more,
    }


ATTACHMENT = {
    "__attach_version1.0_#00000000/__substg1.0_3707001F": "rows.csv".encode("utf-16-le"),
    "__attach_version1.0_#00000000/__substg1.0_37010102": b"a;b" * 9,
}


def test_an_outlook_message_is_read_with_its_attachments(write: Write) -> None:
    streams = outlook(**{"__substg1.0_1000001F": "They rise.\r\n".encode("utf-16-le")})
    path = write("a.msg", ole(streams | ATTACHMENT))
    document = load(path)
    assert (document.format, document.title, document.date) == ("msg", "Tides", "2024-02-05")
    assert document.units[0].text == (
        "Subject: Tides\nFrom: Ann Bell <ann@example.org>\nTo: Bob\nDate: 2024-02-05 09:00 UTC\n\n"
        "They rise.\n\nAttachments: rows.csv"
    )
    assert document.members == ("rows.csv",)
    assert member(path, "rows.csv") == b"a;b" * 9


def test_an_outlook_message_without_plain_text_is_read_from_its_html(write: Write) -> None:
    path = write("a.msg", ole(outlook(**{"__substg1.0_10130102": b"<p>They <b>rise</b>."})))
    assert msg.read(path).units[0].text.endswith("\n\nThey rise.")


def test_a_message_attached_to_an_outlook_message_is_a_unit(write: Write) -> None:
    inner = "__attach_version1.0_#00000000/__substg1.0_3701000D/__substg1.0_"
    streams = outlook(**{"__substg1.0_1000001E": b"Outer."}) | {
        inner + "0037001E": b"Ebb",
        inner + "1000001E": b"Inner.",
    }
    units = msg.read(write("a.msg", ole(streams))).units
    assert [unit.label for unit in units] == ["message", "attached message: Ebb"]
    assert units[1].text == "Subject: Ebb\n\nInner."


def test_a_member_that_is_gone_is_unreadable(write: Write, reader: ReaderProcess) -> None:
    from rag.errors import Unreadable

    path = write("a.eml", PLAIN)
    with pytest.raises(Unreadable, match="no longer in"):
        reader.member(path, "gone.pdf")


def test_members_come_through_the_reading_process(write: Write, reader: ReaderProcess) -> None:
    path = write("a.mbox", MAILBOX)
    assert reader.load(path).members == ("2/rows.csv",)
    assert reader.member(path, "2/rows.csv").strip() == b"a;b"
