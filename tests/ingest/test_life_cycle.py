"""The life of a file in a library, through the real pipeline: what is done, and what is not."""

import errno
import hashlib
import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from library import READERS, Library, is_current

from rag.assistant import Assistant, open_assistant
from rag.catalog import chunks, documents, runs, vectors
from rag.chunking import Chunker
from rag.config import load_settings
from rag.engines import wordpiece
from rag.errors import UnknownDocument
from rag.indexes.builder import Builder
from rag.ingest.commit import Committer
from rag.ingest.pipeline import Planned, Summary
from rag.ingest.prepare import Preparer
from rag.ingest.remove import remove
from rag.types import FileResult
from tests.ingest.test_members import mail

LONG = "\n\n".join(
    f"Paragraph {i} tells of the tide at pier {i}. " + "The water rises and falls. " * 30
    for i in range(8)
)


def all_texts(library: Library) -> list[str]:
    with library.catalog.read() as db:
        return [chunk.text for chunk in chunks.after(db, 0)]


def commit_as_one_group(library: Library) -> None:
    """What the pipeline does where reading is far ahead of embedding."""
    plan = library.plan()
    with library.catalog.read() as db:
        known = {d.path: d for d in documents.all_documents(db)}
    chunker = Chunker(wordpiece.count)
    preparer = Preparer(
        library.reader, chunker, known, is_current, library.home.taken_out, {}, lambda _: {}
    )
    embedder = library.embedder
    with library.lock() as lock:
        committer = Committer(library.catalog, embedder, embedder.identity, lock, READERS)
        group = [p for found in plan.load for p in preparer.prepare(found)]
        list(committer.finish(committer.begin(group)))
        committer.close()


def stored_vectors(library: Library) -> int:
    with library.catalog.read() as db:
        return db.execute("SELECT count(*) FROM vectors").fetchone()[0]


def test_a_new_file_is_added_chunked_embedded_and_found(library: Library) -> None:
    result = library.fill({"tide.txt": LONG})["tide.txt"]
    assert result.outcome == "added"
    assert result.path == str(library.folder / "tide.txt")
    assert result.chunks == result.chunks_embedded == len(library.engine.embedded) > 1
    assert (result.pages_without_text, result.error) == (0, None)
    assert library.found("tide at pier 5") == {"tide.txt"}
    document = library.document("tide.txt")
    assert document is not None
    assert document.id == result.document_id
    assert document.searchable


def test_an_unchanged_file_costs_no_embedding_call_and_no_commit(library: Library) -> None:
    library.fill({"tide.txt": LONG})
    with library.catalog.read() as db:
        before = chunks.sequence(db)
    library.engine.embedded.clear()
    library.engine.refused[""] = AssertionError("nothing is to be embedded")  # type: ignore[assignment]
    result = library.ingest()["tide.txt"]
    assert (result.outcome, result.chunks_embedded) == ("unchanged", 0)
    assert result.chunks > 1
    with library.catalog.read() as db:
        assert chunks.sequence(db) == before


def test_a_file_touched_but_not_changed_is_unchanged(library: Library) -> None:
    library.fill({"tide.txt": LONG})
    library.engine.embedded.clear()
    os.utime(library.folder / "tide.txt", ns=(1, 1))
    assert library.ingest()["tide.txt"].outcome == "unchanged"
    assert library.engine.embedded == []
    assert not library.plan().load  # its new time is remembered


def test_a_change_embeds_only_the_chunks_that_changed(library: Library) -> None:
    first = library.fill({"tide.txt": LONG})["tide.txt"]
    library.engine.embedded.clear()
    changed = LONG.replace("Paragraph 7 tells of the tide at pier 7.", "The last pier was closed.")
    second = library.fill({"tide.txt": changed})["tide.txt"]
    assert (second.outcome, second.document_id) == ("updated", first.document_id)
    assert 0 < second.chunks_embedded <= 2 < second.chunks
    assert len(library.engine.embedded) == second.chunks_embedded
    assert "pier 7" not in "".join(all_texts(library))
    assert "The last pier was closed." in "".join(all_texts(library))
    assert stored_vectors(library) == second.chunks  # the old chunk's vector is gone


