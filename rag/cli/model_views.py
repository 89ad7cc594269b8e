"""How models are printed: tables, one model in full, the progress of a pull or a creation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TransferSpeedColumn,
)
from rich.table import Table
from rich.text import Text

from rag.cli.console import err, out, styled
from rag.hardware import Machine, gigabytes
from rag.models import Created, InstalledModel, ModelDetails, runs_on, suits
from rag.types import KnownModel, ModelProgress, RunningModel

_FITS = {"fits": ("fits", "green"), "tight": ("tight", "yellow"), "too_large": ("no", "red")}


def print_installed(found: Sequence[InstalledModel], machine: Machine | None) -> None:
    if not found:
        out.print("Ollama has no models yet. Fetch one: rag models pull llama3.1")
    else:
        out.print(_installed(found))
    _print_machine(machine)
    err.print("Models to choose from: rag models list --known", style="dim")


def print_known(choice: Sequence[KnownModel], machine: Machine | None) -> None:
    table = _table("model", "parameters", "file", "memory", "window", "here", "best for")
    for model in choice:
        verdict = "" if machine is None else "fits" if suits(model, machine) else "too_large"
        table.add_row(
            model.name,
            model.parameters,
            f"{model.file_gb:g} GB",
            f"{model.memory_gb:g} GB",
            f"{model.context_length:,}",
            _fit(verdict),
            model.best_for,
        )
    out.print(table)
    _print_machine(machine)


def print_details(details: ModelDetails) -> None:
    info = details.shown.info
    out.print(styled(info.name, "bold"))
    for label, value in _rows(details):
        out.print(Text.assemble((f"{label:<13}", "dim"), styled(value)), soft_wrap=True)
    for label in ("system", "parameters", "template"):
        if text := getattr(details.shown, label).strip():
            out.print(Text.assemble("\n", (label, "bold")))
            out.print(styled(text), soft_wrap=True)


def print_running(found: Sequence[RunningModel]) -> None:
    if not found:
        out.print("No model is loaded; the next question loads one.")
        return
    table = _table("model", "memory", "runs on", "window", "until")
    for model in found:
        window = f"{model.context_length:,}" if model.context_length else "–"
        until = f"{model.expires_at.astimezone():%H:%M}" if model.expires_at else "–"
        table.add_row(styled(model.name), gigabytes(model.size), runs_on(model), window, until)
    out.print(table)


def print_created(created: Created) -> None:
    record = created.record
    again = "made anew" if created.before else "made"
    out.print(styled(f"{record.name} is {again} from {record.base}, version {record.version}."))
    for name in created.ignored:
        err.print(styled(f"Ollama passes over the parameter {name}: take it out.", "yellow"))
    if created.before and not created.changes:
        out.print(f"Its Modelfile is the one of {created.before.made}.")
    for line in created.changes:
        colour = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")
        out.print(styled(line, colour), soft_wrap=True)
    err.print(styled(f'Use it: rag ask --chat-model {record.name} "…"', "dim"))


def watch(stream: Iterable[ModelProgress]) -> None:
    """Follow a pull: a bar for each of its files, on a terminal."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        tasks = {"": progress.add_task("", total=None)}
        for event in stream:
            if event.part not in tasks:
                tasks[event.part] = progress.add_task("", total=event.total)
            progress.update(
                tasks[event.part],
                description=styled(event.step).plain,
                completed=event.completed,
                total=event.total or None,
            )


def watch_creation(stream: Iterator[ModelProgress | Created]) -> Created:
    """Follow a creation to its end."""
    created: list[Created] = []

    def progress() -> Iterator[ModelProgress]:
        for event in stream:
            if isinstance(event, Created):
                created.append(event)
            else:
                yield event

    watch(progress())
    return created[0]


def _installed(found: Sequence[InstalledModel]) -> Table:
    table = _table("model", "size", "parameters", "weights", "window", "fits", "")
    for model in found:
        info = model.info
        table.add_row(
            styled(info.name, "bold" if model.running else ""),
            gigabytes(info.size or 0),
            info.parameter_size or "–",
            info.quantization or "–",
            f"{info.context_length:,}" if info.context_length else "–",
            _fit(model.fit.verdict if model.fit else ""),
            styled(_about(model), "dim"),
        )
    return table


def _about(model: InstalledModel) -> str:
    if model.info.remote:
        return "runs on somebody else's machine; Vouch refuses it"
    if model.running:
        return f"loaded: {gigabytes(model.running.size)}, {runs_on(model.running)}"
    return model.fit.reason if model.fit else ""


def _rows(details: ModelDetails) -> list[tuple[str, str]]:
    info, record = details.shown.info, details.record
    rows = [
        ("digest", info.digest),
        ("family", info.family or "–"),
        ("parameters", f"{info.parameter_size or '–'}, {info.quantization or '–'}"),
        ("size", gigabytes(info.size or 0)),
        ("window", f"{info.context_length:,} tokens" if info.context_length else "–"),
        ("can", ", ".join(info.capabilities) or "–"),
        ("memory", _about(details.installed) or "–"),
        ("license", details.shown.license.strip().split("\n")[0] or "–"),
    ]
    if record is not None:
        rows.append(("made", f"{record.made} from {record.base}, version {record.version}"))
        if not details.is_recorded:
            rows.append(("", "The server's model is another one: it was changed since."))
    return rows


def _fit(verdict: str) -> Text:
    return Text(*_FITS.get(verdict, ("–", "dim")))


def _print_machine(machine: Machine | None) -> None:
    if machine is None:
        err.print("Ollama runs on another machine, whose memory cannot be seen from here.")
        return
    text = f"Memory: {gigabytes(machine.available)} free of {gigabytes(machine.memory)}."
    for gpu in machine.gpus:
        memory = f"{gigabytes(gpu.free)} free of {gigabytes(gpu.memory)}"
        text += f" GPU: {gpu.name}, {gpu.problem or memory}."
    err.print(styled(text if machine.gpus else f"{text} GPU: none found.", "dim"), soft_wrap=True)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column not in ("", "model", "best for"))
    return table
