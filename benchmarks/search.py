"""What a question costs in a large library, against what it cannot do without.

    python benchmarks/search.py [--chunks 100000] [--questions 200] [--home FOLDER]

Makes a library of made-up texts (words of the sample documents) with clustered unit vectors, builds
both indexes, and asks. Printed are milliseconds, median and 95th percentile, of one query embedding,
of the exact product with all vectors (BLAS), and of the product's whole search; and their ratio, all
of one run, turn by turn, so that a busy machine slows both sides. A library in --home is used again.
"""

from __future__ import annotations

from rag import egress

egress.seal_environment()
egress.guard()

import argparse  # noqa: E402
import random  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable, Iterator  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402

from rag.catalog import chunks, documents, indexing, vectors  # noqa: E402
from rag.catalog.connection import Catalog, open_catalog  # noqa: E402
from rag.catalog.documents import FileVersion  # noqa: E402
from rag.chunking import CHUNKER  # noqa: E402
from rag.engine_choice import BoundEmbedder  # noqa: E402
from rag.engines.embedded import DIMS, MODEL, EmbeddedEngine  # noqa: E402
from rag.indexes import publish  # noqa: E402
from rag.indexes.follow import follow_keyword  # noqa: E402
from rag.locks import WriterLock  # noqa: E402
from rag.paths import Home, bundled  # noqa: E402
from rag.retrieval.retriever import Retriever  # noqa: E402
from rag.types import Chunk, EmbeddingIdentity, LoadedDocument, Unit, Vectors  # noqa: E402

A_DOCUMENT = 40  # chunks
WORDS = 130  # of a chunk
CLUSTER = 50  # vectors near one centre
SPREAD = 0.6  # of a cluster


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--chunks", type=int, default=100_000)
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--home", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        home = Home(arguments.home or Path(scratch))
        engine = EmbeddedEngine(0)
        catalog = open_catalog(home)
        with catalog.read() as db:
            there = chunks.count(db)
        if not there:
            fill(catalog, home, engine.identity(MODEL), arguments.chunks)
        measure(catalog, home, BoundEmbedder(engine, MODEL, None), arguments.questions)
        catalog.close()


def fill(catalog: Catalog, home: Home, identity: EmbeddingIdentity, count: int) -> None:
    """Commit made-up documents and build both indexes."""
    chance, texts = random.Random(0), sentences(random.Random(1))
    rows = clustered(count)
    with WriterLock(home.writer_lock, "a benchmark").acquire() as lock:
        with catalog.write(lock) as db:
            indexing.set_identity(db, identity)
            sequence = chunks.next_sequence(db)
            for first in range(0, count, A_DOCUMENT):
                part = rows[first : first + A_DOCUMENT]
                units = [
                    Unit(i + 1, "page", f"page {i + 1}", next(texts)) for i in range(len(part))
                ]
                name = f"report-{chance.choice(('north', 'south', 'east'))}-{first}.pdf"
                version = FileVersion(f"/made/{name}", name, None, f"{first:064}", 1, 1, CHUNKER)
                loaded = LoadedDocument("pdf", None, tuple(units), "made")
                document = documents.replace(db, version, loaded, "added", sequence)
                spans = [Chunk(unit.number, 0, len(unit.text)) for unit in units]
                keys = [vectors.key_of(f"{first}-{i}") for i in range(len(part))]
                vectors.put(db, identity.key, keys, part)
                chunks.add(db, document, spans, keys, sequence)
        timed(f"keyword index of {count:,} chunks", lambda: follow_keyword(catalog, home, lock))
        timed("vector generation", lambda: publish.publish_generation(catalog, home, lock))


def measure(catalog: Catalog, home: Home, embedder: BoundEmbedder, questions: int) -> None:
    with catalog.read() as db:
        _, matrix = vectors.of_chunks_after(db, embedder.identity.key, 0)
    retriever = Retriever(catalog, home, lambda _: embedder)
    chance, texts = random.Random(2), sentences(random.Random(3))
    embedding, product, search = [], [], []
    for number in range(questions + 5):
        words = next(texts).split()
        query = " ".join(chance.sample(words, chance.randint(6, 14)))
        vector, seconds = clock(lambda query=query: embedder.embed([query], "query")[0])
        _, multiplied = clock(lambda vector=vector: matrix @ vector)
        _, searched = clock(lambda query=query: retriever.search(query, 10))
        if number >= 5:  # the first ones load what is loaded once
            embedding.append(seconds)
            product.append(multiplied)
            search.append(searched)
    retriever.close()
    floor = np.add(embedding, product)
    for name, seconds in (("query embedding", embedding), ("exact product", product),
                          ("both", floor), ("search, all stages", search)):  # fmt: skip
        median, high = np.percentile(seconds, [50, 95]) * 1000
        print(f"{name:20} {median:8.1f} {high:8.1f} ms")
    ratios = [np.percentile(search, p) / np.percentile(floor, p) for p in (50, 95)]
    print(f"{'search / both':20} {ratios[0]:8.2f} {ratios[1]:8.2f}   ({len(matrix):,} chunks)")


def clustered(count: int) -> Vectors:
    """Unit vectors in clusters, as those of texts on few subjects are."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((max(1, count // CLUSTER), DIMS))
    rows = centres[rng.integers(0, len(centres), count)]
    rows = rows + SPREAD * rng.standard_normal((count, DIMS))
    unit: Vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return unit


def sentences(chance: random.Random) -> Iterator[str]:
    """Endless texts of words of the sample documents, the common ones common."""
    files = sorted(p for p in bundled("data").iterdir() if p.suffix in (".md", ".txt"))
    words = " ".join(p.read_text(encoding="utf-8") for p in files).split()
    while True:
        picked = (chance.choice(words) for _ in range(WORDS))
        yield " ".join(
            w if chance.random() < 0.9 else f"{w}{chance.randint(0, 5000)}" for w in picked
        )


def clock(work: Callable[[], object]) -> tuple[object, float]:
    started = time.perf_counter()
    result = work()
    return result, time.perf_counter() - started


def timed(name: str, work: Callable[[], object]) -> None:
    _, seconds = clock(work)
    print(f"{name}: {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
