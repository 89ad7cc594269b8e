"""Chunks and vectors by their keys, and the log of changes that the indexes follow."""

import numpy as np
from library import IDENTITY, forget, put, stack, version, writing

from rag.catalog import chunks, documents, indexing, vectors
from rag.catalog.connection import Catalog
from rag.locks import WriterLock
from rag.types import ErrorInfo

GONE = ErrorInfo("failed", "The engine is gone.", "Start it.")


def test_every_commit_takes_the_next_number(catalog: Catalog, lock: WriterLock) -> None:
    seen = []
    for i in range(4):
        writing(catalog, lock, f"/{i % 2}", f"Text {i}.")
        with catalog.read() as db:
            seen.append(chunks.sequence(db))
    assert seen == [1, 2, 3, 4]
    with catalog.read() as db:
        assert [chunk.text for chunk in chunks.after(db, 2)] == ["Text 2.", "Text 3."]
        assert chunks.by_commit(db, 3, 9) == [(4, 1)]


def test_a_chunk_id_is_never_used_twice(catalog: Catalog, lock: WriterLock) -> None:
    first = writing(catalog, lock, "/a", "One.", "Two.")
    with catalog.write(lock) as db:
        old = chunks.ids_of_documents(db, [first])
        forget(db, first)
        second = put(db, "/b", "Three.", "Four.")
        assert not old & chunks.ids_of_documents(db, [second])


def test_a_removal_is_logged_until_the_index_has_followed(
    catalog: Catalog, lock: WriterLock
) -> None:
    document_id = writing(catalog, lock, "/a", "One.", "Two.")
    with catalog.write(lock) as db:
        gone = chunks.ids_of_documents(db, [document_id])
        forget(db, document_id)
        assert set(chunks.removed_after(db, 1)) == gone
        assert chunks.removed_after(db, 2) == []
        assert chunks.alive(db, list(gone)) == set()
        chunks.forget_removals(db, 1)
        assert set(chunks.removed_after(db, 0)) == gone
        chunks.forget_removals(db, 2)
        assert chunks.removed_after(db, 0) == []


def test_a_new_version_takes_the_place_of_the_old_in_one_commit(
    catalog: Catalog, lock: WriterLock
) -> None:
    old = writing(catalog, lock, "/a", "Old words.", "Kept words.")
    new = writing(catalog, lock, "/a", "New words.", "Kept words.")
    assert new == old
    with catalog.read() as db:
        assert [u.text for u in documents.units(db, new)] == ["New words.", "Kept words."]
        assert [c.text for c in chunks.after(db, 0)] == ["New words.", "Kept words."]
        assert len(chunks.removed_after(db, 1)) == 2


def test_a_vector_lives_as_long_as_the_last_chunk_that_needs_it(
    catalog: Catalog, lock: WriterLock
) -> None:
    key = vectors.key_of("Shared.")
    one = writing(catalog, lock, "/a", "Shared.", "Only in a.")
    other = writing(catalog, lock, "/b", "Shared.")
    with catalog.write(lock) as db:
        assert vectors.count_live(db) == 2
        assert len(chunks.ids_by_vector(db, [key])[key]) == 2
        forget(db, one)
        assert vectors.known(db, IDENTITY.key, [key, vectors.key_of("Only in a.")]) == {key}
        forget(db, other)
        assert vectors.known(db, IDENTITY.key, [key]) == set()


def test_vectors_named_to_be_kept_outlive_the_removal(catalog: Catalog, lock: WriterLock) -> None:
    document_id = writing(catalog, lock, "/a", "One.", "Two.")
    one, two = vectors.key_of("One."), vectors.key_of("Two.")
    with catalog.write(lock) as db:
        chunks.remove(db, document_id, chunks.next_sequence(db), keep={one})
        assert vectors.known(db, IDENTITY.key, [one, two]) == {one}


def test_a_sweep_takes_only_what_no_chunk_needs(catalog: Catalog, lock: WriterLock) -> None:
    writing(catalog, lock, "/a", "One.")
    with catalog.write(lock) as db:
        vectors.put(db, IDENTITY.key, [b"unused"], stack(["Unused."]))
        assert vectors.sweep(db, {IDENTITY.key}) == 1
        assert vectors.known(db, IDENTITY.key, [b"unused"]) == set()
        assert vectors.count_live(db) == len(vectors.of_chunks_after(db, IDENTITY.key, 0)[0]) == 1


def test_a_removal_takes_the_vectors_of_every_identity_with_it(
    catalog: Catalog, lock: WriterLock
) -> None:
    document_id = writing(catalog, lock, "/a", "One.")
    key = vectors.key_of("One.")
    with catalog.write(lock) as db:
        vectors.put(db, "another", [key], stack(["One."])[:, :32])
        assert vectors.known(db, "another", [key]) == {key}
        assert vectors.count_embedded(db, "another") == 1
        forget(db, document_id)
        assert not db.execute("SELECT * FROM vectors").fetchall()


def test_a_sweep_takes_the_vectors_of_identities_that_are_not_kept(
    catalog: Catalog, lock: WriterLock
) -> None:
    writing(catalog, lock, "/a", "One.")
    key = vectors.key_of("One.")
    with catalog.write(lock) as db:
        for identity in ("kept", "given up"):
            vectors.put(db, identity, [key], stack(["One."]))
        assert vectors.sweep(db, {IDENTITY.key, "kept"}) == 1
        assert {row[0] for row in db.execute("SELECT identity FROM vectors")} == {
            IDENTITY.key,
            "kept",
        }


