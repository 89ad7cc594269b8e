"""A library as one file, to keep or to take to another machine.

The file is a ZIP: the catalog with its vectors as of one moment, the uploads that it knows, the
settings that mean the same anywhere, and a manifest with the size and SHA-256 of each part. Indexes
are not in it, they are made of the catalog. What comes out of such a file is not trusted: names,
sizes, checksums, tables and the values that become paths are looked at before it takes a place.
"""

from __future__ import annotations

import errno
import hashlib
import json
import re
import shutil
import sqlite3
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from rag import __version__
from rag.catalog import chunks, documents, indexing, replacing, schema, vectors
from rag.catalog.connection import Catalog, open_catalog, peek
from rag.config import Settings, portable_settings
from rag.engine_choice import Engines
from rag.errors import (
    BadArchive,
    DiskFull,
    EngineError,
    HomeNotWritable,
    LibraryDamaged,
    SchemaTooNew,
    UsageError,
)
from rag.locks import Holder, WriterLock
from rag.paths import Home, put_on_disk, write_whole
from rag.restoring import Standing, take_over
from rag.types import EmbeddingIdentity

FORM = "vouch-library-1"
CATALOG, SETTINGS, MANIFEST = "library.db", "rag.toml", "manifest.json"
_PART = re.compile(r"library\.db|rag\.toml|files/[0-9a-f]{64}")
_LARGEST_MANIFEST = 2**26  # bytes
_BLOCK = 2**20
_COMMAND = "rag library import"
Told = Callable[[str, int, int], None]
"""Is told what is being done, how many bytes of it are done, and of how many."""


@dataclass(frozen=True, slots=True)
class Part:
    """One file in the archive. `size` in bytes."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive says of itself. `missing`: uploads whose copies were gone."""

    made: str
    program: str
    schema: int
    documents: int
    chunks: int
    vectors: int
    identity: EmbeddingIdentity | None
    missing: tuple[str, ...]
    parts: dict[str, Part]

    def to_json(self) -> bytes:
        return json.dumps({"form": FORM, **asdict(self)}, indent=1).encode()


@dataclass(frozen=True, slots=True)
class Exported:
    path: Path
    size: int
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Imported:
    """`model_missing`: why the library cannot be searched by meaning here; None: it can."""

    manifest: Manifest
    standing: Standing
    model_missing: str | None


# --------------------------------------------------------------------------- out


def export(settings: Settings, target: Path, told: Told) -> Exported:
    """Write a library into one file, whole or not at all, while others read and write it.

    Raises `UsageError` where the file is there already, `DiskFull`, and what opening raises.
    """
    if target.exists():
        raise UsageError(str(target), f"{target} is there already.", "Name a file that is not.")
    with _on_disk(target), closing(open_catalog(settings.library)) as catalog:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as folder:
            half = Path(folder, "archive")  # beside what goes into it
            manifest = _write(settings, catalog, half, told)
            put_on_disk(half)
            half.replace(target)
        put_on_disk(target.parent)
    return Exported(target, target.stat().st_size, manifest)


