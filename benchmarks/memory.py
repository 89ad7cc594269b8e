"""How much memory an ingestion takes, by the size of what it ingests.

    python benchmarks/memory.py [--chunks 10000 --chunks 100000]

Each size in a process of its own: files of forty paragraphs each are read, chunked, committed and
indexed as ever; what embeds is a fake that makes unit vectors by chance, for a model's memory is that
of a batch. Printed are the peaks of the process that ingests, of the one that reads, and of the one
that builds the vector index, which holds all its vectors: Chroma builds a graph in memory.
"""

from __future__ import annotations

from rag import egress

egress.seal_environment()
egress.guard()

import argparse  # noqa: E402
import random  # noqa: E402
import resource  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
from collections.abc import Sequence  # noqa: E402
from contextlib import closing  # noqa: E402
from pathlib import Path  # noqa: E402

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests")]

import numpy as np  # noqa: E402
import psutil  # noqa: E402
from fakes import ScriptedEngine  # noqa: E402
from library import Library  # noqa: E402

from benchmarks.scale import peak, sentences  # noqa: E402
from rag.loaders.worker import ReaderProcess  # noqa: E402
from rag.types import FileResult, Task, Vectors  # noqa: E402

DIMS = 384
A_FILE, WORDS = 40, 50  # paragraphs, of a chunk each


class Forgetful(ScriptedEngine):
    """Embeds by chance, and remembers nothing."""

    def embed(self, model: str, texts: Sequence[str], task: Task) -> Vectors:
        rows = np.random.default_rng(len(texts[0])).standard_normal((len(texts), DIMS))
        unit: Vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
        return unit


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--chunks", type=int, action="append")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        one(options.one)
        return
    print("chunks     ingesting, MiB   reading   building")
    for size in options.chunks or (10_000, 100_000):
        subprocess.run([sys.executable, __file__, "--one", str(size)], check=True)


def one(size: int) -> None:
    with tempfile.TemporaryDirectory() as scratch, ReaderProcess() as reader:
        with closing(Library(Path(scratch), reader, Forgetful(dims=DIMS))) as library:
            write(library.folder, size // A_FILE)
            events = library.events(library.plan())
            made = sum(event.chunks for event in events if isinstance(event, FileResult))
        reading = max(peak(child.pid) for child in psutil.Process().children())
    ingesting, building = (
        resource.getrusage(whose).ru_maxrss / 1024
        for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    print(f"{made:<11,}{ingesting:14,.0f}{reading:10,.0f}{building:11,.0f}", flush=True)


def write(folder: Path, files: int) -> None:
    texts = sentences(random.Random(0))
    for number in range(files):
        path = folder / str(number % 100) / f"{number}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        parts = (" ".join(next(texts).split()[:WORDS]) for _ in range(A_FILE))
        path.write_text("".join(f"## Part\n\n{part}\n\n" for part in parts), encoding="utf-8")


if __name__ == "__main__":
    main()
