"""What reading PDFs costs: pages per CPU-second of the whole way, beside pypdfium2 alone.

    python -m benchmarks.reading FOLDER…

The whole way is the reading process as the program starts it: sniffing, text, offset maps, columns,
running lines, divided words, hidden text, states, and the answer through the pipe. Alone is pypdfium2
in a process of its own giving the text of every page. Both count the start of their process, and are
measured in turns; the ratio is of the sums, so that a busy machine does not decide it.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rag.errors import LoadError
from rag.loaders.worker import ReaderProcess

ROUNDS = 3
_ALONE = """
import sys, pypdfium2
for path in sys.argv[1:]:
    with pypdfium2.PdfDocument(path) as document:
        for page in document:
            textpage = page.get_textpage()
            textpage.get_text_range()
            textpage.close()
            page.close()
"""


def alone(paths: Sequence[Path]) -> None:
    subprocess.run([sys.executable, "-c", _ALONE, *map(str, paths)], check=True)


def whole(paths: Sequence[Path]) -> int:
    """Reads the files; how many pages they have."""
    pages = 0
    with ReaderProcess() as reader:
        for path in paths:
            try:
                pages += len(reader.load(path).units)
            except LoadError as error:
                sys.exit(f"{error.message} Leave it out: pypdfium2 alone would be counted for it.")
    return pages


def cpu_seconds(work: Callable[[], object]) -> float:
    """Of this process and of its children, which have ended afterwards."""
    before = _used()
    work()
    return _used() - before


def _used() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="+")
    folders: list[Path] = parser.parse_args().folder
    paths = sorted(path for folder in folders for path in folder.glob("*.pdf"))
    pages = whole(paths)
    rounds = [
        (cpu_seconds(lambda: alone(paths)), cpu_seconds(lambda: whole(paths)))
        for _ in range(ROUNDS)
    ]
    bare, ours = (sum(seconds) for seconds in zip(*rounds, strict=True))
    print(f"{len(paths)} files, {pages} pages, {ROUNDS} rounds")
    print(f"pypdfium2 alone  {ROUNDS * pages / bare:7.0f} pages per CPU-second")
    print(f"the whole way    {ROUNDS * pages / ours:7.0f} pages per CPU-second")
    print(f"ratio            {bare / ours:7.2f}")


if __name__ == "__main__":
    main()
