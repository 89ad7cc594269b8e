"""What is printed where: answers and data to standard output, progress and errors to the other.

Text from documents, file names and models is stripped of control characters before it reaches a
terminal (escape sequences could move its cursor or set its title), and never read as rich's markup.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.text import Text

from rag.errors import EXIT_INTERRUPTED, VouchError

if TYPE_CHECKING:
    from rich.progress import Progress

out = Console(highlight=False, markup=False, emoji=False)
err = Console(stderr=True, highlight=False, markup=False, emoji=False)


def counted(number: int, thing: str) -> str:
    """A number of things, in words that fit it: 1 file, 2 files."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def confirmed(question: str, default: bool = False) -> bool:
    """Ask at a terminal. Ctrl-C and the end of input end the program as interrupted."""
    try:
        return typer.confirm(question, default, err=True)
    except typer.Abort:
        raise typer.Exit(EXIT_INTERRUPTED) from None


def require_confirmed(question: str, default: bool = False) -> None:
    """Ask, and end the program where the answer is no."""
    if not confirmed(question, default):
        raise typer.Exit(EXIT_INTERRUPTED)


def printable(text: str) -> str:
    """Text without control characters other than line breaks and tabs."""
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) != "Cc")


def one_line(name: str) -> str:
    """A name or path as it is shown in a list: one with a line break would look like two."""
    return name.replace("\n", "\\n")


def styled(text: str, style: str = "") -> Text:
    """Foreign text, harmless, in a style of ours."""
    return Text(printable(text), style=style)


def progress_bar() -> Progress:
    """A bar; tasks have the fields `things` (which are counted) and `rate`.

    Nothing is drawn but in a terminal.
    """
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[things]}"),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=err, transient=True, disable=not err.is_terminal)


def print_json(value: Any) -> None:
    """One object on one line of standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def print_error(error: VouchError, as_json: bool) -> None:
    """One sentence and what to do; as JSON on standard output if data was asked for."""
    if as_json:
        info = error.info
        print_json({"error": {"code": info.code, "message": info.message, "hint": info.hint}})
        return
    err.print(Text.assemble(("Error: ", "bold red"), styled(error.message)), soft_wrap=True)
    if error.hint:
        err.print(Text.assemble(("Hint:  ", "bold"), styled(error.hint)), soft_wrap=True)