def test_what_an_identity_has_not_embedded_is_found_in_order_and_in_parts(
    catalog: Catalog, lock: WriterLock
) -> None:
    writing(catalog, lock, "/a", "One.", "Two.", "Three.")
    with catalog.write(lock) as db:
        vectors.put(db, "another", [vectors.key_of("Two.")], stack(["Two."]))
        first, *_ = chunks.not_embedded(db, "another", 0, 9)
        assert [c.text for c in chunks.not_embedded(db, "another", 0, 9)] == ["One.", "Three."]
        assert [c.text for c in chunks.not_embedded(db, "another", 0, 1)] == ["One."]
        assert [c.text for c in chunks.not_embedded(db, "another", first.id, 9)] == ["Three."]
        assert chunks.not_embedded(db, IDENTITY.key, 0, 9) == []


def test_a_vector_comes_back_as_it_was_to_half_precision(
    catalog: Catalog, lock: WriterLock
) -> None:
    rows = np.random.default_rng(1).normal(size=(700, 384)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    texts = [f"Text {i}." for i in range(700)]
    with catalog.write(lock) as db:
        vectors.put(db, IDENTITY.key, [vectors.key_of(text) for text in texts], rows)
        put(db, "/a", *texts, keep=True)
    with catalog.read() as db:
        ids, found = vectors.of_chunks_after(db, IDENTITY.key, 0)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found[np.argsort(ids)], rows, atol=2e-4)
        batches = list(vectors.live(db, IDENTITY.key, 300))
        assert [len(keys) for keys, _ in batches] == [300, 300, 100]
        some, part = vectors.of_chunks(db, IDENTITY.key, sorted(ids)[:600])
        np.testing.assert_array_equal(part, found[[ids.index(i) for i in some]])


def test_a_vector_once_stored_is_not_overwritten(catalog: Catalog, lock: WriterLock) -> None:
    writing(catalog, lock, "/a", "One.")
    key = vectors.key_of("One.")
    with catalog.write(lock) as db:
        before = vectors.of_chunks_after(db, IDENTITY.key, 0)[1]
        vectors.put(db, IDENTITY.key, [key], stack(["Something else."]))
        np.testing.assert_array_equal(vectors.of_chunks_after(db, IDENTITY.key, 0)[1], before)


def test_a_failure_that_may_pass_keeps_the_old_text_marked_stale(
    catalog: Catalog, lock: WriterLock
) -> None:
    document_id = writing(catalog, lock, "/a", "Old words.")
    with catalog.write(lock) as db:
        failed = documents.record_failure(
            db, version("/a", "f" * 64), "failed", GONE, "r", chunks.next_sequence(db), True
        )
        document = documents.by_id(db, failed)
    assert document is not None
    assert failed == document_id
    assert (document.stale, document.outcome, document.error) == (True, "failed", GONE)
    assert document.searchable
    assert document.sha256 == "0" * 64  # of the text that is still there
    with catalog.read() as db:
        assert all(chunk.stale for chunk in chunks.after(db, 0))
    with catalog.write(lock) as db:
        documents.touch(db, document_id, version("/a"))
        fresh = documents.by_id(db, document_id)
    assert fresh is not None
    assert (fresh.stale, fresh.outcome, fresh.error) == (False, "updated", None)


def test_a_file_that_was_never_read_is_written_down_with_its_reason(
    catalog: Catalog, lock: WriterLock
) -> None:
    with catalog.write(lock) as db:
        documents.record_failure(
            db, version("/a"), "damaged", GONE, "r", chunks.next_sequence(db), False
        )
        (document,) = documents.all_documents(db)
        coverage = documents.coverage(db)
    assert (document.outcome, document.error, document.searchable) == ("damaged", GONE, False)
    assert (coverage.documents, coverage.documents_read) == (1, 0)


def test_collections_are_sets_of_documents_and_go_with_them(
    catalog: Catalog, lock: WriterLock
) -> None:
    one, other = (writing(catalog, lock, f"/{n}", f"Text {n}.") for n in "ab")
    with catalog.write(lock) as db:
        documents.add_to_collection(db, [one, other, one], "both")
        documents.add_to_collection(db, [one], "single")
        assert [d.path for d in documents.all_documents(db, "single")] == ["/a"]
        assert documents.by_id(db, one).collections == ("both", "single")  # type: ignore[union-attr]
        forget(db, one)
        assert documents.collections(db) == ["both"]


def test_the_identity_of_a_library_is_kept_whole(catalog: Catalog, lock: WriterLock) -> None:
    with catalog.write(lock) as db:
        assert indexing.identity(db) is None
        indexing.set_identity(db, IDENTITY)
    with catalog.read() as db:
        assert indexing.identity(db) == IDENTITY


def test_offsets_count_code_points_beyond_the_basic_plane(
    catalog: Catalog, lock: WriterLock
) -> None:
    text = "🦑🦑 é\u0301 潮 and then words."
    writing(catalog, lock, "/a", text)
    with catalog.read() as db:
        (chunk,) = chunks.after(db, 0)
    assert chunk.text == text[chunk.start : chunk.end] == text
