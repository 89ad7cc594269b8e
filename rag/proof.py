"""Proof that documents are gone: what is looked for after their removal, where, and what was found.

Before a removal `Traces` remembers what would betray that something is left: ids, keys of vectors,
pieces of text. Afterwards each is looked for in the catalog, in both indexes, by search, and byte by
byte in every file of the library's folder. Nothing here removes anything.
"""

from __future__ import annotations

import os
import shlex
import sqlite3
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rag import __version__
from rag.catalog import backups, chunks, documents, indexing, vectors
from rag.catalog.connection import Catalog, peek
from rag.errors import HomeError
from rag.indexes import generations
from rag.indexes.keyword import KeywordIndex
from rag.occurring import occurring
from rag.paths import Home
from rag.types import Document, SearchResult

PIECES = 256  # of text looked for in one removal, spread over its documents
_MOST_OF_ONE = 8
_LONGEST, _SHORTEST = 48, 8  # characters of a piece, bytes of one that can tell anything
_ASKED = 8  # pieces that are searched for as a question
NOT_COVERED = (
    "copies outside the library's folder: your own files, exports, backups of the machine",
    "blocks that the file system has freed, its snapshots, swap space",
    "what other people or programs were shown before",
)


@dataclass(frozen=True, slots=True)
class Probe:
    """One thing that was looked for, how often it was looked for, and what was found of it."""

    looked_for: str
    where: str
    tried: int
    found: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Certificate:
    """What was removed, what was looked for afterwards, and which older copies still hold it."""

    made: str
    program: str
    library: str
    documents: tuple[Mapping[str, object], ...]
    probes: tuple[Probe, ...]
    copies: tuple[str, ...]
    """Backups and library files set aside that still hold it."""
    not_covered: tuple[str, ...] = NOT_COVERED

    @property
    def clean(self) -> bool:
        return not any(probe.found for probe in self.probes)

    @property
    def command(self) -> str | None:
        """What removes the copies that still hold it."""
        return shlex.join(["rm", "--", *self.copies]) if self.copies else None


@dataclass(frozen=True, slots=True)
class Traces:
    """What removed documents would be known by."""

    documents: tuple[Document, ...]
    chunk_ids: tuple[int, ...]
    keys: tuple[bytes, ...]
    pieces: tuple[str, ...]


