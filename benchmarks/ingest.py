"""What an ingestion costs beside the embedding of the very same texts, which it cannot do without.

    python benchmarks/ingest.py [FOLDER] [--turns 2] [--records 200]
    python benchmarks/ingest.py FOLDER --engine ollama --ollama-host URL --embed-model NAME

FOLDER holds documents, or a corpus.jsonl whose records become a text file each (--records: only the
first so many); without it, the sample documents. Turn by turn one process ingests into a new
library and another one embeds the texts of its chunks, sorted by length, in one call. Printed are
seconds, and processor seconds with those of every child (what reads, what builds the index); the
ratio of the two; and the share of the processor seconds that went into reading the files. Pages that
are pictures are not read.
"""

from __future__ import annotations

from rag import egress

egress.seal_environment()
egress.guard()

import argparse  # noqa: E402
import json  # noqa: E402
import multiprocessing  # noqa: E402
import resource  # noqa: E402
import statistics  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable, Mapping  # noqa: E402
from concurrent.futures import ProcessPoolExecutor  # noqa: E402
from contextlib import closing  # noqa: E402
from dataclasses import dataclass  # noqa: E402
from pathlib import Path  # noqa: E402

import psutil  # noqa: E402

from rag.assistant import open_assistant  # noqa: E402
from rag.catalog import chunks, indexing  # noqa: E402
from rag.catalog.connection import Catalog  # noqa: E402
from rag.chunking import Chunker  # noqa: E402
from rag.config import Settings, load_settings  # noqa: E402
from rag.engine_choice import Engines  # noqa: E402
from rag.engines import wordpiece  # noqa: E402
from rag.paths import bundled  # noqa: E402

Flags = Mapping[str, str | Path]


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds of one process and its children; `reading`: those of the process that reads."""

    wall: float
    cpu: float
    texts: int
    reading: float = 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=bundled("data"))
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--records", type=int, default=200)
    parser.add_argument("--engine", default="embedded")
    parser.add_argument("--ollama-host", default="http://127.0.0.1:9")
    parser.add_argument("--embed-model", default="nomic-embed-text")
    options = parser.parse_args()
    flags = {"engine": options.engine, "ollama_host": options.ollama_host,
             "embed_model": options.embed_model}  # fmt: skip
    with tempfile.TemporaryDirectory() as scratch:
        folder = as_files(options.folder, Path(scratch) / "files", options.records)
        turns = [turn(folder, Path(scratch) / f"home{i}", flags) for i in range(options.turns)]
    report(turns)


def turn(folder: Path, home: Path, flags: Flags) -> tuple[Spent, Spent]:
    """One ingestion and one plain embedding, each in a fresh process."""
    flags = {**flags, "home": home}
    both = apart(ingest, folder, flags), apart(embed, folder, flags)
    for name, spent in zip(("ingest", "embed"), both, strict=True):
        print(f"  {name:8}{spent.wall:8.1f} s {spent.cpu:8.1f} CPU s", flush=True)
    return both


def report(turns: list[tuple[Spent, Spent]]) -> None:
    wall = statistics.median(ours.wall / raw.wall for ours, raw in turns)
    cpu = statistics.median(ours.cpu / raw.cpu for ours, raw in turns)
    reading = statistics.median(ours.reading / ours.cpu for ours, _ in turns)
    texts = turns[0][0].texts
    print(f"{texts:,} texts: ingest / embed  wall {wall:.3f}  CPU {cpu:.3f}  reading {reading:.1%}")


def ingest(folder: Path, flags: Flags) -> Spent:
    settings = load_settings(flags, {})

    def work() -> tuple[int, float]:
        with closing(open_assistant(settings)) as assistant:
            for _ in assistant.ingest(assistant.plan([folder]), ocr=False):
                pass
            return assistant.status().chunks, reading_seconds()

    return spent(work)


def embed(_: Path, flags: Flags) -> Spent:
    settings = load_settings(flags, {})
    texts = texts_of(settings)

    def work() -> tuple[int, float]:
        with closing(Engines(settings)) as engines:
            return len(engines.embedder(None).embed(texts, "document")), 0.0

    return spent(work)


def spent(work: Callable[[], tuple[int, float]]) -> Spent:
    wall, cpu = time.perf_counter(), cpu_seconds()
    texts, reading = work()
    return Spent(time.perf_counter() - wall, cpu_seconds() - cpu, texts, reading)


def cpu_seconds() -> float:
    both = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def reading_seconds() -> float:
    readers = [c for c in psutil.Process().children() if "rag.loaders.child" in c.cmdline()]
    return sum(reader.cpu_times().user + reader.cpu_times().system for reader in readers)


def texts_of(settings: Settings) -> list[str]:
    """What was embedded for the chunks of a library, each text once, the shortest first."""
    chunker = Chunker(wordpiece.count)
    with closing(Catalog(settings.library.database)) as catalog, catalog.read() as db:
        assert indexing.identity(db) is not None, "the ingestion came before"
        stored = chunks.after(db, 0)
        texts = {chunker.embedded_text(c.title, c.headings, c.text) for c in stored}
    return sorted(texts, key=len)


def as_files(folder: Path, target: Path, records: int) -> Path:
    """A folder of documents: the one given, or the records of its corpus.jsonl as files."""
    corpus = folder / "corpus.jsonl"
    if not corpus.is_file():
        return folder / "docs" if (folder / "docs.jsonl").is_file() else folder
    target.mkdir()
    for line in corpus.read_text(encoding="utf-8").splitlines()[:records]:
        record = json.loads(line)
        path = target / f"{record['id']}.txt"
        path.write_text(f"{record['title']}\n\n{record['text']}\n", encoding="utf-8")
    return target


def apart(work: Callable[[Path, Flags], Spent], folder: Path, flags: Flags) -> Spent:
    """Do it in a process of its own."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(work, folder, flags).result()


if __name__ == "__main__":
    main()
