"""`rag ingest`: files and folders into the library, with progress and one result for each file."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from rag.cli import watching
from rag.cli.console import confirmed, counted, err, one_line, out, print_json, progress_bar, styled
from rag.cli.flags import takes_settings
from rag.config import Settings
from rag.errors import EXIT_FILES_FAILED, NothingToIngest, UsageError
from rag.types import RETIRING, TRANSIENT, FileResult

if TYPE_CHECKING:
    from rag.catalog.backups import BackedUp
    from rag.ingest.pipeline import IngestEvent, Summary
    from rag.ingest.plan import Plan
    from rag.locks import Holder

SHOWN_REMOVALS = 10


def _path(text: str) -> Path:
    """A path that was named: an empty one, of a variable that is not set, would be this folder."""
    if not text:
        raise UsageError("paths", "A path is empty.", "Name a file or folder.")
    return Path(text)


def register(app: typer.Typer) -> None:
    app.command()(takes_settings(ingest))


def ingest(
    settings: Settings,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Files and folders to read.", show_default=False, parser=_path),
    ] = None,
    collection: Annotated[
        str | None, typer.Option(help="Also put the documents into this collection.")
    ] = None,
    keep_missing: Annotated[
        bool,
        typer.Option("--keep-missing", help="Keep documents whose files are gone from the folder."),
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask before removing missing files.")
    ] = False,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Fail at once if another process is writing.")
    ] = False,
    no_ocr: Annotated[
        bool, typer.Option("--no-ocr", help="Leave pages that are pictures for another run.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Then follow every change, until Ctrl-C.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    events: Annotated[bool, typer.Option("--events", hidden=True)] = False,
    upload: Annotated[list[str] | None, typer.Option("--upload", hidden=True)] = None,
) -> None:
    """Read files and folders into the library, or bring it up to date with them.

    Run it again at any time: unchanged files cost nothing, changed ones are read anew, and files
    that are gone from a folder are removed from the library (their list is shown first).
    """
    from rag.assistant import open_assistant
    from rag.hardware import give_way

    if settings.gentle:
        give_way()
    _require_named(paths or upload, collection)
    with closing(open_assistant(settings)) as assistant:
        if watch and events:  # its first look is the ordinary run, and what can pass is waited for
            watching.follow_as_events(assistant, paths or [], collection)
            return
        try:
            plan = assistant.plan_uploads(upload) if upload else assistant.plan(paths or [])
        except NothingToIngest as error:
            if not watch:
                raise
            err.print(styled(error.message), soft_wrap=True)  # there will be
            watching.follow(assistant, paths or [], collection, keep_missing, json)
            return
        plan = _confirm_removals(plan, keep_missing, yes, ask=not (json or events))
        stream = assistant.ingest(
            plan,
            collection=collection,
            ocr=not no_ocr,
            wait=not no_wait,
            on_wait=tell_waiting_as_event if events else tell_waiting,
        )
        with closing(stream):  # type: ignore[type-var]
            if events:
                code = _print_events(stream)
            elif json:
                code = _print_contract(stream)
            else:
                code = show_progress(stream, len(plan.load))
        advice = None if events or json else assistant.unread_pages_advice()
        if advice:
            err.print(styled(advice, "yellow"), soft_wrap=True)
        if watch:
            watching.follow(assistant, paths or [], collection, keep_missing, json)
            return
    raise typer.Exit(code)


def _require_named(paths: Sequence[Path | str] | None, collection: str | None) -> None:
    if collection is not None and not collection.strip():
        raise UsageError("collection", "A collection needs a name.", "For example: Contracts")
    if not paths:
        raise UsageError(
            "paths", "No file or folder was named.", "For example: rag ingest ~/Documents"
        )


def show_progress(stream: Iterator[IngestEvent | BackedUp], to_load: int) -> int:
    """Draw a progress bar while a run goes on, then its summary. Returns the exit code."""
    from rag.catalog.backups import BackedUp
    from rag.ingest.commit import Embedded
    from rag.ingest.pipeline import Summary
    from rag.ingest.recognise import Recognised

    not_read: list[FileResult] = []
    summary, note, reading_files = None, "", True
    with progress_bar() as progress:
        task = progress.add_task("Reading", total=to_load, things="files", rate="")
        for event in stream:
            if isinstance(event, Embedded):
                rate = f"{event.chunks / event.seconds:.0f} chunks/s" if event.seconds else ""
                progress.update(task, rate=rate)
            elif isinstance(event, Recognised):
                pages = f"page {event.page} of {Path(event.path).name}" if event.page else ""
                progress.update(
                    task, description="Reading pictures of text", total=event.pages,
                    completed=event.done, things="pages", rate=pages,
                )  # fmt: skip
                reading_files = False
            elif isinstance(event, FileResult):
                if reading_files and event.outcome != "unchanged" and event.container is None:
                    progress.advance(task)
                if event.outcome in RETIRING | TRANSIENT:
                    not_read.append(event)
            elif isinstance(event, BackedUp):
                note = event.note
            elif isinstance(event, Summary):
                summary = event
    assert summary is not None, "a run that ends without an error ends with its summary"
    print_not_read(not_read)
    print_summary(summary)
    if note:
        err.print(styled(note, "yellow"), soft_wrap=True)
    return _exit_code(summary)


def print_not_read(results: Sequence[FileResult]) -> None:
    """Name each file that was not read, why, and what to do."""
    for result in results:
        err.print(
            Text.assemble(("Not read: ", "yellow"), styled(one_line(result.path))), soft_wrap=True
        )
        if result.error is not None:
            err.print(
                styled(f"  {result.error.message} {result.error.hint}", "dim"), soft_wrap=True
            )


def print_summary(summary: Summary) -> None:
    words = [f"{n} {outcome.replace('_', ' ')}" for outcome, n in summary.counts.items()]
    words += [f"{summary.moved} of them moved"] if summary.moved else []
    recognised = summary.pages_recognised
    pages = f"{recognised} page{'s' if recognised > 1 else ''} read by OCR, " if recognised else ""
    embedded = counted(summary.chunks_embedded, "chunk")
    out.print(
        f"{', '.join(words) or 'nothing to do'}; {pages}{embedded} embedded in {summary.seconds:.1f} s.",
        soft_wrap=True,
    )


def _confirm_removals(plan: Plan, keep_missing: bool, yes: bool, ask: bool) -> Plan:
    """Show what a run would remove before it does; ask at a terminal."""
    from dataclasses import replace

    asked = ask and not yes and not keep_missing and sys.stdin.isatty()
    if not (asked or yes or keep_missing):  # nobody is there to say whether that is meant
        plan = _keep_emptied(plan)
    if not plan.remove:
        return plan
    gone = [document for document in plan.remove if document.container is None]
    count = len(gone)
    it, is_, stays = ("It", "is", "stays") if count == 1 else ("They", "are", "stay")
    kept = f"{stays} (--keep-missing)" if keep_missing else f"{is_} removed from the library"
    err.print(f"{counted(count, 'file')} {is_} gone from the folder. {it} {kept}.")
    for document in gone[:SHOWN_REMOVALS]:
        err.print(styled(f"  {one_line(document.path)}"), soft_wrap=True)
    if count > SHOWN_REMOVALS:
        err.print(f"  … and {count - SHOWN_REMOVALS} more")
    refused = asked and not confirmed("Go on?", True)
    if refused:
        err.print("They stay. The other files are read.")
    return replace(plan, remove=()) if keep_missing or refused else plan


def _keep_emptied(plan: Plan) -> Plan:
    for folder in plan.emptied:
        line = (
            f"Of the files that the library has from {folder} none is there any more. Is its drive "
            "mounted? Their documents stay; to remove them: rag ingest --yes"
        )
        err.print(styled(line, "yellow"), soft_wrap=True)
    return plan.keeping(plan.emptied)


def tell_waiting(holder: Holder | None) -> None:
    err.print(f"Waiting: the library is being written by {holder or 'another process'}.")


def tell_waiting_as_event(holder: Holder | None) -> None:
    print_json({"event": "waiting", "holder": str(holder or "another process")})


def _print_events(stream: Iterator[IngestEvent | BackedUp]) -> int:
    from rag.ingest.pipeline import Summary
    from rag.jobs import to_line

    code = 0
    for event in stream:
        print(to_line(event), flush=True)
        if isinstance(event, Summary):
            code = _exit_code(event)
    return code


def _print_contract(stream: Iterator[IngestEvent | BackedUp]) -> int:
    from rag.cli import contracts
    from rag.ingest.pipeline import Summary

    code = 0
    for event in stream:
        if isinstance(event, FileResult):
            print_json(contracts.file_result(event))
        elif isinstance(event, Summary):
            print_json(contracts.summary(event))
            code = _exit_code(event)
    return code


def _exit_code(summary: Summary) -> int:
    return EXIT_FILES_FAILED if any(summary.counts.get(o) for o in TRANSIENT) else 0
