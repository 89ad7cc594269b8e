"""Findings about the settings and the library's folder. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from rag.doctor.facts import CatalogFacts, Facts, LibraryFacts
from rag.doctor.words import Finding, finding
from rag.errors import BadSetting, DiskFull, LibraryDamaged, SchemaTooNew
from rag.loaders.tesseract import advice
from rag.paths import Home


def findings(facts: Facts) -> Iterator[Finding]:
    library = facts.library
    for origin, error in facts.wrong:
        yield _setting(library.home, origin, error)
    if library.network is not None:
        yield finding("network_home", home=library.home, kind=library.network)
        return
    if not library.writable:
        yield finding("home_not_writable", home=library.home)
    if library.holder is not None:
        yield finding("library_busy", holder=library.holder, pid=library.holder.pid)
    if library.fault is not None:
        yield from _unreadable(library)
    elif library.catalog is not None:
        yield from _indexes(library.home, library.catalog)
        yield from _ocr(facts, library.catalog)
    elif library.writable:
        yield finding("no_library", home=library.home)


def _ocr(facts: Facts, catalog: CatalogFacts) -> Iterator[Finding]:
    count, engine = catalog.pages_unread, facts.ocr
    pages = f"{count:,} page{'s' if count > 1 else ''}"
    if facts.settings.ocr_pages == 0:
        return
    if engine is None:
        if catalog.pages_unread:
            yield replace(finding("ocr_missing", pages=pages), command=advice())
        return
    missing = [name for name in facts.settings.ocr_languages if name not in engine.languages]
    if missing:
        packages = shlex.join(f"tesseract-ocr-{name.replace('_', '-')}" for name in missing)
        found = finding("ocr_languages_missing", languages=", ".join(missing))
        yield replace(found, command=f"sudo apt-get install {packages}")
    if catalog.pages_unread:
        yield finding("ocr_waiting", pages=pages, folder=catalog.folder)
    elif not missing:
        languages = ", ".join(engine.languages)
        yield finding("ocr", engine=f"tesseract {engine.version}", languages=languages)


def _setting(home: Path, origin: str, error: BadSetting) -> Finding:
    file = str(Home(home).settings)
    if isinstance(error.__cause__, PermissionError):
        return finding("settings_unreadable", file=file)
    found = finding("bad_setting", message=error.message, advice=error.hint)
    return replace(found, command=_without(error.subject, origin, file))


def _without(setting: str, origin: str, file: str) -> str:
    """What takes a setting away where it stands; nothing for a flag, which was typed just now."""
    if setting == file:
        return shlex.join(["mv", file, f"{file}.wrong"])
    if origin == "rag.toml" and re.fullmatch(r"[\w-]+", setting):
        return shlex.join(["sed", "-i.bak", f"/^ *{setting} *=/d", file])
    if origin == "environment":
        also = {"ollama_host": " OLLAMA_HOST", "num_parallel": " OLLAMA_NUM_PARALLEL"}
        return f"unset RAG_{setting.upper()}{also.get(setting, '')}"
    return ""


def _unreadable(library: LibraryFacts) -> Iterator[Finding]:
    facts = {"home": library.home, "database": Home(library.home).database}
    match library.fault:
        case SchemaTooNew():
            yield finding("library_newer")
        case LibraryDamaged() if library.backup is not None:
            yield finding("library_damaged_backup", backup=library.backup, **facts)
        case LibraryDamaged():
            yield finding("library_damaged", **facts)
        case DiskFull():
            pass  # which the disk itself tells
        case _:
            yield finding("library_unreadable", **facts)


def _indexes(home: Path, catalog: CatalogFacts) -> Iterator[Finding]:
    folder, wrong = catalog.folder, []
    if catalog.vectors == "damaged":
        wrong.append(finding("vector_index_damaged", folder=folder))
    if catalog.keywords in ("damaged", "gone"):
        wrong.append(finding(f"keyword_index_{catalog.keywords}", folder=folder))
    yield from wrong or [finding("library", chunks=catalog.chunks, home=home)]
