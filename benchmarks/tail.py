"""From how many chunks on a vector index is worth having: with one, and by an exact scan alone.

    python benchmarks/tail.py [--chunks 500 5000 20000] [--questions 50]

For each number two libraries are filled alike (see scale.py), one of them with a generation. The first
answers of new processes, which alternate, are medians of five, with their peak memory;
then every question is asked of both in one process, and the best of three counts.
"""

from __future__ import annotations

from rag import egress

egress.seal_environment()
egress.guard()

import argparse  # noqa: E402
import statistics  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
from contextlib import ExitStack, closing  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402
import scale  # noqa: E402

from rag.catalog import indexing  # noqa: E402
from rag.catalog.connection import open_catalog  # noqa: E402
from rag.indexes import publish  # noqa: E402
from rag.paths import Home  # noqa: E402
from rag.retrieval.recipe import BEST  # noqa: E402
from rag.retrieval.retriever import Retriever  # noqa: E402
from rag.types import EVERYTHING  # noqa: E402

PROCESSES = 5
DUE = {"with an index": 0, "exact scan": sys.maxsize}  # chunks above which a generation is made


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--chunks", type=int, nargs="+", default=[500, 5000, 20_000])
    parser.add_argument("--questions", type=int, default=50)
    options = parser.parse_args()
    print(f"{'':22}first answer: s   MiB    later: ms, median  95th percentile")
    for count in options.chunks:
        with tempfile.TemporaryDirectory() as scratch:
            compare(count, {name: Home(Path(scratch, name)) for name in DUE}, options.questions)


def compare(count: int, homes: dict[str, Home], asked: int) -> None:
    for name, home in homes.items():
        publish.TAIL_AT_END = (DUE[name],) * 3
        with closing(open_catalog(home)) as catalog:
            questions = scale.made_up(catalog, home, count, there=False)[: asked + 5]
    first: dict[str, list[tuple[float, float]]] = {name: [] for name in homes}
    for _ in range(PROCESSES):
        for name, home in homes.items():
            first[name].append(first_answer(home))
    later = answers(homes, questions)
    for name in homes:
        seconds, memory = map(statistics.median, zip(*first[name], strict=True))
        median, high = np.percentile(later[name], [50, 95]) * 1000
        print(f"{count:7,} {name:14}{seconds:15.2f} {memory:5.0f} {median:20.1f} {high:16.1f}")


def first_answer(home: Home) -> tuple[float, float]:
    """Seconds, and MiB at most, of a process that answers one question."""
    said, seconds = scale.first(home, "hybrid")
    return seconds, float(said.split(",", 1)[1].split()[0].replace(",", ""))


def answers(homes: dict[str, Home], questions: list[scale.Question]) -> dict[str, list[float]]:
    """Seconds that each question takes; of the first five nothing is told."""
    taken: dict[str, list[float]] = {name: [] for name in homes}
    with ExitStack() as stack:
        searching = {}
        for name, home in homes.items():
            catalog = stack.enter_context(closing(open_catalog(home)))
            with catalog.read() as db:
                identity = indexing.identity(db)
            assert identity is not None
            embedder = scale.Given(identity)
            retriever = stack.enter_context(
                closing(Retriever(catalog, home, lambda _, it=embedder: it))
            )
            searching[name] = retriever, embedder
        for question in questions:
            for name, (retriever, embedder) in searching.items():
                embedder.vector = question.vector
                times = [
                    scale.clock(
                        lambda q=question, r=retriever: r.search(q.text, scale.K, EVERYTHING, BEST)
                    )[1]
                    for _ in range(scale.TIMES)
                ]
                taken[name].append(min(times))
    return {name: times[5:] for name, times in taken.items()}


if __name__ == "__main__":
    main()