def _write(settings: Settings, catalog: Catalog, half: Path, told: Told) -> Manifest:
    home = settings.library
    copy = half.with_name(CATALOG)
    catalog.copy_to(copy, lambda done, of: told("Copying", done, of))
    files = {CATALOG: copy}
    with closing(Catalog(copy)) as snapshot, snapshot.read() as db:
        known = documents.all_documents(db)
        identity = indexing.identity(db)
        counts = (len(known), chunks.count(db), vectors.count_live(db))
    uploads = {d.sha256 for d in known if d.path.startswith("upload:") and not d.container}
    missing = tuple(s for s in sorted(uploads) if _sha256(home.uploads / s) != s)
    files |= {f"files/{s}": home.uploads / s for s in sorted(uploads.difference(missing))}
    if table := portable_settings(home.settings):
        files[SETTINGS] = half.with_name(SETTINGS)
        files[SETTINGS].write_bytes(table)
    total = sum(path.stat().st_size for path in files.values())
    parts: dict[str, Part] = {}
    half.touch(mode=0o600)
    with zipfile.ZipFile(half, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, path in files.items():
            before = sum(part.size for part in parts.values())
            with (
                path.open("rb") as source,
                archive.open(_entry(name), "w", force_zip64=True) as sink,
            ):
                parts[name] = _copy(source, sink, _further(told, "Writing", before, total))
        manifest = Manifest(
            datetime.now(UTC).isoformat(timespec="seconds"),
            f"Vouch {__version__}",
            schema.LATEST,
            *counts,
            identity,
            missing,
            parts,
        )
        archive.writestr(_entry(MANIFEST), manifest.to_json())
    return manifest


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, datetime.now(UTC).timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o600 << 16
    return entry


# --------------------------------------------------------------------------- in


def read_manifest(file: Path) -> Manifest:
    """What an archive holds. Raises `BadArchive`, `SchemaTooNew`."""
    with _archive(file) as archive:
        return _manifest(archive, file)


def held_documents(home: Home) -> int:
    """How many documents an import would take the place of; of a damaged library: at least one."""
    if not home.database.exists():
        return 0
    try:
        return peek(home.database, lambda db: len(documents.all_documents(db)))
    except (LibraryDamaged, sqlite3.Error):
        return 1


def import_library(
    settings: Settings,
    file: Path,
    told: Told,
    replace: bool = False,
    wait: bool = True,
    on_wait: Callable[[Holder | None], None] | None = None,
) -> Imported:
    """Make a library of an archive; one that has documents is only replaced if told to.

    Everything is checked before anything of the library is touched. Raises `BadArchive`,
    `SchemaTooNew`, `UsageError`, `DiskFull`, and `LibraryBusy` with `wait=False`.
    """
    home = settings.library
    home.prepare()
    with ExitStack() as stack:
        stack.enter_context(_on_disk(home.root))
        archive = stack.enter_context(_archive(file))
        manifest = _manifest(archive, file)
        lock = stack.enter_context(WriterLock(home.writer_lock, _COMMAND).acquire(wait, on_wait))
        if held_documents(home) and not replace:
            raise UsageError(
                str(home.root),
                f"The library in {home.root} has documents.",
                "Import into another folder (--home FOLDER), or in its place: --replace",
            )
        for left in home.root.glob("importing-*"):  # of a run that was killed
            shutil.rmtree(left, ignore_errors=True)
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(dir=home.root, prefix="importing-"))
        )
        _unpack(archive, manifest, folder, told, file)
        _require_sound(folder / CATALOG, file)
        _keep_uploads(folder, home)
        _keep_settings(folder / SETTINGS, home)
        told("Indexing", 0, 0)
        standing = take_over(home, folder / CATALOG, lock)
    return Imported(manifest, standing, _model_missing(settings, manifest.identity))


