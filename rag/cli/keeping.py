"""`rag library`: a library as one file, and back from its backups."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from rag.cli.console import err, out, print_json, require_confirmed, styled
from rag.cli.flags import takes_settings
from rag.cli.ingesting import tell_waiting
from rag.config import Settings
from rag.errors import UsageError

if TYPE_CHECKING:
    from rag.moving import Manifest, Told
    from rag.restoring import Standing

Json = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
NoWait = Annotated[
    bool, typer.Option("--no-wait", help="Fail at once if another process is writing.")
]


def register(app: typer.Typer) -> None:
    library = typer.Typer(
        no_args_is_help=True, help="Keep a library as one file, move it, restore it."
    )
    library.command("export")(takes_settings(export_library))
    library.command("import")(takes_settings(import_library))
    library.command("restore")(takes_settings(restore_library))
    app.add_typer(library, name="library")


def export_library(
    settings: Settings,
    file: Annotated[Path, typer.Argument(help="The file to write, such as library.vouch.")],
    json: Json = False,
) -> None:
    """Write the whole library into one file: text, vectors, uploads, settings.

    The file is as private as your documents. Others may go on reading and writing meanwhile.
    """
    from rag.moving import export

    with _progress() as told:
        done = export(settings, file, told)
    if json:
        print_json({"file": str(done.path), "bytes": done.size, **_manifest(done.manifest)})
        return
    out.print(styled(f"Wrote {_about(done.manifest)} to {file} ({done.size:,} bytes)."))
    if done.manifest.missing:
        err.print(f"{len(done.manifest.missing)} uploads are without their file: it was gone.")


def import_library(
    settings: Settings,
    file: Annotated[Path, typer.Argument(help="A file that rag library export wrote.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="In place of the documents that are here.")
    ] = False,
    yes: Yes = False,
    no_wait: NoWait = False,
    json: Json = False,
) -> None:
    """Make the library of such a file, without embedding anything; --home says where.

    Every part is checked first. A library that has documents is left alone without --replace; it is
    kept aside then.
    """
    from rag import moving

    manifest = moving.read_manifest(file)
    held = moving.held_documents(settings.library)
    if held and replace:
        question = f"Put {_about(manifest)} in place of the {held} that are here?"
        _confirm(question, "import", yes)
    with _progress() as told:
        done = moving.import_library(settings, file, told, replace, not no_wait, tell_waiting)
    if json:
        shown = {"home": str(settings.home), "model_missing": done.model_missing}
        print_json({**shown, **_manifest(done.manifest), **_standing(done.standing)})
        return
    out.print(styled(f"{settings.home} has {_about(manifest)} now."), soft_wrap=True)
    _tell_aside(done.standing)
    if done.model_missing:
        err.print(styled(f"Searched by keywords only: {done.model_missing}", "yellow"))
        err.print("Install that model, or embed the library with one that is here: rag reindex")


def restore_library(
    settings: Settings,
    show: Annotated[bool, typer.Option("--list", help="Only show the backups.")] = False,
    backup: Annotated[
        Path | None, typer.Option("--from", help="This backup; else the newest that is whole.")
    ] = None,
    yes: Yes = False,
    no_wait: NoWait = False,
    json: Json = False,
) -> None:
    """Bring the library back from a backup. What is there now is kept aside.

    What came after the backup is read again by the next rag ingest of its folders.
    """
    from rag import restoring

    home = settings.library
    if show:
        _show_backups(settings, json)
        return
    chosen = restoring.choose(home, backup)
    _confirm(f"Put {chosen.name} in place of the library?", "restore", yes)
    done = restoring.restore(home, chosen, not no_wait, tell_waiting)
    if json:
        print_json({"backup": str(done.backup), **_standing(done.standing)})
        return
    standing = done.standing
    out.print(
        styled(f"Restored {standing.documents:,} documents from {chosen.name}."), soft_wrap=True
    )
    _tell_aside(standing)
    err.print("What was removed since that backup is in the library again; remove it once more.")
    for folder in standing.folders:
        err.print(styled(f"To read what is newer: rag ingest {folder}"), soft_wrap=True)


def _show_backups(settings: Settings, json: bool) -> None:
    from rag import restoring

    found = restoring.listed(settings.library)
    if json:
        rows = [{"path": str(b.path), "made": b.made.isoformat(), "bytes": b.size} for b in found]
        print_json({"backups": rows})
        return
    if not found:
        out.print("There are no backups yet. The first ingestion that changes something makes one.")
        return
    table = Table(box=None, pad_edge=False)
    for column in ("made (UTC)", "bytes", "backup"):
        table.add_column(column, justify="right" if column == "bytes" else "left", overflow="fold")
    for one in found:
        table.add_row(f"{one.made:%Y-%m-%d %H:%M}", f"{one.size:,}", styled(one.path.name))
    out.print(table)


@contextmanager
def _progress() -> Iterator[Told]:
    """A bar in a terminal, nothing elsewhere."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), DownloadColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task("", total=None)

        def told(what: str, done: int, of: int) -> None:
            bar.update(task, description=what, completed=done, total=of or None)

        yield told


def _confirm(question: str, command: str, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(command, "Nobody is there to confirm this.", "Add --yes.")
    require_confirmed(question)


def _tell_aside(standing: Standing) -> None:
    if standing.aside is not None:
        err.print(styled(f"What was there is kept in {standing.aside}"), soft_wrap=True)


def _about(manifest: Manifest) -> str:
    return f"{manifest.documents:,} documents of {manifest.made[:10]}"


def _manifest(manifest: Manifest) -> dict[str, object]:
    from dataclasses import asdict

    return {"manifest": asdict(manifest)}


def _standing(standing: Standing) -> dict[str, object]:
    return {
        "documents": standing.documents,
        "chunks": standing.chunks,
        "folders": list(standing.folders),
        "aside": str(standing.aside) if standing.aside else None,
    }
