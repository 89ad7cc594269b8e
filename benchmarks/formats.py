"""Writes docs/formats.md: what is read of each format, and how well, on the files of a corpus.

    pip install -r benchmarks/direct_readers.txt      (into an environment that has this project)
    python -m benchmarks.formats CORPUS [--out docs/formats.md] [--cache FOLDER]

CORPUS has one folder per format, `hostile` beside them, and `txt_truth` with the true text of the
generated files in `txt`.
"""

from __future__ import annotations

import argparse
import importlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from benchmarks.agreement import OURS, Agreement, Outcome, measure, read_all
from benchmarks.direct_readers import BROAD, DIRECT, UNDROPPED
from rag.errors import LOAD_ERRORS
from rag.loaders.formats import FORMATS
from rag.loaders.worker import SMALL, ReaderProcess

OUTCOMES = ("read", "needs_ocr", *LOAD_ERRORS, "failed")
CAP = {True: 8.0, False: 20.0}
"""Seconds for a file, by whether it is small."""


def encodings(corpus: Path, reader: ReaderProcess) -> tuple[int, int]:
    """How many of the generated texts are read as they truly are, and how many there are."""
    right = total = 0
    for truth in sorted((corpus / "txt_truth").iterdir()):
        document = reader.load(corpus / "txt" / truth.name)
        text = " ".join(" ".join(unit.text for unit in document.units).split())
        right += text == " ".join(truth.read_text("utf-8").split())
        total += 1
    return right, total


def report(corpus: Path, reader: ReaderProcess, cache: Path | None) -> Iterator[str]:
    yield from _INTRODUCTION.splitlines()
    yield from _formats()
    yield from _ABOUT_PDF.splitlines()
    found = {
        folder.name: read_all(folder, reader)
        for folder in sorted(corpus.iterdir())
        if folder.is_dir() and folder.name != "txt_truth"
    }
    yield from _outcomes(found)
    yield from _hostile(found.get("hostile", []), reader, corpus)
    right, total = encodings(corpus, reader)
    yield f"\nEncodings: {right} of {total} generated texts in as many encodings are read right."
    yield from _ABOUT_OCR.splitlines()
    yield from _agreement({n: measure(n, found[n], cache) for n in DIRECT if n in found})


_INTRODUCTION = """\
# Formats

Made by `python -m benchmarks.formats CORPUS`; the corpus is test files of other projects, real ones and
hostile ones, and no part of this repository.

## What is read

The content of a file decides what it is. Where nothing in it does, the suffix of its name chooses among
the text formats; what no format claims is plain text.

"""


_ABOUT_OCR = """
## Scans and images

A page of a PDF with something drawn on it and fewer than twenty letters *needs OCR*; so does every page
of an image. One whose text is of no language is *garbled*, one with nothing on it *empty*. `rag ingest`
has tesseract (4 or newer) read the first two kinds once all other text is searchable: at 200 dpi in
grey, small images at twice their size, one page at a time on one core, a minute at most, in a process
without a network. The languages are those of `ocr_languages`, or the document's own, English and one
more of those installed.

The confidence of a page is the mean of its words, 0 to 100. From 45 on the page counts as *read by
OCR*, unsure words included; below that it stays unread, and is tried again by another version or with
other languages only. A picture that tesseract finds no word on is empty.

`python -m benchmarks.ocr` on eight pages of reports, papers and annual accounts, drawn as scans and
held against their text layer (tesseract 5.3, English): recall of words .986 (worst page .953),
precision .942 (the letters within figures count as wrong), 2.1 processor seconds a page.
"""


def _formats() -> Iterator[str]:
    yield "| format | known by | what is read |"
    yield "|---|---|---|"
    for entry in FORMATS.values():
        module = importlib.import_module(f"rag.loaders.{entry.module}")
        what = (module.__doc__ or "").split("\n\n")[0].rstrip(".").replace("\n", " ")
        known = " ".join(entry.suffixes) or "its content"
        if len(entry.suffixes) > 12:
            known = f"{' '.join(entry.suffixes[:12])} and {len(entry.suffixes) - 12} more"
        yield f"| {entry.name} | {known} | {what} |"


def _outcomes(found: dict[str, list[Outcome]]) -> Iterator[str]:
    yield "\n## What became of each file\n"
    yield f"| folder | files | {' | '.join(name.replace('_', ' ') for name in OUTCOMES)} |"
    yield "|---|" + "---|" * (len(OUTCOMES) + 1)
    for folder, files in found.items():
        counts = Counter(file.name for file in files)
        cells = (str(counts[name] or "") for name in OUTCOMES)
        yield f"| {folder} | {len(files)} | {' | '.join(cells)} |"
    total = sum(map(len, found.values()))
    yield f"\n{total} files, each with one outcome; no crash or hang reached the program."


def _hostile(files: list[Outcome], reader: ReaderProcess, corpus: Path) -> Iterator[str]:
    late = [f for f in files if f.seconds > CAP[f.path.stat().st_size < SMALL]]
    seconds = sum(file.seconds for file in files)
    slowest = max(files, key=lambda file: file.seconds)
    reader.load(corpus / "txt" / "gen__en__ascii.txt")
    yield (
        f"\nAll {len(files)} hostile files took {seconds:.0f} s, the slowest "
        f"({slowest.path.name}) {slowest.seconds:.1f} s; {len(late)} took longer than their cap "
        "(8 s below 5 MB, else 20 s). The file after them was read."
    )


