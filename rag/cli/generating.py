"""`rag generate`: texts by a model, without documents; one, or a file of them."""

from __future__ import annotations

import dataclasses
import json as jsonlib
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rag.cli.console import err, out, print_json, printable, progress_bar, styled
from rag.cli.flags import takes_settings
from rag.config import Settings
from rag.errors import EXIT_FILES_FAILED, UsageError

if TYPE_CHECKING:
    from rag.generation import Generator
    from rag.types import Prompt


def register(app: typer.Typer) -> None:
    app.command()(takes_settings(generate))


def generate(
    settings: Settings,
    prompt: Annotated[
        str | None, typer.Argument(help="In quotes; - reads it from standard input.")
    ] = None,
    batch: Annotated[
        Path | None,
        typer.Option(help='Prompts, one JSON object a line: {"id": "a", "prompt": "…"}.'),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option("--out", help="Where the texts of --batch go, one JSON object a line."),
    ] = None,
    concurrency: Annotated[
        int | None,
        typer.Option(min=1, max=64, help="Prompts at once; by default num_parallel."),
    ] = None,
    system: Annotated[str | None, typer.Option(help="What the model is told beforehand.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same text.")] = 0,
    top_p: Annotated[float | None, typer.Option(min=0.0, max=1.0)] = None,
    top_k: Annotated[int | None, typer.Option(min=0)] = None,
    stop: Annotated[list[str] | None, typer.Option(help="End before this text.")] = None,
    format: Annotated[
        str | None, typer.Option(help='"json", or a file that holds a JSON schema.')
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Have the chat model write, without your documents: nothing in the text is checked.

    With --batch and --out many texts are written, several at once. A stopped
    run goes on where it left off, and tries failed prompts again.
    """
    from rag.generation import Generator
    from rag.types import Prompt

    if (prompt is None) == (batch is None) or (batch is None) != (to is None):
        raise UsageError("generate", "Give a prompt, or --batch with --out.", "See --help.")
    if concurrency is not None:
        settings = dataclasses.replace(settings, num_parallel=concurrency)
    asked: dict[str, Any] = {
        "seed": seed, "top_p": top_p, "top_k": top_k, "stop": tuple(stop or ()),
        "format": _format(format),
    }  # fmt: skip
    with closing(Generator(settings, **asked)) as generator:
        if batch is not None and to is not None:
            _write_batch(generator, batch, to, json)
            return
        text = sys.stdin.read() if prompt == "-" else prompt or ""
        _write_one(generator, Prompt(text, generator.options, system), json)


def _format(given: str | None) -> str | dict[str, Any] | None:
    if given is None or given == "json":
        return given
    try:
        schema = jsonlib.loads(Path(given).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(
            given, f"{given} does not hold a JSON schema: {error}.", 'Give "json", or such a file.'
        ) from error
    return dict(schema)


def _write_one(generator: Generator, prompt: Prompt, as_json: bool) -> None:
    from rag.types import ChatDelta

    text, last = "", ChatDelta("")
    for event in generator.write(prompt):
        if not isinstance(event, ChatDelta):
            continue
        text, last = text + event.text, event
        if not as_json:
            out.print(printable(event.text), end="", soft_wrap=True)
    if as_json:
        from rag.cli import contracts

        print_json(contracts.generated(generator.model, text, last))
        return
    out.print()
    if last.stopped_by_length:
        err.print(
            f"It ended at {prompt.options.num_predict} tokens, the most that num_predict allows.",
            style="yellow",
        )


def _write_batch(generator: Generator, source: Path, to: Path, as_json: bool) -> None:
    from rag.batch import Begun, Written, run

    counts = {"prompts": 0, "earlier": 0, "written": 0, "failed": 0, "output_tokens": 0}
    with progress_bar() as bar:
        task = bar.add_task("Writing", total=None, things="texts", rate="")
        for event in run(generator, source, to):
            match event:
                case Begun():
                    counts |= {"prompts": event.prompts, "earlier": event.done}
                    bar.update(task, total=event.prompts, completed=event.done)
                case Written():
                    counts["failed" if event.failed else "written"] += 1
                    counts["output_tokens"] += event.output_tokens
                    bar.advance(task)
                case _:
                    pass
    if as_json:
        print_json({"summary": counts})
    else:
        out.print(styled(_summary(counts, to)), soft_wrap=True)
    if counts["failed"]:
        raise typer.Exit(EXIT_FILES_FAILED)


def _summary(counts: dict[str, int], to: Path) -> str:
    parts = [f"{counts['written']} written"]
    if counts["earlier"]:
        parts.append(f"{counts['earlier']} were there already")
    if counts["failed"]:
        parts.append(f"{counts['failed']} failed (run it again to try them anew)")
    return f"{', '.join(parts)}: {to}"
