"""`rag ingest --watch`: a line for whatever the watch does, until Ctrl-C."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from rag.cli.console import counted, err, one_line, out, print_json, styled
from rag.types import RETIRING, TRANSIENT, FileResult

if TYPE_CHECKING:
    from rag.assistant import Assistant
    from rag.ingest.pipeline import Summary
    from rag.locks import Holder
    from rag.watching import WatchEvent


def follow(
    assistant: Assistant,
    paths: Sequence[Path],
    collection: str | None,
    keep_missing: bool,
    json: bool,
) -> None:
    """Watch and tell; Ctrl-C and SIGTERM are how it ends."""
    from rag.watching import Watching

    watching = Watching(
        assistant,
        paths,
        Event(),
        collection=collection,
        keep_missing=keep_missing,
        on_wait=_tell_waiting,
    )
    with _ends_quietly(), closing(watching.run()) as events:  # type: ignore[type-var]
        for event in events:
            (_print_json if json else tell)(event)
    err.print("Stopped watching. Everything committed is kept.")


def follow_as_events(assistant: Assistant, paths: Sequence[Path], collection: str | None) -> None:
    """Watch for a parent process, and end with it."""
    from rag.cli.ingesting import tell_waiting_as_event
    from rag.jobs import to_line
    from rag.watching import Watching, end_with_parent

    end_with_parent()
    watching = Watching(
        assistant, paths, Event(), collection=collection, on_wait=tell_waiting_as_event
    )
    with _ends_quietly(), closing(watching.run()) as events:  # type: ignore[type-var]
        for event in events:
            print(to_line(event), flush=True)


@contextmanager
def _ends_quietly() -> Iterator[None]:
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        pass  # the ordinary way to end
    finally:
        signal.signal(signal.SIGTERM, before)


def tell(event: WatchEvent) -> None:
    """One line of what a watch has seen or done."""
    from rag.catalog.backups import BackedUp
    from rag.ingest.pipeline import Summary
    from rag.watching import Notice

    match event:
        case Notice():
            style = "" if event.kind in ("watching", "back") else "yellow"
            _line(event.text, style)
        case FileResult() if event.outcome in RETIRING | TRANSIENT:
            why = event.error.message if event.error else event.outcome
            _line(f"Not read: {one_line(event.path)}: {why}", "yellow")
        case FileResult() if event.outcome != "unchanged":
            _line(f"{event.outcome}: {one_line(event.path)}")
        case FileResult() if event.moved_from is not None:
            _line(f"moved: {one_line(event.moved_from)} is {one_line(event.path)} now")
        case BackedUp() if event.note:
            _line(event.note, "yellow")
        case Summary():
            _line(_counted(event))


def _counted(summary: Summary) -> str:
    words = [f"{n} {o.replace('_', ' ')}" for o, n in summary.counts.items() if o != "unchanged"]
    words += [f"{summary.moved} moved"] if summary.moved else []
    embedded = f"{counted(summary.chunks_embedded, 'chunk')} embedded in {summary.seconds:.1f} s"
    return f"{', '.join(words) or 'nothing changed'}; {embedded}."


def _print_json(event: WatchEvent) -> None:
    from rag.cli import contracts
    from rag.ingest.pipeline import Summary
    from rag.watching import Notice

    match event:
        case Notice():
            print_json({"watch": asdict(event)})
        case FileResult():
            print_json(contracts.file_result(event))
        case Summary():
            print_json(contracts.summary(event))


def _tell_waiting(holder: Holder | None) -> None:
    err.print(f"Waiting: the library is being written by {holder or 'another process'}.")


def _line(text: str, style: str = "") -> None:
    out.print(styled(f"{time.strftime('%H:%M:%S')}  {text}", style), soft_wrap=True)
