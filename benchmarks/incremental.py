"""What a second run of an ingestion costs where little or nothing has changed.

    python benchmarks/incremental.py [--files 2000] [--edits 20] [--markdown FILE]

An unchanged folder: the wall time of a run, from looking at the files to its summary, against that
of a plain walk that asks for the size and time of each. A paragraph replaced in a PDF of 300 pages,
and one inserted into a long Markdown file, at random places: the share of its chunks that is
embedded anew. A rename. Texts are made up of words of the sample documents, unless a Markdown file
is named; what embeds is a fake that only counts: no figure here depends on a model.
"""

from __future__ import annotations

from rag import egress

egress.seal_environment()
egress.guard()

import argparse  # noqa: E402
import os  # noqa: E402
import random  # noqa: E402
import statistics  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable, Sequence  # noqa: E402
from contextlib import closing, contextmanager  # noqa: E402
from pathlib import Path  # noqa: E402

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests")]

from fakes import ScriptedEngine  # noqa: E402
from fpdf import FPDF  # noqa: E402
from library import Library  # noqa: E402

from benchmarks.scale import sentences  # noqa: E402
from rag.loaders.worker import ReaderProcess  # noqa: E402

PAGES = 300
PARAGRAPHS = 600  # of a Markdown file
TURNS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--edits", type=int, default=20)
    parser.add_argument("--markdown", type=Path)
    options = parser.parse_args()
    with ReaderProcess() as reader:
        unchanged(reader, options.files)
        text = Texts()
        pages = [[text.paragraph(60) for _ in range(4)] for _ in range(PAGES)]
        edited("a paragraph replaced in a PDF of 300 pages", reader, "a.pdf",
               lambda chance: pdf(replaced(pages, chance, text)), pdf(pages), options.edits)  # fmt: skip
        for name, parts in markdown(options.markdown, text).items():
            edited(f"a paragraph inserted into {name}", reader, "a.md",
                   lambda chance, parts=parts: "\n\n".join(inserted(parts, chance, text)),
                   "\n\n".join(parts), options.edits)  # fmt: skip


class Texts:
    def __init__(self) -> None:
        self._texts = sentences(random.Random(0))
        self._chance = random.Random(1)

    def paragraph(self, words: int | None = None) -> str:
        """Sentences of seven to thirty words."""
        found = next(self._texts).split()[: words or self._chance.randint(15, 130)]
        for place in range(0, len(found), self._chance.randint(7, 30)):
            found[place] = found[place].capitalize()
            found[place - 1] = found[place - 1].rstrip(".,;:") + "."
        return " ".join(found)


def unchanged(reader: ReaderProcess, files: int) -> None:
    text = Texts()
    with made(reader) as library:
        library.write({f"{i % 100}/{i}.txt": text.paragraph() for i in range(files)})
        library.ingest()
        library.engine.embedded.clear()
        walked, ran = [], []
        for _ in range(TURNS):
            walked.append(seconds(lambda: walk(library.folder)))
            ran.append(seconds(lambda: list(library.events(library.plan()))))
        walk_s, run_s = statistics.median(walked), statistics.median(ran)
        print(
            f"{files:,} unchanged files: walk {walk_s * 1000:.0f} ms, run {run_s * 1000:.0f} ms, "
            f"ratio {run_s / walk_s:.1f}, {len(library.engine.embedded)} texts embedded"
        )
        (library.folder / "0").rename(library.folder / "renamed")
        results = library.ingest()
        moved = sum(result.moved_from is not None for result in results.values())
        print(f"{moved} files renamed: {len(library.engine.embedded)} texts embedded")


def edited(
    name: str,
    reader: ReaderProcess,
    file: str,
    edit: Callable[[random.Random], str | bytes],
    first: str | bytes,
    edits: int,
) -> None:
    """Each edit is made to the first version, which is then put back."""
    shares = []
    with made(reader) as library:
        chunks = library.fill({file: first})[file].chunks
        for number in range(edits):
            result = library.fill({file: edit(random.Random(number))})[file]
            shares.append(result.chunks_embedded / result.chunks)
            library.fill({file: first})
    print(
        f"{name} ({chunks} chunks): {statistics.mean(shares):.2%} embedded on average, "
        f"at most {max(shares):.2%}"
    )


@contextmanager
def made(reader: ReaderProcess):
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(Library(Path(folder), reader, ScriptedEngine())) as library,
    ):
        yield library


def walk(folder: Path) -> int:
    return sum(
        os.stat(f"{place}/{name}").st_size  # noqa: PTH116  # the plainest walk there is
        for place, _, names in os.walk(folder)
        for name in names
    )


def pdf(pages: Sequence[Sequence[str]]) -> bytes:
    document = FPDF()
    document.set_font("Helvetica", size=9)
    for page in pages:
        document.add_page()
        for paragraph in page:
            document.multi_cell(0, 5, paragraph.encode("latin-1", "replace").decode("latin-1"))
            document.ln(6)
    return bytes(document.output())


def replaced(pages: Sequence[Sequence[str]], chance: random.Random, text: Texts) -> list[list[str]]:
    changed = [list(page) for page in pages]
    page = chance.choice(changed)
    page[chance.randrange(len(page))] = text.paragraph(60)
    return changed


def markdown(file: Path | None, text: Texts) -> dict[str, list[str]]:
    """Long Markdown files by what they are, as paragraphs."""
    if file is not None:
        return {file.name: file.read_text(encoding="utf-8").split("\n\n")}
    plain = [text.paragraph() for _ in range(PARAGRAPHS)]
    headed = [
        part
        for i, paragraph in enumerate(plain)
        for part in ([f"## Section {i // 30}", paragraph] if i % 30 == 0 else [paragraph])
    ]
    return {"Markdown with headings": headed, "Markdown without headings": plain}


def inserted(parts: Sequence[str], chance: random.Random, text: Texts) -> list[str]:
    changed = list(parts)
    changed.insert(chance.randrange(1, len(changed)), text.paragraph())
    return changed


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
