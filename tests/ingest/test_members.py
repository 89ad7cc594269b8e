"""Attachments are documents of their own, which come, change and go with the file they are in."""

from email.message import EmailMessage
from pathlib import Path

import pytest
from library import Library

from rag.assistant import open_assistant
from rag.config import load_settings
from rag.errors import TimedOut
from rag.ingest.pipeline import Planned
from rag.loaders.worker import ReaderProcess
from rag.types import FileResult, LoadedDocument
from tests.loaders.samples import docx, paragraph, xlsx

TIDE = "The gauge at pier 5 measures the tide every six minutes."
RESIN = "The resin cures in three hours at room temperature."


def mail(subject: str, text: str, **files: bytes) -> bytes:
    """A message; `a_docx=…` attaches a.docx."""
    message = EmailMessage()
    message["Subject"] = subject
    message["From"] = "ann@example.org"
    message["Date"] = "Mon, 05 Feb 2024 10:00:00 +0000"
    message.set_content(text)
    for name, content in files.items():
        name = name.replace("_", ".")
        if name.endswith(".eml"):
            inner = EmailMessage()
            inner["Subject"] = name.removesuffix(".eml")
            inner["From"] = "bob@example.org"
            inner.set_content("see the file")
            inner.add_attachment(content, "text", "plain", filename="deep.txt")
            message.add_attachment(inner)
        else:
            message.add_attachment(content, "application", "octet-stream", filename=name)
    return message.as_bytes()


def outcomes(library: Library) -> dict[str, str]:
    """What became of each document, by its path within the folder."""
    events = library.events(library.plan())
    start = f"{library.folder}/"
    return {
        e.path.removeprefix(start): e.outcome for e in events if isinstance(e, FileResult)
    }  # fmt: skip


def test_an_attachment_is_a_document_named_by_the_file_it_is_in(library: Library) -> None:
    report = docx(paragraph(RESIN))
    library.write({"a.eml": mail("Tides", TIDE, report_docx=report)})
    assert outcomes(library) == {"a.eml!report.docx": "added", "a.eml": "added"}
    assert "report.docx" in library.found("resin cures")
    member = library.document("a.eml!report.docx")
    assert member is not None
    assert (member.format, member.container) == ("docx", str(library.folder / "a.eml"))
    message = library.document("a.eml")
    assert message is not None
    assert (message.title, message.date, message.container) == ("Tides", "2024-02-05", None)


def test_attachments_of_attached_messages_are_found_too(library: Library) -> None:
    library.write({"a.eml": mail("Tides", TIDE, forwarded_eml=RESIN.encode())})
    assert set(outcomes(library)) == {
        "a.eml!forwarded.eml!deep.txt", "a.eml!forwarded.eml", "a.eml",
    }  # fmt: skip
    deep = library.document("a.eml!forwarded.eml!deep.txt")
    assert deep is not None
    assert deep.container == str(library.folder / "a.eml")
    assert "deep.txt" in library.found("resin")


def test_an_unchanged_message_is_not_looked_into_again(library: Library) -> None:
    library.fill({"a.eml": mail("Tides", TIDE, r_txt=RESIN.encode())})
    library.reader = None  # type: ignore[assignment]
    plan = library.plan()
    assert (plan.load, plan.files) == ((), 1)
    assert outcomes(library) == {"a.eml": "unchanged", "a.eml!r.txt": "unchanged"}


def test_a_message_that_was_only_touched_keeps_its_attachments(library: Library) -> None:
    library.fill({"a.eml": mail("Tides", TIDE, r_txt=RESIN.encode())})
    library.engine.embedded.clear()
    (library.folder / "a.eml").touch()
    assert outcomes(library) == {"a.eml!r.txt": "unchanged", "a.eml": "unchanged"}
    assert library.engine.embedded == []


def test_a_changed_message_reads_only_the_attachments_that_changed(library: Library) -> None:
    library.fill({"a.eml": mail("T", TIDE, r_txt=RESIN.encode(), s_txt=b"Old words stand here.")})
    library.engine.embedded.clear()
    changed = mail("T", TIDE, r_txt=RESIN.encode(), s_txt=b"New words stand here.")
    library.write({"a.eml": changed})
    assert outcomes(library) == {
        "a.eml!r.txt": "unchanged", "a.eml!s.txt": "updated", "a.eml": "updated",
    }  # fmt: skip
    assert [text for text in library.engine.embedded if "resin" in text] == []