def test_a_copy_and_a_rename_embed_nothing(library: Library) -> None:
    library.fill({"tide.txt": LONG})
    library.engine.embedded.clear()
    shutil.copy(library.folder / "tide.txt", library.folder / "copy.txt")
    assert library.ingest()["copy.txt"].chunks_embedded == 0
    (library.folder / "tide.txt").rename(library.folder / "renamed.txt")
    assert {n: r.outcome for n, r in library.ingest().items()} == {
        "copy.txt": "unchanged", "renamed.txt": "unchanged",
    }  # fmt: skip
    assert library.engine.embedded == []
    assert library.found("tide at pier 5") == {"copy.txt", "renamed.txt"}


@pytest.mark.parametrize("same_time", [True, False])
def test_a_moved_file_stays_the_same_document_under_its_new_name(
    library: Library, same_time: bool
) -> None:
    before = library.fill({"reports/tide.txt": LONG})["tide.txt"]
    library.ingest(collection="harbour")
    (library.folder / "archive").mkdir()
    new = (library.folder / "reports/tide.txt").rename(library.folder / "archive/ebb.txt")
    if not same_time:
        os.utime(new, ns=(1, 1))
    plan = library.plan()
    assert [d.name for d in plan.moved] == (["tide.txt"] if same_time else [])
    library.reader = None  # type: ignore[assignment]  # it is not read again
    *_, result, summary = library.events(plan)
    assert isinstance(result, FileResult) and isinstance(summary, Summary)
    assert (summary.counts, summary.moved) == ({"unchanged": 1}, 1)
    assert (result.outcome, result.path) == ("unchanged", str(new))
    assert result.moved_from == str(library.folder / "reports/tide.txt")
    assert result.document_id == before.document_id
    document = library.document("archive/ebb.txt")
    assert document is not None
    assert (document.name, document.collections) == ("ebb.txt", ("harbour",))
    assert library.document("reports/tide.txt") is None
    (hit, *_) = library.retriever.search("tide at pier 5").hits
    assert (hit.chunk.path, hit.chunk.document_id) == (str(new), before.document_id)
    assert library.retriever.search("ebb").hits[0].keyword_score  # found by its new name
    assert not library.plan().load


def test_documents_that_share_most_of_their_text_are_named_as_similar(library: Library) -> None:
    parts = [f"Pier {i} has a gauge. " + "It measures the tide. " * 40 for i in range(6)]
    letter = "\n\n".join(parts)
    library.write(
        {
            "letter.txt": letter,
            "again.txt": letter + "\n\nSigned by Ann.",
            "quote.txt": parts[0] + "\n\n" + "\n\n".join(f"Resin {i}. " * 150 for i in range(9)),
            "other.txt": "The resin cures in three hours.",
        }
    )
    ids = {name: result.document_id or "" for name, result in library.ingest().items()}
    with library.catalog.read() as db:
        (other,) = chunks.similar(db, ids["letter.txt"])
        assert other.name == "again.txt"
        assert 0.5 <= other.same / other.texts < 1
        assert [o.name for o in chunks.similar(db, ids["again.txt"])] == ["letter.txt"]
        assert chunks.similar(db, ids["quote.txt"]) == chunks.similar(db, ids["other.txt"]) == []


def test_files_of_the_same_content_that_move_together_stay_two_documents(library: Library) -> None:
    library.write({"old/a.txt": LONG, "old/b.txt": LONG})
    library.ingest()
    ids = {d.id for d in (library.document("old/a.txt"), library.document("old/b.txt")) if d}
    (library.folder / "old").rename(library.folder / "new")
    results = library.ingest()
    assert {r.document_id for r in results.values()} == ids
    assert {r.outcome for r in results.values()} == {"unchanged"}


def test_a_new_file_of_the_size_and_time_of_a_missing_one_is_another_document(
    library: Library,
) -> None:
    library.fill({"tide.txt": "The tide rises at noon."})
    times = (library.folder / "tide.txt").stat()
    (library.folder / "tide.txt").unlink()
    library.write({"glue.txt": "The glue cures quickly."})
    os.utime(library.folder / "glue.txt", ns=(times.st_mtime_ns, times.st_mtime_ns))
    results = library.ingest()
    assert (results["glue.txt"].outcome, results["tide.txt"].outcome) == ("added", "removed")


def test_a_text_that_moves_to_another_file_of_the_same_group_keeps_its_vector(
    library: Library,
) -> None:
    library.fill({"a.txt": "The resin cures in three hours."})
    library.write(
        {"a.txt": "Something else altogether.", "b.txt": "The resin cures in three hours."}
    )
    commit_as_one_group(library)
    with library.catalog.read() as db:
        with_vector, _ = vectors.of_chunks_after(db, library.embedder.identity.key, 0)
        assert len(with_vector) == chunks.count(db) == 2


