"""How right the order is in which PDF pages are read: as pdfium has them, and column by column.

    python -m benchmarks.columns FOLDER…

needs poppler's pdftotext, whose order is the measure. A line end is right if the two words on each side
of it follow one another there as well. Only line ends within running text are counted: both words are
in small letters. Pages that columns changed are shown one by one, the others in sum.
"""

from __future__ import annotations

import argparse
import re
import subprocess
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from pypdfium2 import PdfDocument  # type: ignore[import-untyped]

from rag.loaders.cleaning import clean
from rag.loaders.pdf_text import arranged, raw_page

_WORD = re.compile(r"\w+")


class Share(NamedTuple):
    right: int
    of: int

    def __add__(self, other: Share) -> Share:  # type: ignore[override]
        return Share(self.right + other.right, self.of + other.of)

    def __str__(self) -> str:
        return f"{self.right:5} of {self.of:5} line ends ({self.right / max(1, self.of):.1%})"


def line_ends(text: str) -> Iterator[tuple[str, str]]:
    """The words before and after each end of a line within running text."""
    lines = [words for line in text.splitlines() if (words := _WORD.findall(line))]
    for one, other in pairwise(lines):
        if one[-1].islower() and other[0].islower():
            yield one[-1], other[0]


def right(text: str, reference: set[tuple[str, str]]) -> Share:
    ends = list(line_ends(text))
    return Share(sum(end in reference for end in ends), len(ends))


def pairs(text: str) -> set[tuple[str, str]]:
    return set(pairwise(_WORD.findall(text)))


def measure(paths: Sequence[Path]) -> None:
    total = {"as pdfium has them": Share(0, 0), "column by column": Share(0, 0)}
    changed = 0
    for path in paths:
        command = ["pdftotext", str(path), "-"]
        read = subprocess.run(command, capture_output=True, check=True).stdout
        references = read.decode("utf-8", "replace").split("\f")
        with PdfDocument(path) as document:
            for number, reference in enumerate(references[: len(document)], 1):
                page = raw_page(document[number - 1])
                texts = [clean(page.text), clean(arranged(page).text)]
                shares = [right(text, pairs(reference)) for text in texts]
                total = {
                    name: sum_ + share
                    for (name, sum_), share in zip(total.items(), shares, strict=True)
                }
                if any(one.start > other.start for one, other in pairwise(page.lines)):
                    changed += 1
                    print(f"{path.name} {number}: {shares[0]}, then {shares[1]}")
    print(f"{changed} pages changed; all pages:")
    for name, share in total.items():
        print(f"  {name:18} {share}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="+")
    folders: list[Path] = parser.parse_args().folder
    measure(sorted(path for folder in folders for path in folder.glob("*.pdf")))


if __name__ == "__main__":
    main()