def test_an_attachment_that_is_gone_goes_and_so_does_what_was_in_it(library: Library) -> None:
    library.fill({"a.eml": mail("T", TIDE, forwarded_eml=RESIN.encode(), s_txt=b"It stays here.")})
    library.write({"a.eml": mail("T", TIDE, s_txt=b"It stays here.")})
    assert outcomes(library) == {
        "a.eml!forwarded.eml!deep.txt": "removed", "a.eml!forwarded.eml": "removed",
        "a.eml!s.txt": "unchanged", "a.eml": "updated",
    }  # fmt: skip
    assert library.found("resin") == {"a.eml", "s.txt"}


def test_attachments_go_with_their_file(library: Library) -> None:
    library.fill({"a.eml": mail("T", TIDE, r_txt=RESIN.encode()), "b.txt": TIDE})
    (library.folder / "a.eml").unlink()
    results = outcomes(library)
    assert results == {"a.eml": "removed", "a.eml!r.txt": "removed", "b.txt": "unchanged"}
    assert library.found("resin") == {"b.txt"}


def test_attachments_go_when_their_file_is_no_message_any_more(library: Library) -> None:
    library.fill({"a.eml": mail("T", TIDE, r_txt=RESIN.encode())})
    library.write({"a.eml": b"\x1f\x8b\x08"})
    assert outcomes(library) == {"a.eml!r.txt": "removed", "a.eml": "unsupported"}


def test_attachments_of_a_file_that_cannot_be_read_for_a_while_are_kept_and_marked(
    library: Library, reader: ReaderProcess
) -> None:
    library.fill({"a.eml": mail("T", TIDE, r_txt=RESIN.encode())})
    library.write({"a.eml": mail("T", TIDE + " More.", r_txt=RESIN.encode())})

    class Slow:
        def load(self, path: Path) -> LoadedDocument:
            raise TimedOut(str(path), "It took too long.", "")

        def member(self, path: Path, name: str) -> bytes:
            raise AssertionError("nothing is taken out of what cannot be read")

    library.reader = Slow()
    assert set(outcomes(library).values()) == {"timed_out"}
    member = library.document("a.eml!r.txt")
    assert member is not None and member.stale
    library.reader = reader
    assert outcomes(library) == {"a.eml!r.txt": "unchanged", "a.eml": "updated"}
    fresh = library.document("a.eml!r.txt")
    assert fresh is not None and not fresh.stale


def test_an_attachment_that_failed_for_a_while_is_tried_again(
    library: Library, reader: ReaderProcess
) -> None:
    library.write({"a.eml": mail("T", TIDE, r_txt=RESIN.encode())})

    class Impatient:
        def load(self, path: Path) -> LoadedDocument:
            if path.name == "r.txt":
                raise TimedOut(str(path), "It took too long.", "")
            return reader.load(path)

        def member(self, path: Path, name: str) -> bytes:
            return reader.member(path, name)

    library.reader = Impatient()
    assert outcomes(library) == {"a.eml!r.txt": "timed_out", "a.eml": "added"}
    library.reader = reader
    assert outcomes(library)["a.eml!r.txt"] == "added"


def test_what_cannot_be_read_in_a_message_is_named_and_stops_nothing(library: Library) -> None:
    files = {"p_gz": b"\x1f\x8b\x08", "void_txt": b"", "r_txt": RESIN.encode()}
    library.write({"a.eml": mail("T", TIDE, **files)})
    assert outcomes(library) == {
        "a.eml!p.gz": "unsupported", "a.eml!void.txt": "no_text", "a.eml!r.txt": "added",
        "a.eml": "added",
    }  # fmt: skip


def test_a_run_that_ends_before_its_message_reads_it_again(library: Library) -> None:
    library.write({"a.eml": mail("T", TIDE, r_txt=RESIN.encode(), s_txt=b"More words here.")})
    events = library.events(library.plan())
    assert isinstance(next(events), Planned)
    first = next(e for e in events if isinstance(e, FileResult))
    events.close()
    assert first.container == str(library.folder / "a.eml")
    assert len(library.plan().load) == 1
    assert set(outcomes(library)) == {"a.eml!r.txt", "a.eml!s.txt", "a.eml"}
    assert library.document("a.eml!s.txt") is not None


