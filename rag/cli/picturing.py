"""`rag page`: a page as a picture, with what a quote or a range of characters says marked."""

from __future__ import annotations

import re
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rag.cli.console import err, out, print_json, styled
from rag.cli.flags import takes_settings
from rag.config import Settings
from rag.errors import UsageError

if TYPE_CHECKING:
    from rag.drawing import PagePicture
    from rag.types import Document, Unit

Span = tuple[int, int]


def register(app: typer.Typer) -> None:
    app.command()(takes_settings(page))


def page(
    settings: Settings,
    file: Annotated[str, typer.Argument(help="Its path, or its id or the start of it.")],
    number: Annotated[int, typer.Argument(metavar="N", help="Which page or section, from 1.")],
    highlight: Annotated[
        str | None, typer.Option(metavar="START:END", help="Mark these characters of its text.")
    ] = None,
    quote: Annotated[str | None, typer.Option(help="Mark these words.")] = None,
    to: Annotated[
        str | None, typer.Option("--out", help="The PNG to write; - for standard output.")
    ] = None,
    dpi: Annotated[int, typer.Option(min=30, max=300, help="Dots per inch.")] = 110,
    json: Annotated[bool, typer.Option("--json", help="Say what was drawn as JSON.")] = False,
) -> None:
    """A page as a PNG: of PDFs and images as it looks, of everything else its text, set plainly."""
    from rag.assistant import open_assistant

    target = _target(to, file, number, json)
    with closing(open_assistant(settings)) as assistant:
        document = assistant.document(file)
        unit = assistant.unit(document, number)
        span = _span(unit, highlight, quote)
        picture = assistant.picture(document.id, document.sha256, number, span, dpi)
    if picture is None or picture.png is None:
        reason = picture.reason if picture and picture.reason else "it has just been changed"
        raise UsageError(
            file,
            f"There is no picture of {unit.label}: {reason}",
            "rag documents show has its text.",
        )
    if target is None:
        sys.stdout.buffer.write(picture.png)
        return
    target.write_bytes(picture.png)
    if json:
        print_json(_as_json(document, picture, target, span))
        return
    if picture.reason:
        err.print(styled(picture.reason, "yellow"), soft_wrap=True)
    out.print(styled(f"{document.name}, {unit.label}: {target}"), soft_wrap=True)


def _target(to: str | None, file: str, number: int, json: bool) -> Path | None:
    """Where the picture goes; None: standard output. A file that is there is replaced if named."""
    if to == "-":
        if json:
            raise UsageError("--out", "Standard output cannot take both.", "Leave one away.")
        return None
    target = Path(to) if to else Path(f"{Path(file).stem}-page-{number}.png")
    if not to and target.exists():
        raise UsageError(str(target), f"There is a {target} already.", "Name another with --out.")
    if not target.parent.is_dir():
        raise UsageError(str(target), f"There is no folder {target.parent}.", "Name another.")
    return target


def _span(unit: Unit, highlight: str | None, quote: str | None) -> Span | None:
    if highlight and quote:
        raise UsageError("--quote", "Both --highlight and --quote are given.", "Give one of them.")
    if highlight:
        return _range(unit, highlight)
    return _found(unit, quote) if quote else None


def _range(unit: Unit, highlight: str) -> Span:
    match = re.fullmatch(r"(\d+):(\d+)", highlight)
    start, end = (int(match[1]), int(match[2])) if match else (0, 0)
    if not start < end <= len(unit.text):
        raise UsageError(
            "--highlight",
            f"{highlight} is no range of characters of {unit.label}.",
            f"It has {len(unit.text):,}; give START:END, such as 0:{min(len(unit.text), 100)}.",
        )
    return start, end


def _found(unit: Unit, quote: str) -> Span:
    """Where the words of a quote stand, whatever white space is between them."""
    words = r"\s+".join(map(re.escape, quote.split()))
    match = re.search(words, unit.text) or re.search(words, unit.text, re.IGNORECASE)
    if not words or match is None:
        raise UsageError(
            "--quote",
            f"These words do not stand in {unit.label}.",
            "Quote them as they stand there.",
        )
    return match.span()


def _as_json(
    document: Document, picture: PagePicture, target: Path, span: Span | None
) -> dict[str, object]:
    unit = picture.unit
    return {
        "document_id": document.id,
        "path": document.path,
        "page": unit.number,
        "unit": unit.kind,
        "label": unit.label,
        "out": str(target.absolute()),
        "drawn_from": "file" if picture.of_file else "text",
        "reason": picture.reason,
        "start": span[0] if span else None,
        "end": span[1] if span else None,
        "ocr_confidence": unit.ocr_confidence,
    }