def _manifest(archive: zipfile.ZipFile, file: Path) -> Manifest:
    """Read, and hold what the archive has against it."""
    names = archive.namelist()
    if MANIFEST not in names or archive.getinfo(MANIFEST).file_size > _LARGEST_MANIFEST:
        raise _bad(file, "it has no manifest")
    try:
        table = json.loads(archive.read(MANIFEST))
        form = table.pop("form")
        if form != FORM:
            raise _bad(file, f"its form is {form!r}")
        identity = table.pop("identity")
        manifest = Manifest(
            identity=EmbeddingIdentity.from_json(json.dumps(identity)) if identity else None,
            missing=tuple(table.pop("missing")),
            parts={name: Part(**part) for name, part in table.pop("parts").items()},
            **table,
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _bad(file, f"its manifest cannot be read ({error})") from error
    if manifest.schema > schema.LATEST:
        raise SchemaTooNew(
            str(file),
            f"{file} was written by a newer version ({manifest.program}, schema {manifest.schema}; "
            f"this version knows {schema.LATEST}).",
            "Install that version here.",
        )
    if sorted(names) != sorted([*manifest.parts, MANIFEST]) or CATALOG not in manifest.parts:
        raise _bad(file, "its files are not those of its manifest")
    for name, part in manifest.parts.items():
        if not _PART.fullmatch(name) or archive.getinfo(name).file_size != part.size:
            raise _bad(file, f"{name!r} is no part of a library, or not of the size it should have")
    return manifest


def _unpack(
    archive: zipfile.ZipFile, manifest: Manifest, folder: Path, told: Told, file: Path
) -> None:
    """Each part into a file of ours, its checksum compared; no name in the archive is a path."""
    total = sum(part.size for part in manifest.parts.values())
    free = shutil.disk_usage(folder).free
    if total > free:
        raise DiskFull(
            str(folder),
            f"{file} holds {total:,} bytes; {free:,} are free on the disk of {folder.parent}.",
            "Make room; the library is as it was.",
        )
    done = 0
    for name, part in manifest.parts.items():
        with archive.open(name) as source, _place(folder, name).open("wb") as sink:
            found = _copy(source, sink, _further(told, "Unpacking", done, total), part.size)
        if found != part or (name.startswith("files/") and found.sha256 != Path(name).name):
            raise _bad(file, f"{name} is damaged: its checksum is not that of the manifest")
        done += part.size


def _place(folder: Path, name: str) -> Path:
    place = folder / name
    place.parent.mkdir(exist_ok=True)
    return place


def _require_sound(catalog: Path, file: Path) -> None:
    """A whole catalog, of our tables alone, with no value that would lead out of our folder."""
    try:
        replacing.require_whole(catalog)
    except LibraryDamaged as error:
        raise _bad(file, error.message) from error
    with closing(sqlite3.connect(catalog)) as db:
        odd = db.execute(
            "SELECT count(*) FROM documents "
            "WHERE sha256 GLOB '*[^0-9a-f]*' OR length(sha256) NOT IN (0, 64)"
        ).fetchone()[0]
        db.execute("DELETE FROM generations")  # their folders are not in the archive
        db.commit()
    if odd:
        raise _bad(file, f"{odd} of its documents have no proper checksum")


def _keep_uploads(folder: Path, home: Home) -> None:
    home.uploads.mkdir(exist_ok=True, mode=0o700)
    for path in (folder / "files").glob("*"):
        put_on_disk(path)
        path.replace(home.uploads / path.name)


def _keep_settings(found: Path, home: Home) -> None:
    """Settings that are here stay; others come along as far as they mean the same anywhere."""
    if found.exists() and not home.settings.exists():
        write_whole(home.settings, portable_settings(found))


def _model_missing(settings: Settings, identity: EmbeddingIdentity | None) -> str | None:
    if identity is None:
        return None
    with closing(Engines(settings)) as engines:
        try:
            here = engines.embedder(identity).identity
        except EngineError as error:
            return f"{error.message} {error.hint}"
    if here.key == identity.key:
        return None
    return f"{identity.model} is another one here than the one the library was embedded with."


# --------------------------------------------------------------------------- both


def _copy(
    source: IO[bytes], sink: IO[bytes], told: Callable[[int], None], most: int | None = None
) -> Part:
    """Copy in blocks, never more than a byte beyond `most`."""
    digest, size = hashlib.sha256(), 0
    while block := source.read(_BLOCK):
        digest.update(block)
        size += len(block)
        if most is not None and size > most:
            break
        sink.write(block)
        told(size)
    return Part(size, digest.hexdigest())


def _further(told: Told, what: str, before: int, total: int) -> Callable[[int], None]:
    return lambda size: told(what, before + size, total)


def _sha256(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


@contextmanager
def _archive(file: Path) -> Iterator[zipfile.ZipFile]:
    """An archive to read; whatever is wrong with it is a `BadArchive`."""
    try:
        with zipfile.ZipFile(file) as archive:
            yield archive
    except FileNotFoundError as error:
        raise UsageError(str(file), f"There is no file {file}.", "Check the spelling.") from error
    except (IsADirectoryError, PermissionError) as error:
        raise _bad(file, error.strerror or str(error)) from error
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,  # a compression that we never use
        RuntimeError,  # encrypted
    ) as error:
        raise _bad(file, str(error) or type(error).__name__) from error


def _bad(file: Path, why: str) -> BadArchive:
    return BadArchive(
        str(file), f"{file} is no whole library: {why}.", "Nothing was changed. Export it again."
    )


@contextmanager
def _on_disk(path: Path) -> Iterator[None]:
    """What the disk refuses, said with the place."""
    try:
        yield
    except OSError as error:
        full = getattr(error, "errno", None) == errno.ENOSPC
        kind = DiskFull if full else HomeNotWritable
        raise kind(
            str(path),
            f"{path} cannot be written: {error.strerror or error}.",
            "Make room there, or choose another place. Nothing was changed.",
        ) from error
