"""`rag documents`, `rag status`, `rag config`: what is in the library and how it is set up."""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from rag.cli import certifying
from rag.cli.console import counted, err, one_line, out, print_json, require_confirmed, styled
from rag.cli.flags import takes_settings
from rag.config import SETTINGS, Settings
from rag.errors import UsageError
from rag.explain import STATES, by_ocr, coverage, page_states
from rag.types import Coverage, Document

Json = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]
Collection = Annotated[str | None, typer.Option(help="Only this collection.")]


def register(app: typer.Typer) -> None:
    documents = typer.Typer(no_args_is_help=True, help="List, show and remove documents.")
    documents.command("list")(takes_settings(list_documents))
    documents.command("show")(takes_settings(show_document))
    documents.command("remove")(takes_settings(remove_documents))
    app.add_typer(documents, name="documents")
    app.command()(takes_settings(status))
    config = typer.Typer(no_args_is_help=True, help="See the settings.")
    config.command("show")(takes_settings(show_config))
    app.add_typer(config, name="config")


def list_documents(settings: Settings, collection: Collection = None, json: Json = False) -> None:
    """All files of the library, those that could not be read included."""
    from rag.assistant import open_assistant

    with closing(open_assistant(settings)) as assistant:
        found = assistant.documents(collection)
    if json:
        from rag.cli import contracts

        print_json({"documents": [contracts.document(d) for d in found]})
        return
    if not found:
        out.print("The library is empty. Add documents: rag ingest FOLDER")
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("id", style="dim", no_wrap=True)
    table.add_column("pages", justify="right")
    table.add_column("what became of it")
    table.add_column("file", overflow="fold")
    for document in found:
        table.add_row(
            document.id[:8], str(document.pages), _state(document), styled(one_line(document.path))
        )
    out.print(table)


def show_document(
    settings: Settings,
    document: Annotated[
        str, typer.Argument(help="Its path, name or id, or the first 4 letters of that or more.")
    ],
    json: Json = False,
) -> None:
    """One document: what was read, page by page, and what was not."""
    from rag.assistant import open_assistant

    with closing(open_assistant(settings)) as assistant:
        found = assistant.document(document)
        units = assistant.units(found.id)
        not_read = assistant.not_read(found.id)
        members = [member.path for member in assistant.members(found)]
        similar = assistant.similar(found.id)
    if json:
        from rag.cli import contracts

        shown = {
            "units": [contracts.unit(u) for u in units],
            "members": members,
            "similar": [asdict(other) for other in similar],
        }
        print_json({**contracts.document(found), **shown})
        return
    out.print(styled(one_line(found.path), "bold"), soft_wrap=True)
    for name, value in (
        ("id", found.id),
        ("title", found.title or "–"),
        ("date", found.date or "–"),
        ("language", found.language or "–"),
        ("read by", found.reader),
        ("sha256", found.sha256),
        ("collections", ", ".join(found.collections) or "–"),
        ("state", _state(found)),
    ):
        out.print(Text.assemble((f"{name:<12}", "dim"), styled(str(value))), soft_wrap=True)
    if found.error is not None:
        out.print(styled(f"{found.error.message} {found.error.hint}", "yellow"), soft_wrap=True)
    if found.hidden_characters:
        out.print(styled(_hidden(found.hidden_characters), "yellow"), soft_wrap=True)
    for line in page_states(not_read):
        out.print(styled(line[:1].upper() + line[1:], "yellow"), soft_wrap=True)
    for unit in units:
        mark = by_ocr(unit.ocr_confidence) or STATES[unit.state]
        state = "" if unit.state == "read" else f", {mark}"
        out.print(styled(f"  {unit.label}: {len(unit.text)} characters{state}"), soft_wrap=True)
    for other in similar:
        text = f"  similar to {other.path}: {other.same} of {other.texts} passages are the same"
        out.print(styled(text), soft_wrap=True)
    for path in members:
        out.print(styled(f"  with {one_line(path)}"), soft_wrap=True)