def test_a_file_gone_from_the_folder_leaves_the_library(library: Library) -> None:
    library.fill({"tide.txt": LONG, "resin.txt": "The resin cures in three hours."})
    (library.folder / "tide.txt").unlink()
    results = library.ingest()
    assert results["tide.txt"].outcome == "removed"
    assert library.document("tide.txt") is None
    assert library.found("tide resin") == {"resin.txt"}
    assert stored_vectors(library) == 1


def test_a_missing_file_is_kept_where_its_removal_is_refused(library: Library) -> None:
    from dataclasses import replace

    library.fill({"tide.txt": LONG, "resin.txt": "The resin cures."})
    (library.folder / "tide.txt").unlink()
    list(library.events(replace(library.plan(), remove=())))
    assert library.found("tide at pier 5") >= {"tide.txt"}


def test_another_folder_removes_nothing_of_this_one(library: Library, tmp_path: Path) -> None:
    library.fill({"tide.txt": LONG})
    other = tmp_path / "other"
    other.mkdir()
    (other / "resin.txt").write_text("The resin cures.")
    (library.folder / "tide.txt").unlink()
    assert set(library.ingest(other)) == {"resin.txt"}
    assert library.document("tide.txt") is not None


def test_a_file_named_by_itself_is_not_removed_with_a_folder(library: Library) -> None:
    library.write({"alone.txt": "The resin cures.", "tide.txt": "The tide rises."})
    library.ingest(library.folder / "alone.txt")
    (library.folder / "alone.txt").unlink()
    assert "alone.txt" not in library.ingest()
    assert library.document("alone.txt") is not None


def test_a_file_named_by_itself_belongs_to_the_folder_that_finds_it_again(
    library: Library,
) -> None:
    library.write({"alone.txt": "The resin cures.", "tide.txt": "The tide rises."})
    library.ingest(library.folder / "alone.txt")
    assert library.ingest()["alone.txt"].outcome == "unchanged"
    (library.folder / "alone.txt").unlink()
    assert library.ingest()["alone.txt"].outcome == "removed"


def test_a_path_that_comes_twice_in_one_group_keeps_the_later_text_alone(library: Library) -> None:
    """As a file `mail.eml!a.txt` beside an attachment of that name."""
    library.write({"a.txt": LONG})
    preparer = Preparer(
        library.reader, Chunker(wordpiece.count), {}, is_current, library.home.taken_out, {},
        lambda _: {},
    )  # fmt: skip
    (found,) = library.plan().load
    group = list(preparer.prepare(found))
    library.write({"a.txt": "The resin cures in three hours."})
    (found,) = library.plan().load
    group += preparer.prepare(found)
    with library.lock() as lock:
        committer = Committer(
            library.catalog, library.embedder, library.embedder.identity, lock, READERS
        )
        first, second = (
            e for e in committer.finish(committer.begin(group)) if isinstance(e, FileResult)
        )
        committer.close()
    assert (first.document_id, second.outcome) == (second.document_id, "updated")
    assert all_texts(library) == ["The resin cures in three hours."]


def test_a_file_that_became_unreadable_for_a_while_in_a_subfolder_leaves_nothing_behind(
    library: Library,
) -> None:
    library.write({"sub/a.txt": "The resin cures."})
    (library.folder / "sub" / "broken.txt").symlink_to("gone")
    assert library.ingest()["broken.txt"].outcome == "unreadable"
    (library.folder / "sub" / "broken.txt").unlink()
    assert library.ingest()["broken.txt"].outcome == "removed"
    with library.catalog.read() as db:
        assert [d.name for d in documents.all_documents(db)] == ["a.txt"]


def test_removing_a_document_leaves_the_users_file_alone(library: Library) -> None:
    library.fill({"tide.txt": LONG})
    document = library.document("tide.txt")
    assert document is not None
    with library.lock() as lock:
        remove(library.catalog, library.home, lock, [document])
    assert (library.folder / "tide.txt").read_text() == LONG
    assert all_texts(library) == []
    assert stored_vectors(library) == 0


def test_documents_of_a_run_are_put_into_its_collection(library: Library) -> None:
    library.write({"a.txt": "The resin cures.", "b.txt": ""})
    library.ingest(collection="lab")
    library.ingest(collection="lab")
    with library.catalog.read() as db:
        assert [d.name for d in documents.all_documents(db, "lab")] == ["a.txt", "b.txt"]