def test_messages_within_messages_without_end_are_cut(library: Library) -> None:
    inner = EmailMessage()
    inner["Subject"], inner["From"] = "0", "a@example.org"
    inner.set_content("The innermost.")
    for level in range(1, 8):
        outer = EmailMessage()
        outer["Subject"], outer["From"] = str(level), "a@example.org"
        outer.set_content("see below")
        outer.add_attachment(inner)
        inner = outer
    library.write({"a.eml": inner.as_bytes()})
    results = outcomes(library)
    assert sorted(results.values()) == ["added"] * 5 + ["too_large"]
    (cut,) = [path for path, outcome in results.items() if outcome == "too_large"]
    assert cut.count("!") == 5


def test_nothing_taken_out_is_left_behind(library: Library) -> None:
    leftover = library.home.taken_out / "old"
    leftover.mkdir(parents=True)
    (leftover / "secret.txt").write_text("left by a run that was killed")
    library.fill({"a.eml": mail("T", TIDE, r_txt=RESIN.encode())})
    assert list(library.home.taken_out.glob("**/*")) == []


@pytest.fixture
def assistant(tmp_path: Path):
    settings = load_settings(
        {"home": tmp_path / "home", "engine": "embedded", "ollama_host": "http://127.0.0.1:9"}, {}
    )
    assistant = open_assistant(settings)
    yield assistant
    assistant.close()


def test_an_attached_page_is_drawn_from_the_uploaded_message(assistant, tmp_path: Path) -> None:
    from fpdf import FPDF

    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("helvetica", size=12)
    pdf.multi_cell(0, text=RESIN)
    content = mail("T", TIDE, r_pdf=bytes(pdf.output()))
    plan = assistant.plan_uploads([assistant.store_upload("a.eml", content)])
    list(assistant.ingest(plan))
    member = assistant.document("upload:a.eml!r.pdf")
    picture = assistant.picture(member.id, member.sha256, 1, (0, 9))
    assert picture is not None and picture.png is not None
    assert picture.png.startswith(b"\x89PNG")
    message = assistant.document("upload:a.eml")
    assert [d.path for d in assistant.members(message)] == ["upload:a.eml!r.pdf"]
    assistant.remove([message.id])
    assert assistant.documents() == []
    assert list(assistant.settings.library.uploads.iterdir()) == []


def test_a_row_far_down_a_sheet_is_shown_with_the_names_of_its_columns(
    assistant, tmp_path: Path
) -> None:
    rows = [["Town", "Euro"], *([f"Town {i}", 100 + i] for i in range(80))]
    path = tmp_path / "a.xlsx"
    path.write_bytes(xlsx({"Rates": rows}))
    list(assistant.ingest(assistant.plan([path])))
    document = assistant.document(str(path))
    for number in (1, 2):
        unit = assistant.units(document.id)[number - 1]
        at = len(unit.text) - 5
        picture = assistant.picture(document.id, document.sha256, number, (at, at + 5))
        assert picture is not None and picture.columns == "Town | Euro"
    hit = assistant.search("Town 77").hits[0].chunk
    assert hit.headings == ("Rates", "Town | Euro")
    assert (hit.kind, hit.label) == ("rows", "Rates, rows 51–81")


def test_a_message_that_moves_takes_its_attachments_along(library: Library) -> None:
    library.fill({"a.eml": mail("Tides", TIDE, forwarded_eml=RESIN.encode())})
    names = ("a.eml", "a.eml!forwarded.eml", "a.eml!forwarded.eml!deep.txt")
    before = [library.document(name) for name in names]
    (library.folder / "a.eml").rename(library.folder / "b.eml")
    library.engine.embedded.clear()
    assert set(outcomes(library).values()) == {"unchanged"}
    after = [library.document(name.replace("a.eml", "b.eml", 1)) for name in names]
    assert [d and d.id for d in after] == [d and d.id for d in before]
    assert [d and d.container for d in after[1:]] == [str(library.folder / "b.eml")] * 2
    assert library.engine.embedded == []
    assert len(outcomes(library)) == len(names)  # nothing is left under the old name