def remove_documents(
    settings: Settings,
    documents: Annotated[
        list[str] | None, typer.Argument(help="Paths, names, ids, or starts of ids.")
    ] = None,
    collection: Annotated[str | None, typer.Option(help="All of this collection.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Fail at once if another process is writing.")
    ] = False,
    certificate: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Look whether anything is left, and write that down (.json or .md).",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Forget documents. Files in your folders are not touched; copies of uploads go."""
    from rag.assistant import open_assistant

    if not documents and not collection:
        raise UsageError("documents", "No document was named.", "rag documents list shows them.")
    if certificate is not None:
        certifying.require_writable(certificate)
    with closing(open_assistant(settings)) as assistant:
        gone = {d.id: d for d in map(assistant.document, documents or [])}
        if collection:
            gone |= {d.id: d for d in assistant.documents(collection)}
        if gone and not yes:
            _confirm(list(gone.values()))
        if certificate is not None and gone:
            results, proof = assistant.remove_with_proof(list(gone), wait=not no_wait)
            certifying.write(proof, certificate)
        else:
            results = assistant.remove(list(gone), wait=not no_wait) if gone else []
    if json:
        from rag.cli import contracts

        print_json({"removed": [contracts.file_result(result) for result in results]})
    else:
        out.print(f"Removed {counted(len(results), 'document')} from the library.")
    if certificate is not None and gone:
        certifying.tell(proof, certificate)


def status(settings: Settings, json: Json = False) -> None:
    """The library, its indexes and the engines at a glance."""
    from rag.assistant import open_assistant

    with closing(open_assistant(settings)) as assistant:
        found = assistant.status()
        advice = assistant.unread_pages_advice()
    if json:
        from rag.cli import contracts

        print_json(contracts.status(found))
        return
    chat, identity = found.chat, found.identity
    rows = {
        "Library": found.home,
        "Files": coverage(found.coverage).capitalize(),
        "Pages": _pages(found.coverage),
        "OCR": found.ocr or "none: no tesseract is installed",
        "Chunks": str(found.chunks),
        "Collections": ", ".join(found.collections) or "–",
        "Embedding": f"{identity.model} ({identity.engine})" if identity else "not chosen yet",
        "Answers": f"{chat.model} ({chat.engine})"
        if chat.model
        else "by quoting, without a language model",
        "Indexes": f"commit {found.sequence}; keyword at {found.keyword_sequence}, "
        + (f"vector at {at}" if (at := found.generation_sequence) else "vectors searched exactly"),
    }
    if found.unfinished:
        ahead = found.unfinished
        rows["Reindex"] = (
            f"unfinished: {ahead.done} of {ahead.chunks} chunks embedded with "
            f"{ahead.target.model} ({ahead.target.engine}); it goes on with rag reindex"
        )
    if found.former:
        rows["Rollback"] = (
            f"to {found.former.model} ({found.former.engine}): rag reindex --rollback"
        )
    for name, value in rows.items():
        out.print(Text.assemble((f"{name:<12}", "dim"), styled(value)), soft_wrap=True)
    if advice:
        err.print(styled(advice, "yellow"), soft_wrap=True)
    if chat.notice:
        err.print(styled(chat.notice, "yellow"), soft_wrap=True)


def show_config(settings: Settings, json: Json = False) -> None:
    """Every setting, its value and where it came from."""
    values = {s.name: getattr(settings, s.name) for s in SETTINGS}
    if json:
        shown = {
            name: {"value": _plain(value), "origin": settings.origins[name]}
            for name, value in values.items()
        }
        print_json(shown)
        return
    table = Table(box=None, pad_edge=False)
    for column in ("setting", "value", "from"):
        table.add_column(column, overflow="fold")
    for name, value in values.items():
        table.add_row(name, styled(str(_plain(value))), settings.origins[name])
    out.print(table)
    out.print(styled(f"File: {settings.library.settings}", "dim"), soft_wrap=True)


def _plain(value: object) -> object:
    return (
        list(value)
        if isinstance(value, tuple)
        else value
        if isinstance(value, int | float)
        else str(value)
    )


def _state(document: Document) -> str:
    if document.stale:
        return f"old version kept ({document.outcome})"
    if not document.searchable:
        return document.outcome.replace("_", " ")
    unread = document.pages_unread
    return "read" if not unread else f"read, {unread} page{'s' if unread > 1 else ''} unread"


def _pages(coverage: Coverage) -> str:
    """All pages and sections, and how many are in each state but `read`."""
    counts = [f"{n:,} {STATES[state]}" for state in STATES if (n := coverage.states.get(state, 0))]
    return f"{coverage.pages:,}: {', '.join(reversed(counts))}" if counts else "none yet"


def _hidden(characters: int) -> str:
    return (
        "Characters left out because nobody sees them on its pages (white on white, too small to "
        f"read, off the page or not drawn): {characters}."
    )


def _confirm(documents: list[Document]) -> None:
    """Show what would go and ask; without a terminal nobody can answer, so nothing goes."""
    for document in documents[:10]:
        err.print(styled(f"  {one_line(document.path)}"), soft_wrap=True)
    if len(documents) > 10:
        err.print(f"  … and {len(documents) - 10} more")
    if not sys.stdin.isatty():
        raise UsageError("documents", "Nobody is there to confirm this.", "Add --yes.")
    require_confirmed(f"Remove {counted(len(documents), 'document')} from the library?")