def remember(db: sqlite3.Connection, gone: Sequence[Document]) -> Traces:
    """The traces of documents about to be removed."""
    ids = sorted(chunks.ids_of_documents(db, [document.id for document in gone]))
    keys = {
        bytes(row[0])
        for document in gone
        for row in db.execute("SELECT vector_key FROM chunks WHERE document_id = ?", (document.id,))
    }
    most = max(1, min(_MOST_OF_ONE, PIECES // max(len(gone), 1)))
    pieces = [piece for document in gone for piece in _pieces(db, document.id, most)]
    return Traces(tuple(gone), tuple(ids), tuple(sorted(keys)), tuple(pieces[:PIECES]))


def certify(
    catalog: Catalog, home: Home, traces: Traces, search: Callable[[str], SearchResult]
) -> Certificate:
    """Look for all traces, and write down what was found. The caller holds the writer's lock."""
    with catalog.read() as db:
        probes = [
            *_in_catalog(db, traces),
            _in_vectors(db, home, traces),
            _in_keywords(home, traces),
            _in_uploads(db, home, traces),
        ]
        empty = chunks.count(db) == 0
    probes.append(_by_search(traces, None if empty else search))
    copies = [path for path in _copies(home) if _holds(path, traces)]
    probes.append(_in_files(catalog, home, traces))
    return Certificate(
        datetime.now(UTC).isoformat(timespec="seconds"),
        f"Vouch {__version__}",
        str(home.root),
        tuple(_described(document) for document in traces.documents),
        tuple(probes),
        tuple(map(str, copies)),
    )


def _pieces(db: sqlite3.Connection, document_id: str, most: int) -> Iterator[str]:
    """Pieces from the middle of chunks, the first and the last among them."""
    found = chunks.by_ids(db, sorted(chunks.ids_of_documents(db, [document_id])))
    ordered = [found[i].text for i in sorted(found)]
    step = max(1, (len(ordered) - 1) // max(most - 1, 1))
    for text in [*ordered[::step][: most - 1], *ordered[-1:]]:
        start = max(0, (len(text) - _LONGEST) // 2)
        piece = text[start : start + _LONGEST].strip()
        if len(piece.encode()) >= _SHORTEST:
            yield piece


def _in_catalog(db: sqlite3.Connection, traces: Traces) -> Iterator[Probe]:
    left = [d.path for d in traces.documents if documents.by_id(db, d.id)]
    left += [f"units of {d.path}" for d in traces.documents if documents.units(db, d.id)]
    yield Probe("rows of the documents", "catalog", len(traces.documents), tuple(left))
    alive = chunks.alive(db, traces.chunk_ids)
    yield Probe("chunks", "catalog", len(traces.chunk_ids), _numbers("chunk", alive))


def _in_vectors(db: sqlite3.Connection, home: Home, traces: Traces) -> Probe:
    """Vectors that no live text has, and indexes that hold any of these."""
    shared = chunks.ids_by_vector(db, traces.keys)
    own = [key for key in traces.keys if key not in shared]
    left = [
        f"a vector of {identity[:12]}"
        for identity in indexing.kept(db)
        for _ in vectors.known(db, identity, own)
    ]
    fresh = {g.name for g in indexing.generations(db) if not generations.dead(db, g)}
    folders = (p for p in (home.root / "indexes" / "vector").glob("*/*") if p.is_dir())
    left += [
        f"{folder}, an index from before the removal: it goes with the next rag ingest after the "
        "program that has it open has answered a question or ended"
        for folder in folders
        if folder.name not in fresh
    ]
    return Probe("vectors", "catalog and vector indexes", len(own), tuple(left))


def _in_keywords(home: Home, traces: Traces) -> Probe:
    held: Sequence[int] = ()
    if KeywordIndex.exists(home.keyword_index):
        held = KeywordIndex(home.keyword_index).among(traces.chunk_ids)
    return Probe("words", "keyword index", len(traces.chunk_ids), _numbers("chunk", held))


def _in_uploads(db: sqlite3.Connection, home: Home, traces: Traces) -> Probe:
    own = {d.sha256 for d in traces.documents if d.path.startswith("upload:")}
    own -= documents.hashes(db)
    left = [str(home.uploads / sha256) for sha256 in sorted(own)]
    return Probe("copies of uploads", "files", len(own), tuple(p for p in left if Path(p).exists()))


def _by_search(traces: Traces, search: Callable[[str], SearchResult] | None) -> Probe:
    gone = {document.id for document in traces.documents}
    asked = traces.pieces[:: max(1, len(traces.pieces) // _ASKED)][:_ASKED] if search else ()
    found = [
        hit.chunk.path
        for piece in asked
        for hit in (search(piece).hits if search else ())
        if hit.chunk.document_id in gone
    ]
    return Probe("passages", "search by meaning and by words", len(asked), tuple(found))


def _in_files(catalog: Catalog, home: Home, traces: Traces) -> Probe:
    """Every file but the older copies, for pieces of text that no live document has as well."""
    wanted = {piece.encode(): piece for piece in traces.pieces}
    aside = set(_copies(home))
    live: dict[bytes, bool] = {}
    found = []
    for path, there in occurring((p for p in _files(home) if p not in aside), wanted).items():
        for piece in there - live.keys():
            live[piece] = _is_live(catalog, wanted[piece])
        if not all(live[piece] for piece in there):
            found.append(str(path))
    return Probe("pieces of text", "every byte of every file", len(wanted), tuple(found))


def _is_live(catalog: Catalog, piece: str) -> bool:
    """Whether a document that is still there has the same words."""
    with catalog.read() as db:
        row = db.execute("SELECT 1 FROM units WHERE instr(text, ?) LIMIT 1", (piece,)).fetchone()
    return row is not None


def _copies(home: Home) -> list[Path]:
    """Library files of earlier days, and exports that were put into the folder."""
    kept = [backup.path for backup in backups.listed(home.backups)]
    kept += sorted(path for path in home.aside.rglob("*") if path.is_file())
    return kept + sorted(path for path in home.root.iterdir() if _is_export(path, home))


def _holds(path: Path, traces: Traces) -> bool:
    """Whether a copy has the documents: by their rows, or where it cannot be read, their text."""
    ids = [document.id for document in traces.documents]

    def look(db: sqlite3.Connection) -> bool:
        return any(documents.by_id(db, document_id) for document_id in ids)

    try:
        if peek(path, look):
            return True
    except (HomeError, sqlite3.Error):
        pass  # not readable as a library, or of an older form: its bytes tell
    return any(occurring([path], [piece.encode() for piece in traces.pieces]).values())


def _is_export(path: Path, home: Home) -> bool:
    """Whether a file is what rag library export writes. The catalog's own are not opened here."""
    if not path.is_file() or path.name.startswith(home.database.name):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return home.database.name in archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return False


def _files(home: Home) -> Iterator[Path]:
    for folder, _, names in os.walk(home.root):
        yield from (path for name in names if (path := Path(folder, name)).is_file())


def _numbers(thing: str, found: Sequence[int] | set[int]) -> tuple[str, ...]:
    return tuple(f"{thing} {number}" for number in sorted(found))


def _described(document: Document) -> Mapping[str, object]:
    return {
        "id": document.id,
        "path": document.path,
        "sha256": document.sha256,
        "pages": document.pages,
        "chunks": document.chunks,
        "read_at": document.updated_at,
    }
