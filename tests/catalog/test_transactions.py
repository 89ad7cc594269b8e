"""One snapshot to read, one transaction to write."""

import sqlite3
import threading

import pytest
from library import put, writing

from rag.catalog import chunks, documents
from rag.catalog.connection import Catalog
from rag.locks import WriterLock
from rag.paths import Home


def paths(db: sqlite3.Connection) -> list[str]:
    return [document.path for document in documents.all_documents(db)]


def test_a_reader_sees_one_moment_while_another_thread_commits(
    catalog: Catalog, lock: WriterLock
) -> None:
    writing(catalog, lock, "/a", "One.")
    with catalog.read() as db:
        assert paths(db) == ["/a"]
        thread = threading.Thread(target=writing, args=(catalog, lock, "/b", "Two."))
        thread.start()
        thread.join()
        assert paths(db) == ["/a"]
        with catalog.read() as nested:
            assert paths(nested) == ["/a"]
        assert chunks.sequence(db) == 1
    with catalog.read() as db:
        assert paths(db) == ["/a", "/b"]


def test_an_error_rolls_the_whole_transaction_back(catalog: Catalog, lock: WriterLock) -> None:
    with pytest.raises(ZeroDivisionError), catalog.write(lock) as db:
        put(db, "/a", "One.")
        raise ZeroDivisionError
    with catalog.read() as db:
        assert paths(db) == []
        assert chunks.sequence(db) == 0
    writing(catalog, lock, "/a", "One.")


def test_nobody_writes_without_holding_the_lock(catalog: Catalog, home: Home) -> None:
    with pytest.raises(AssertionError), catalog.write(WriterLock(home.writer_lock, "x")):
        pass


def test_readers_are_never_kept_waiting_by_a_writer(catalog: Catalog, lock: WriterLock) -> None:
    writing(catalog, lock, "/a", "One.")
    seen: list[list[str]] = []

    def look() -> None:
        with catalog.read() as db:
            seen.append(paths(db))

    with catalog.write(lock) as db:
        put(db, "/b", "Two.")
        thread = threading.Thread(target=look)
        thread.start()
        thread.join(10)
    assert seen == [["/a"]]


def test_deleted_text_is_gone_from_every_file_of_the_library(
    catalog: Catalog, lock: WriterLock, home: Home
) -> None:
    document_id = writing(catalog, lock, "/a", "The password is Xylophonic-Quagga.")
    held = b"".join(p.read_bytes() for p in home.root.glob("library.db*"))
    assert b"Xylophonic-Quagga" in held
    with catalog.write(lock) as db:
        chunks.remove(db, document_id, chunks.next_sequence(db))
        documents.delete(db, document_id)
    catalog.checkpoint()
    held = b"".join(p.read_bytes() for p in home.root.glob("library.db*"))
    assert b"Xylophonic-Quagga" not in held
