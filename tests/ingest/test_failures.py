"""What cannot be read ends in a named outcome, alone; nothing already stored is lost."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import MODEL
from library import Library

from rag.catalog import chunks, documents, vectors
from rag.errors import (
    Damaged,
    EngineError,
    EngineTimeout,
    EngineUnreachable,
    IdentityMismatch,
    InputTooLong,
    ModelMissing,
)
from rag.ingest import ahead
from rag.ingest.ahead import LEAST_GROUP as GROUP
from rag.loaders.loading import load
from rag.types import FileResult, LoadedDocument

GOOD = "The resin cures in three hours."


def pdf(path: Path, password: str = "") -> None:
    from fpdf import FPDF

    made = FPDF()
    made.set_font("helvetica", size=12)
    if password:
        made.set_encryption(owner_password="owner", user_password=password)
    made.add_page()
    made.multi_cell(0, text="The secret resin cures in three hours.")
    made.output(str(path))


def make_bad(folder: Path) -> dict[str, str]:
    """One bad file of each kind, with the outcome it is to end in."""
    (folder / "zero.txt").write_bytes(b"")
    (folder / "zero.pdf").write_bytes(b"")
    (folder / "blank.txt").write_text(" \n\t\n")
    pdf(folder / "locked.pdf", password="open sesame")
    pdf(folder / "whole.pdf")
    content = (folder / "whole.pdf").read_bytes()
    (folder / "whole.pdf").unlink()
    (folder / "damaged.pdf").write_bytes(b"%PDF-1.7\n" + os.urandom(500))
    (folder / "cut.pdf").write_bytes(content[:300])
    (folder / "program.exe").write_bytes(b"MZ\x90\x00" + bytes(range(256)) * 20)
    return {
        "zero.txt": "no_text", "zero.pdf": "no_text", "blank.txt": "no_text",
        "locked.pdf": "needs_password", "damaged.pdf": "damaged", "cut.pdf": "damaged",
        "program.exe": "unsupported",
    }  # fmt: skip


def test_every_bad_file_ends_in_its_outcome_and_the_good_ones_are_read(library: Library) -> None:
    expected = make_bad(library.folder) | {"good.txt": "added"}
    results = library.fill({"good.txt": GOOD})
    assert {name: result.outcome for name, result in results.items()} == expected
    for name, result in results.items():
        if name != "good.txt":
            assert result.error is not None
            assert result.error.code == result.outcome
            assert result.error.message.endswith((".", "!")) and name in result.error.message
            assert result.error.hint
            assert result.document_id
    assert library.found("resin") == {"good.txt"}
    with library.catalog.read() as db:
        coverage = documents.coverage(db)
    assert (coverage.documents, coverage.documents_read) == (8, 1)


def test_a_second_run_says_the_same_of_bad_files_without_reading_them(library: Library) -> None:
    make_bad(library.folder)
    first = library.ingest()
    assert not library.plan().load
    second = library.ingest()
    assert {n: (r.outcome, r.error) for n, r in second.items()} == {
        n: (r.outcome, r.error) for n, r in first.items()
    }


def test_a_bad_file_that_was_touched_keeps_its_reason(library: Library) -> None:
    first = library.fill({"zero.txt": ""})["zero.txt"]
    os.utime(library.folder / "zero.txt", ns=(1, 1))
    library.ingest()
    assert library.ingest()["zero.txt"].error == first.error
    document = library.document("zero.txt")
    assert document is not None
    assert document.error == first.error


def test_a_file_that_turns_bad_retires_its_old_text(library: Library) -> None:
    library.fill({"a.txt": GOOD})
    result = library.fill({"a.txt": ""})["a.txt"]
    assert (result.outcome, result.chunks) == ("no_text", 0)
    assert library.found("resin") == set()
    assert library.fill({"a.txt": GOOD})["a.txt"].outcome == "added"


@pytest.mark.parametrize(
    "name",
    [
        b"caf\xe9.txt",
        b"new\nline.txt",
        "潮 🦑.txt".encode(),
        b"-rf.txt",
    ],
)
def test_any_file_name_is_a_file_of_its_own_and_stops_nothing(
    library: Library, name: bytes
) -> None:
    (library.folder / os.fsdecode(name)).write_text(GOOD)
    results = library.fill({"good.txt": "The tide rises."})
    assert len(results) == 2
    assert results["good.txt"].outcome == "added"


# ----------------------------------------------------------------- what may pass


class ReadingThat:
    """A reader that does something just before it reads a certain file."""

    def __init__(self, name: str, act: Callable[[Path], None]) -> None:
        self._name, self._act = name, act

    def load(self, path: Path) -> LoadedDocument:
        if path.name == self._name:
            self._act(path)
        return load(path)


def test_a_file_that_vanishes_during_the_run_fails_alone(library: Library) -> None:
    library.reader = ReadingThat("b.txt", Path.unlink)  # type: ignore[assignment]
    results = library.fill(
        {"a.txt": GOOD, "b.txt": "The tide rises.", "c.txt": "The ferry leaves."}
    )
    assert {n: r.outcome for n, r in results.items()} == {
        "a.txt": "added", "b.txt": "unreadable", "c.txt": "added",
    }  # fmt: skip


def test_a_file_gone_between_plan_and_run_fails_alone(library: Library) -> None:
    library.write({"a.txt": GOOD, "b.txt": "The tide rises."})
    plan = library.plan()
    (library.folder / "b.txt").unlink()
    events = [e for e in library.events(plan) if isinstance(e, FileResult)]
    assert {Path(e.path).name: e.outcome for e in events} == {
        "a.txt": "added", "b.txt": "unreadable",
    }  # fmt: skip


def test_a_file_written_while_it_is_read_is_left_for_the_next_run(library: Library) -> None:
    grow = ReadingThat("a.txt", lambda path: path.write_text(GOOD * 2) and None)
    library.reader, before = grow, library.reader  # type: ignore[assignment]
    result = library.fill({"a.txt": GOOD})["a.txt"]
    assert result.outcome == "unreadable"
    assert result.error is not None and "changed" in result.error.message
    library.reader = before
    assert library.ingest()["a.txt"].outcome == "added"


def test_an_unreadable_version_keeps_the_old_text_marked_stale_until_it_can_be_read(
    library: Library, unprivileged
) -> None:
    first = library.fill({"a.txt": GOOD})["a.txt"]
    path = library.folder / "a.txt"
    path.write_text("The glue hardens overnight.")
    path.chmod(0)
    library.reader = ReadingThat("none", lambda path: None)  # type: ignore[assignment]
    with unprivileged():
        result = library.ingest()["a.txt"]
    assert (result.outcome, result.chunks, result.document_id) == (
        "unreadable", first.chunks, first.document_id,
    )  # fmt: skip
    document = library.document("a.txt")
    assert document is not None and document.stale and document.searchable
    hit = library.retriever.search("resin").hits[0]
    assert hit.chunk.stale
    path.chmod(0o600)
    assert library.ingest()["a.txt"].outcome == "updated"
    document = library.document("a.txt")
    assert document is not None
    assert (document.stale, document.error) == (False, None)
    assert not library.retriever.search("glue").hits[0].chunk.stale


def test_a_stale_document_whose_file_comes_back_unchanged_is_fresh_again(
    library: Library,
) -> None:
    library.fill({"a.txt": GOOD})
    path = library.folder / "a.txt"
    path.rename(library.root / "away")
    path.symlink_to("nowhere")
    assert library.ingest()["a.txt"].outcome == "unreadable"
    library.engine.embedded.clear()
    path.unlink()
    (library.root / "away").rename(path)
    library.ingest()
    document = library.document("a.txt")
    assert document is not None
    assert (document.stale, document.outcome, document.error) == (False, "updated", None)
    assert library.engine.embedded == []


def test_files_below_a_closed_folder_stay_and_answer(library: Library, unprivileged) -> None:
    library.fill({"a.txt": GOOD, "closed/b.txt": "The tide rises."})
    (library.folder / "closed").chmod(0)
    try:
        with unprivileged():
            results = library.ingest()
    finally:
        (library.folder / "closed").chmod(0o700)
    assert {n: r.outcome for n, r in results.items()} == {
        "a.txt": "unchanged",
        "closed": "unreadable",
    }
    assert library.found("tide") >= {"b.txt"}
    assert {n: r.outcome for n, r in library.ingest().items()} == {
        "a.txt": "unchanged", "b.txt": "unchanged", "closed": "removed",
    }  # fmt: skip


# ----------------------------------------------------------------- the engine


@pytest.mark.parametrize("kind", [EngineUnreachable, EngineTimeout, ModelMissing])
def test_an_engine_that_goes_away_ends_the_run_and_the_next_one_continues(
    library: Library, kind: type[EngineError]
) -> None:
    files: dict[str, str | bytes] = {
        f"{i}.md": "".join(f"# Part {i}-{j}\n\nThe tide at pier {i}-{j}.\n\n" for j in range(GROUP))
        for i in range(3)
    }
    library.write(files)
    gone = kind("scripted", "The engine is gone.", "Start it.")
    library.engine.refused["pier 1-5."] = gone
    results = []
    with pytest.raises(kind):
        for event in library.events(library.plan()):
            if isinstance(event, FileResult):
                results.append(event)
    done = {Path(r.path).name for r in results}
    assert done == {"0.md"}
    with library.catalog.read() as db:
        assert {d.name for d in documents.all_documents(db)} == done
        assert chunks.count(db) == GROUP
    library.engine.refused.clear()
    library.engine.embedded.clear()
    outcomes = {n: r.outcome for n, r in library.ingest().items()}
    assert outcomes == {"0.md": "unchanged", "1.md": "added", "2.md": "added"}
    assert len(library.engine.embedded) == 2 * GROUP


def test_vectors_made_before_the_engine_went_are_not_made_again(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead, "LARGEST_SLICE", GROUP // 2)
    parts = "".join(f"# Part {j}\n\nThe tide at pier {j}.\n\n" for j in range(3 * GROUP))
    library.write({"long.md": parts})
    library.engine.refused[f"pier {2 * GROUP + 5}."] = EngineUnreachable("x", "Gone.", "Start it.")
    with pytest.raises(EngineUnreachable):
        list(library.events(library.plan()))
    library.engine.refused.clear()
    library.engine.embedded.clear()
    result = library.ingest()["long.md"]
    assert result.chunks == 3 * GROUP
    assert 0 < len(library.engine.embedded) == result.chunks_embedded < 2 * GROUP


def test_a_text_of_two_groups_is_embedded_once(library: Library) -> None:
    many = "".join(f"# Part {j}\n\nThe tide at pier {j}.\n\n" for j in range(GROUP))
    library.write({f"{i}.md": many for i in range(4)})
    results = library.ingest()
    assert len(library.engine.embedded) == GROUP
    assert sum(result.chunks_embedded for result in results.values()) == GROUP
    with library.catalog.read() as db:
        stored, _ = vectors.of_chunks_after(db, library.embedder.identity.key, 0)
    assert len(stored) == 4 * GROUP


def test_one_file_that_the_engine_refuses_fails_alone(library: Library) -> None:
    library.engine.refused["poison"] = InputTooLong("words", "A text is too long.", "Report it.")
    results = library.fill({"a.txt": GOOD, "b.txt": "This is poison.", "c.txt": "The tide rises."})
    assert {n: r.outcome for n, r in results.items()} == {
        "a.txt": "added", "b.txt": "failed", "c.txt": "added",
    }  # fmt: skip
    error = results["b.txt"].error
    assert error is not None
    assert (error.code, error.message) == ("input_too_long", "A text is too long.")
    library.engine.refused.clear()
    assert library.ingest()["b.txt"].outcome == "added"


def test_a_failed_update_keeps_the_old_version_answering(library: Library) -> None:
    library.fill({"a.txt": GOOD})
    library.engine.refused["poison"] = EngineError("words", "It refused.", "Look.")
    result = library.fill({"a.txt": "This is poison."})["a.txt"]
    assert (result.outcome, result.chunks) == ("failed", 1)
    hit = library.retriever.search("resin").hits[0].chunk
    assert (hit.text, hit.stale) == (GOOD, True)


def test_another_embedding_model_never_gets_into_a_library(library: Library) -> None:
    library.fill({"a.txt": GOOD})
    library.engine.digest = "another"
    library.write({"b.txt": "The tide rises."})
    with pytest.raises(IdentityMismatch) as caught:
        list(library.events(library.plan()))
    assert "rag reindex" in caught.value.hint
    with library.catalog.read() as db:
        assert [d.name for d in documents.all_documents(db)] == ["a.txt"]
    library.engine.digest = "d1"
    assert library.ingest()["b.txt"].outcome == "added"


def test_a_run_that_is_stopped_keeps_what_it_committed_and_can_go_on(library: Library) -> None:
    many = "".join(f"# Part {j}\n\nThe tide at pier {j}.\n\n" for j in range(GROUP))
    library.write({f"{i}.md": many.replace("pier", f"pier {i}") for i in range(3)})
    stream = library.events(library.plan())
    first = next(event for event in stream if isinstance(event, FileResult))
    stream.close()
    assert Path(first.path).name == "0.md"
    assert library.document("0.md") is not None
    outcomes = {n: r.outcome for n, r in library.ingest().items()}
    assert outcomes.pop("0.md") == "unchanged"
    assert set(outcomes.values()) <= {"added", "unchanged"}
    with library.catalog.read() as db:
        stored, _ = vectors.of_chunks_after(db, library.embedder.identity.key, 0)
        assert chunks.count(db) == len(stored) == 3 * GROUP


def test_a_mistake_of_ours_is_not_taken_for_a_bad_file(library: Library) -> None:
    def fail(path: Path) -> None:
        raise ZeroDivisionError

    library.reader = ReadingThat("a.txt", fail)  # type: ignore[assignment]
    with pytest.raises(ZeroDivisionError):
        library.fill({"a.txt": GOOD})


def test_an_error_of_a_reader_keeps_its_words(library: Library) -> None:
    def fail(path: Path) -> None:
        raise Damaged(str(path), "It is torn.", "Mend it.")

    library.reader = ReadingThat("a.txt", fail)  # type: ignore[assignment]
    error = library.fill({"a.txt": GOOD})["a.txt"].error
    assert error is not None
    assert (error.code, error.message, error.hint) == ("damaged", "It is torn.", "Mend it.")
    assert library.engine.identity(MODEL) == library.embedder.identity