def _agreement(found: dict[str, Agreement]) -> Iterator[str]:
    yield "\n## Agreement with other libraries\n"
    yield from _ABOUT_AGREEMENT.splitlines()
    yield "| format | files | Vouch F1 | direct readers F1 | others F1 | readable | read here |"
    yield "|---|---|---|---|---|---|---|"
    for name, agreement in found.items():
        direct = _scores(agreement, list(DIRECT[name]), beside=True)
        others = _scores(agreement, list(BROAD))
        ours = _score(agreement, OURS)
        if set(UNDROPPED) <= agreement.words.keys():
            ours += f" (nothing dropped: {_score(agreement, *UNDROPPED)})"
        readable, missed = len(agreement.readable), len(agreement.missed)
        yield (
            f"| {name} | {len(agreement.files)} | {ours} | {direct} | {others} "
            f"| {readable} | {readable - missed} |"
        )
    readable = sum(len(agreement.readable) for agreement in found.values())
    missed = sum(len(agreement.missed) for agreement in found.values())
    yield (
        f"\nOf {readable} files that any of them finds a word in, {readable - missed} "
        f"({(readable - missed) / readable:.1%}) are read here. The others:\n"
    )
    for agreement in found.values():
        for path in agreement.missed:
            readers = ", ".join(agreement.readers_of(path))
            reason = REASONS.get(path.name) or agreement.reasons.get(path, "no words")
            yield f"- {path.name} (read by {readers}): {reason}"


REASONS = {
    "pdfjs__issue3405r.pdf": "letters without a meaning; what was read is the numbers of their shapes",
    "veraPDF-corpus__veraPDF_test_suite_6-2-11-7-3-t01-pass-d.pdf": "three letters that are not drawn",
    "poi__51187.pptx": "only the number of the slide stands on its page of notes",
    "kreuzberg__formula.odt": "only a formula, which is an object of its own in the file",
    "tika__testODTEmbeddedImageLink.odt": "only the title of a picture",
    "tika__testODSMacro.ods": "only the source of a macro",
    "kreuzberg__image.rtf": "only a picture; what was read is the file's own markup",
    "tika__testRTFEmbeddedLink.rtf": "only a picture; what was read is the file's own markup",
    "tika__test-android-binary.xml": "binary; what was read is noise",
    "sample-files__pdflatex-4-pages.tex": "only a macro that makes filler text",
    "poi__bug55732.ppt": "only the placeholders of the master slide",
}
"""Why files that other libraries find words in have none here."""

_ABOUT_PDF = """
## Text of PDFs

- **Running headers and footers** stay where they stand first, bare numbers of pages nowhere. A line
  runs if it stands on at least three pages, none further than three from the next, with the same words
  up to the number of the page, apart from the text and, where it has no such number, at the same
  distance from the edge.
  Documents of three pages or fewer keep every line; header rows of tables, titles of slides and the
  names of parts ("Question 3") stay everywhere.
- **Columns**: pages on which three or more lines run through two or three columns of prose are read
  column by column (`python -m benchmarks.columns FOLDER`). Others keep the order they were drawn in.
- **Divided words** are put together; the hyphen stays where the document has the word with it
  elsewhere, between two words of the document, and before a capital letter.
- **What nobody sees** is left out and counted: white on nothing but white, transparent, smaller than
  one point, outside the visible page, not drawn and not over a picture. Not found: what lies under a
  picture or a shape, is cut off by a clipping path, or stands in a layer that is switched off.
- **Garbled** is a page of which a fifth of the characters belongs to no script; or whose words, in the
  Latin script, have too few vowels for any language, or become words when all letters are moved alike.

`python -m benchmarks.reading FOLDER` compares the cost of all this with that of pypdfium2 alone.
"""

_ABOUT_AGREEMENT = """\
What a text is, the libraries decide: for each word the median of their counts, the judged one left out.
F1 compares the words of a reader with that; mean over the files that two others read. Direct readers
are permissively licensed and made for one format; where one reads other files than Vouch, Vouch's F1 on
those that both read stands behind it. The others are kreuzberg and markitdown.

What ours leaves out or adds on purpose counts against it: navigation and hidden parts of HTML and EPUB
and running lines of PDFs are dropped, list items carry their numbers, XML values their names.

"""


def _scores(agreement: Agreement, readers: list[str], beside: bool = False) -> str:
    """The scores of readers; with `beside`, ours too where that is another on a reader's files."""
    ours, said = _score(agreement, OURS), []
    for name in readers:
        same = _score(agreement, OURS, name) if beside else ours
        differs = same not in ("–", ours)
        said.append(f"{name} {_score(agreement, name)}" + (f" (Vouch {same})" if differs else ""))
    return ", ".join(said) or "–"


def _score(agreement: Agreement, reader: str, beside: str | None = None) -> str:
    mean = agreement.mean(reader, beside)
    return "–" if mean is None else f"{mean:.3f}".removeprefix("0")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--out", type=Path, default=Path("docs/formats.md"))
    parser.add_argument("--cache", type=Path, help="a folder for what the libraries read")
    arguments = parser.parse_args()
    with ReaderProcess() as reader:
        lines = list(report(arguments.corpus, reader, arguments.cache))
    arguments.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