def test_a_run_tells_its_plan_first_and_its_sums_last(library: Library) -> None:
    library.fill({"a.txt": "The resin cures.", "gone.txt": "The tide rises."})
    (library.folder / "gone.txt").unlink()
    library.write({"b.txt": "The battery lasts."})
    events = list(library.events(library.plan()))
    assert events[0] == Planned(3, 1, (str(library.folder / "gone.txt"),))
    summary = events[-1]
    assert isinstance(summary, Summary)
    assert summary.counts == {"unchanged": 1, "added": 1, "removed": 1}
    assert (summary.chunks, summary.chunks_embedded) == (2, 1)
    assert sum(isinstance(event, FileResult) for event in events) == 3
    with library.catalog.read() as db:
        last = runs.last(db)
    assert last is not None
    assert last["ended_at"] is not None


def test_the_process_that_builds_is_begun_while_the_last_texts_are_embedded(
    library: Library, generations_soon: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    known: list[int] = []
    begin = Builder.begin

    def noted(builder: Builder) -> None:
        known.append(stored_vectors(library))
        begin(builder)

    monkeypatch.setattr(Builder, "begin", noted)
    library.fill({"tide.txt": LONG})
    assert known == [0, stored_vectors(library)], "ahead, and again when it is needed"
    library.ingest()
    assert len(known) == 2, "nothing was new"


def test_stored_offsets_lead_to_the_very_text(library: Library) -> None:
    library.fill({"tide.md": "# Tides\n\n🦑 é 潮 first.\n\n## Ebb\n\n" + LONG})
    with library.catalog.read() as db:
        stored = list(chunks.after(db, 0))
        for chunk in stored:
            unit = documents.unit(db, chunk.document_id, chunk.unit)
            assert unit is not None
            assert unit.text[chunk.start : chunk.end] == chunk.text
    assert any("🦑" in chunk.text for chunk in stored)


# ----------------------------------------------------------------- uploads, through the assistant


@pytest.fixture
def assistant(tmp_path: Path):
    settings = load_settings(
        {"home": tmp_path / "home", "engine": "embedded", "ollama_host": "http://127.0.0.1:9"}, {}
    )
    assistant = open_assistant(settings)
    yield assistant
    assistant.close()


def upload(assistant: Assistant, name: str, content: bytes) -> list[FileResult]:
    plan = assistant.plan_uploads([assistant.store_upload(name, content)])
    return [event for event in assistant.ingest(plan) if isinstance(event, FileResult)]


def kept(assistant: Assistant) -> list[bytes]:
    return [path.read_bytes() for path in assistant.settings.library.uploads.iterdir()]


def test_an_upload_is_kept_under_its_hash_and_goes_with_its_document(
    assistant: Assistant,
) -> None:
    (result,) = upload(assistant, "../../etc/Résumé #2.txt", b"The resin cures in three hours.")
    assert (result.path, result.outcome) == ("upload:Résumé #2.txt", "added")
    assert kept(assistant) == [b"The resin cures in three hours."]
    best = assistant.search("resin").hits[0].chunk
    assert (best.path, best.name) == ("upload:Résumé #2.txt", "Résumé #2.txt")
    removed = assistant.remove([best.document_id])
    assert [r.outcome for r in removed] == ["removed"]
    assert kept(assistant) == []
    with pytest.raises(UnknownDocument):
        assistant.document(best.document_id)


def test_an_upload_of_the_same_name_takes_the_place_of_the_old_and_its_copy_goes(
    assistant: Assistant,
) -> None:
    upload(assistant, "a.txt", b"The resin cures in three hours.")
    (result,) = upload(assistant, "a.txt", b"The glue hardens overnight.")
    assert result.outcome == "updated"
    assert kept(assistant) == [b"The glue hardens overnight."]


def test_two_files_of_one_name_in_one_upload_are_two_documents(assistant: Assistant) -> None:
    stored = [
        assistant.store_upload(name, text)
        for name, text in (
            ("a/invoice.txt", b"The mooring fee is due."), ("b/invoice.txt", b"Bread comes by van."),
            ("c/invoice.txt", b"The mooring fee is due."),
        )
    ]  # fmt: skip
    plan = assistant.plan_uploads(stored)
    results = [e for e in assistant.ingest(plan) if isinstance(e, FileResult)]
    assert {r.path for r in results} == {"upload:invoice.txt", "upload:invoice (2).txt"}
    again = [
        assistant.store_upload("invoice.txt", text)
        for text in (b"The mooring fee is due.", b"Rope came by ship.", b"Bread comes by van.")
    ]
    paths = [file.path for file in assistant.plan_uploads(again).discovery.files]
    assert paths == [f"upload:invoice{n}.txt" for n in ("", " (3)", " (2)")]
    for question, name in (("mooring fee", "invoice.txt"), ("bread van", "invoice (2).txt")):
        assert assistant.search(question).hits[0].chunk.name == name
    assert len(kept(assistant)) == 3  # the rope waits


def test_an_upload_whose_copy_was_lost_is_said_so_and_can_be_uploaded_again(
    assistant: Assistant,
) -> None:
    name = assistant.store_upload("a.txt", b"The resin cures in three hours.")
    plan = assistant.plan_uploads([name])
    for copy in assistant.settings.library.uploads.iterdir():
        copy.unlink()
    (lost,) = (e for e in assistant.ingest(plan) if isinstance(e, FileResult))
    assert lost.outcome == "unreadable"
    (again,) = upload(assistant, "a.txt", b"The resin cures in three hours.")
    assert again.outcome == "added"
    assert again.document_id and assistant.remove([again.document_id])
    assert kept(assistant) == []


def test_a_copy_that_no_document_has_goes_after_a_day(assistant: Assistant) -> None:
    for name, age in (("waiting", 0), ("forgotten", 100_000)):
        assistant.store_upload(name, name.encode())
        digest = hashlib.sha256(name.encode()).hexdigest()
        at = time.time() - age
        os.utime(assistant.settings.library.uploads / digest, (at, at))
    upload(assistant, "a.txt", b"The resin cures in three hours.")
    assert sorted(kept(assistant)) == [b"The resin cures in three hours.", b"waiting"]


def test_what_an_ingestion_adds_while_a_removal_waits_is_removed_too(
    assistant: Assistant, tmp_path: Path
) -> None:
    path = tmp_path / "m.eml"
    path.write_bytes(mail("Contract", "Attached.", **{"one.txt": b"The rent is 900 euros."}))
    list(assistant.ingest(assistant.plan([path])))
    (message,) = (d for d in assistant.documents() if d.container is None)
    path.write_bytes(
        mail("Contract", "Attached.", **{"one.txt": b"The rent.", "two.txt": b"The cormorant."})
    )
    run = assistant.ingest(assistant.plan([path]))
    next(run)  # it has the lock
    with closing(open_assistant(assistant.settings)) as other, ThreadPoolExecutor(1) as thread:
        removal = thread.submit(other.remove, [message.id])
        with pytest.raises(TimeoutError):
            removal.result(timeout=1)
        list(run)
        assert {r.path for r in removal.result()} == {
            str(path), f"{path}!one.txt", f"{path}!two.txt"
        }  # fmt: skip
    assert assistant.documents() == []


def test_a_file_that_is_a_folder_now_is_gone_and_one_that_cannot_be_looked_at_is_not(
    assistant: Assistant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for name in ("a.md", "b.md", "c.md"):
        (folder / name).write_text(f"# {name}\n\nThe resin cures.")
    list(assistant.ingest(assistant.plan([folder])))
    for name in ("b.md", "c.md"):
        (folder / name).unlink()
    (folder / "b.md").mkdir()
    plan = assistant.plan([folder])
    look = Path.stat

    def refused(path: Path, **options: bool) -> os.stat_result:
        if path.name == "c.md":
            raise PermissionError(errno.EACCES, "Permission denied")
        return look(path, **options)

    monkeypatch.setattr(Path, "stat", refused)
    results = [e for e in assistant.ingest(plan) if isinstance(e, FileResult)]
    assert {Path(r.path).name for r in results if r.outcome == "removed"} == {"b.md"}


def test_a_copy_that_two_uploads_share_stays_until_both_are_gone(assistant: Assistant) -> None:
    (one,) = upload(assistant, "a.txt", b"The resin cures in three hours.")
    (other,) = upload(assistant, "b.txt", b"The resin cures in three hours.")
    assert one.document_id and other.document_id
    assistant.remove([one.document_id])
    assert len(kept(assistant)) == 1
    assistant.remove([other.document_id])
    assert kept(assistant) == []


def test_a_document_is_named_by_id_start_of_id_or_path(
    assistant: Assistant, tmp_path: Path
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("The resin cures in three hours.")
    list(assistant.ingest(assistant.plan([path])))
    (document,) = assistant.documents()
    for reference in (document.id, document.id[:8], str(path)):
        assert assistant.document(reference) == document
    for reference in (document.id[:3], "nothing", ""):
        with pytest.raises(UnknownDocument):
            assistant.document(reference)
