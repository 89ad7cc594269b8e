"""Jupyter notebooks: text, code and what the code printed, in sections by the headings of the text.

Pictures and what is only for a browser are left out; numbers in coloured output lose their colours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from rag.loaders import html, markdown, plain, stated
from rag.loaders.encoding import read_text
from rag.loaders.formats import Reading
from rag.loaders.sections import Sections

# No JSON, or JSON of another form.
_NO_NOTEBOOK = (AttributeError, LookupError, RecursionError, TypeError, ValueError)
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|\[[0-9;]+m")


def read(path: Path) -> Reading:
    """Units of kind `section`, or those of plain text where the file is no whole notebook.

    The title is the stated one, else the first main heading. Raises as `encoding.read_text` does.
    """
    text = read_text(path)
    sections = Sections()
    try:
        notebook = json.loads(text, strict=False)
        for cell in _cells(notebook):
            _take(sections, cell)
        title = notebook.get("metadata", {}).get("title")
    except _NO_NOTEBOOK:
        return Reading(None, plain.units(text))
    return Reading(
        stated.title(title if isinstance(title, str) else None, sections.first_h1),
        sections.units(),
    )


def _cells(notebook: Any) -> Iterator[Any]:
    """The cells in order; the third version of the format has them in worksheets."""
    yield from notebook.get("cells", ())
    for sheet in notebook.get("worksheets", ()):
        yield from sheet["cells"]


def _take(sections: Sections, cell: Any) -> None:
    source = _joined(cell.get("source", cell.get("input", "")))
    match cell["cell_type"]:
        case "markdown":
            markdown.fill(sections, source)
        case "heading":
            sections.heading(int(cell.get("level", 1)), source)
        case _:
            sections.line(source + "\n")
            for text in _outputs(cell.get("outputs", ())):
                sections.line(text + "\n")


def _outputs(outputs: Iterable[Any]) -> Iterator[str]:
    for output in outputs:
        data = output.get("data", output)
        if plain := data.get("text/plain", data.get("text")):
            yield _COLOUR.sub("", _joined(plain))
        elif markup := data.get("text/html", data.get("html")):
            yield html.text_of(_joined(markup))
        elif output.get("ename"):
            yield f"{output['ename']}: {output.get('evalue', '')}"


def _joined(text: Any) -> str:
    return text if isinstance(text, str) else "".join(text)
