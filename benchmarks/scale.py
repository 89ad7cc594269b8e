"""How a library stands up to its size: speed, recall, disk, memory and the first answer of a process.

    python benchmarks/scale.py [--chunks 20000] [--questions 100] [--home FOLDER]
    python benchmarks/scale.py --real FOLDER [--real FOLDER] [--home FOLDER]

The first fills a library with made-up texts (words of the sample documents) and clustered vectors,
writing the rows that an ingestion writes, and follows with the product's own indexes. The second
ingests the records of corpus.jsonl files and asks their queries, embedded by the embedded engine.
A library in --home is used again.

The floor is the exact product of a question with all vectors in memory (BLAS). Every question is
asked three times, in turn of the floor and of the product, and the best of the three counts, so that
a busy machine disturbs neither much; its embedding is left out on both sides. A filter is a
collection that holds the share of documents named.
"""

from __future__ import annotations

from rag import egress

egress.seal_environment()
egress.guard()

import argparse  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import random  # noqa: E402
import sqlite3  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable, Iterator, Sequence  # noqa: E402
from contextlib import closing  # noqa: E402
from dataclasses import dataclass  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import TypeVar  # noqa: E402

import numpy as np  # noqa: E402

from rag.catalog import chunks, documents, indexing, vectors  # noqa: E402
from rag.catalog.connection import Catalog, open_catalog  # noqa: E402
from rag.catalog.documents import FileVersion  # noqa: E402
from rag.chunking import CHUNKER  # noqa: E402
from rag.engines.embedded import DIMS, MODEL, EmbeddedEngine  # noqa: E402
from rag.indexes.follow import follow_all, follow_keyword, follow_vectors  # noqa: E402
from rag.ingest.remove import remove  # noqa: E402
from rag.locks import WriterLock  # noqa: E402
from rag.paths import Home, bundled  # noqa: E402
from rag.retrieval.recipe import BEST, STAGES, Recipe  # noqa: E402
from rag.retrieval.retriever import Retriever  # noqa: E402
from rag.types import (  # noqa: E402
    EVERYTHING,
    Chunk,
    EmbeddingIdentity,
    LoadedDocument,
    Scope,
    Task,
    Unit,
    Vectors,
)

A_DOCUMENT = 40  # chunks
TIMES = 3  # that each question is asked
WORDS = 130  # of a chunk
CLUSTER = 50  # vectors near one centre, on average
NOISE_DIMS = 24
SPREAD = 0.6  # of a cluster
BLOCK = 10_000  # chunks made and committed at once
SHARES = (0.01, 0.1, 0.5, 0.9)  # of the documents, that a filter keeps
K = 10
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and its vector: [dims], unit length."""

    text: str
    vector: Vectors


class Given:
    """Embeds every question as the vector that is laid here."""

    def __init__(self, identity: EmbeddingIdentity) -> None:
        self.identity = identity
        self.vector: Vectors = np.zeros(identity.dims, np.float32)

    def embed(self, texts: Sequence[str], task: Task) -> Vectors:
        return self.vector[None, :]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--chunks", type=int, default=20_000)
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--real", type=Path, action="append")
    parser.add_argument("--first", choices=("forget", "keyword", "hybrid"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.first == "forget":
        forget(Home(options.home))
        return
    if options.first:
        first_answer(Home(options.home), STAGES[options.first])
        return
    with tempfile.TemporaryDirectory() as scratch:
        home = Home(options.home or Path(scratch) / "home")
        with closing(open_catalog(home)) as catalog:
            with catalog.read() as db:
                there = chunks.count(db)
            if options.real:
                questions = real(catalog, home, options.real, Path(scratch), bool(there))
            else:
                questions = made_up(catalog, home, options.chunks, bool(there))
            examine(catalog, home, questions[: options.questions])


def examine(catalog: Catalog, home: Home, questions: Sequence[Question]) -> None:
    disk(catalog, home)
    cold(home)
    speed(catalog, home, questions)
    recall(catalog, home, questions, "recall")
    delete_half(catalog, home)
    recall(catalog, home, questions, "recall, half deleted")


# ------------------------------------------------------------------------------ filling


def made_up(catalog: Catalog, home: Home, count: int, there: bool) -> list[Question]:
    made = Clusters(count)
    if not there:
        fill(catalog, home, made, count)
    texts = sentences(random.Random(3))
    chance = random.Random(2)
    return [
        Question(" ".join(chance.sample(next(texts).split(), chance.randint(6, 14))), vector)
        for vector in made.rows(200, seed=-1)
    ]


class Clusters:
    """Unit vectors in clusters of uneven size, as those of texts on few subjects are."""

    def __init__(self, count: int) -> None:
        rng = np.random.default_rng(0)
        self._centres = rng.standard_normal((max(1, count // CLUSTER), DIMS)).astype(np.float32)
        self._noise = rng.standard_normal((NOISE_DIMS, DIMS)).astype(np.float32)
        weights = rng.pareto(1.5, len(self._centres)) + 0.1
        self._weights = weights / weights.sum()

    def rows(self, count: int, seed: int) -> Vectors:
        rng = np.random.default_rng(seed + 1)
        centres = self._centres[rng.choice(len(self._centres), count, p=self._weights)]
        noise = rng.standard_normal((count, NOISE_DIMS)).astype(np.float32) @ self._noise
        rows = centres + SPREAD * noise * (DIMS / NOISE_DIMS) ** 0.5 / DIMS**0.5 * 4
        unit: Vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
        return unit


def fill(catalog: Catalog, home: Home, made: Clusters, count: int) -> None:
    """Commit made-up documents and build both indexes."""
    chance, texts = random.Random(0), sentences(random.Random(1))
    identity = EmbeddedEngine(0).identity(MODEL)
    with WriterLock(home.writer_lock, "a benchmark").acquire() as lock:
        for first in range(0, count, BLOCK):
            size = min(BLOCK, count - first)
            with catalog.write(lock) as db:
                indexing.set_identity(db, identity)
                rows = made.rows(size, seed=first)
                sequence = chunks.next_sequence(db)
                for start in range(0, size, A_DOCUMENT):
                    part = rows[start : start + A_DOCUMENT]
                    name = f"report-{chance.choice(('north', 'south'))}-{first + start}.pdf"
                    own = [next(texts) for _ in part]
                    document = commit(db, identity, sequence, name, own, part)
                    for share in SHARES:
                        if chance.random() < share:
                            documents.add_to_collection(db, [document], f"{share:.0%}")
        timed(f"keyword index of {count:,} chunks", lambda: follow_keyword(catalog, home, lock))
        timed("vector generations", lambda: follow_vectors(catalog, home, lock, at_end=True))
        catalog.checkpoint()


def commit(
    db: sqlite3.Connection,
    identity: EmbeddingIdentity,
    sequence: int,
    name: str,
    texts: Sequence[str],
    rows: Vectors,
) -> str:
    units = [Unit(i, "page", f"page {i}", text) for i, text in enumerate(texts, start=1)]
    version = FileVersion(f"/made/{name}", name, None, f"{name:0>64}", 1, 1, CHUNKER)
    loaded = LoadedDocument("pdf", None, tuple(units), "made")
    document = documents.replace(db, version, loaded, "added", sequence)
    keys = [vectors.key_of(f"{name} {i}") for i in range(len(texts))]
    vectors.put(db, identity.key, keys, rows)
    spans = [Chunk(unit.number, 0, len(unit.text)) for unit in units]
    chunks.add(db, document, spans, keys, sequence)
    return document


def sentences(chance: random.Random) -> Iterator[str]:
    """Endless texts of words of the sample documents, the common ones common."""
    files = sorted(p for p in bundled("data").iterdir() if p.suffix in (".md", ".txt"))
    words = " ".join(p.read_text(encoding="utf-8") for p in files).split()
    while True:
        picked = chance.choices(words, k=WORDS)
        for place in chance.sample(range(WORDS), WORDS // 10):
            picked[place] += str(chance.randint(0, 5000))
        yield " ".join(picked)


def real(
    catalog: Catalog, home: Home, folders: Sequence[Path], scratch: Path, there: bool
) -> list[Question]:
    """Ingest the records of judged sets, put them into collections, and embed their questions."""
    from rag.assistant import open_assistant
    from rag.config import load_settings

    if not there:
        for folder in folders:
            for line in (folder / "corpus.jsonl").read_text(encoding="utf-8").splitlines():
                record = json.loads(line)
                path = scratch / "files" / folder.name / f"{record['id']}.txt"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(f"{record['title']}\n\n{record['text']}\n", encoding="utf-8")
        flags = {"home": home.root, "engine": "embedded", "ollama_host": "http://127.0.0.1:9"}
        with closing(open_assistant(load_settings(flags, {}))) as assistant:
            list(assistant.ingest(assistant.plan([scratch / "files"])))
        chance = random.Random(0)
        with (
            WriterLock(home.writer_lock, "a benchmark").acquire() as lock,
            catalog.write(lock) as db,
        ):
            for document in documents.all_documents(db):
                for share in SHARES:
                    if chance.random() < share:
                        documents.add_to_collection(db, [document.id], f"{share:.0%}")
    texts = [
        json.loads(line)["text"]
        for folder in folders
        for line in (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    random.Random(1).shuffle(texts)
    texts = texts[:200]
    embedded = EmbeddedEngine(0).embed(MODEL, texts, "query")
    return [Question(text, vector) for text, vector in zip(texts, embedded, strict=True)]


# ------------------------------------------------------------------------------ examining


def disk(catalog: Catalog, home: Home) -> None:
    with catalog.read() as db:
        raw = db.execute("SELECT sum(length(CAST(text AS BLOB))) FROM units").fetchone()[0]
        count = vectors.count_live(db)
    raw += count * DIMS * 4
    files = [path for path in home.root.rglob("*") if path.is_file()]
    used = {
        "catalog": [p for p in files if p.name.startswith("library.db")],
        "vectors": [p for p in files if "vector" in p.parts],
        "keywords": [p for p in files if "keyword" in p.parts],
    }
    sizes = {name: sum(p.stat().st_blocks * 512 for p in paths) for name, paths in used.items()}
    parts = ", ".join(f"{name} {size / raw:.2f}" for name, size in sizes.items())
    print(f"disk / (text + float32 vectors): {sum(sizes.values()) / raw:.2f} ({parts})")


def cold(home: Home) -> None:
    """The first answer of a new process, the library's files not in memory."""
    for name in ("keyword", "hybrid"):
        said, seconds = first(home, name)
        print(f"first answer of a new process, {name}: {seconds:.1f} s, {said}")


def first(home: Home, by: str) -> tuple[str, float]:
    """What a new process says of its first answer, and its seconds from start to end."""
    # in a process of its own: to close a file of SQLite's lets go of its locks
    command = [sys.executable, __file__, "--home", str(home.root), "--first"]
    subprocess.run([*command, "forget"], check=True)
    said, seconds = clock(lambda: subprocess.check_output([*command, by], text=True))
    return said.strip(), seconds


def forget(home: Home) -> None:
    """Take a library's files out of memory."""
    for path in home.root.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def first_answer(home: Home, by: Recipe) -> None:
    with closing(open_catalog(home)) as catalog:
        with catalog.read() as db:
            identity = indexing.identity(db)
        assert identity is not None
        embedder = Given(identity)
        embedder.vector[0] = 1.0
        found = Retriever(catalog, home, lambda _: embedder).search("a report on safety", K, by=by)
    print(f"{len(found.hits)} hits, {peak(os.getpid()):,.0f} MiB at most")


def peak(pid: int) -> float:
    """MiB of a process at most, so far; not of what it was forked from."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def speed(catalog: Catalog, home: Home, questions: Sequence[Question]) -> None:
    """Each question asked of the floor, of the whole library, and of every filter, in turn."""
    with catalog.read() as db:
        identity = indexing.identity(db)
        assert identity is not None
        _, matrix = vectors.of_chunks_after(db, identity.key, 0)
        scopes = filters(db)
    embedder = Given(identity)
    retriever = Retriever(catalog, home, lambda _: embedder)
    taken: dict[str, list[float]] = {"exact product": [], "search": [], **{s: [] for s in scopes}}
    stages: dict[str, list[float]] = {}
    for number, question in enumerate((*questions[:5], *questions)):
        once: dict[str, list[float]] = {name: [] for name in taken}
        embedder.vector = vector = question.vector
        for _ in range(TIMES):
            once["exact product"].append(clock(lambda vector=vector: matrix @ vector)[1])
            for name, scope in {"search": EVERYTHING, **scopes}.items():
                found, seconds = clock(
                    lambda q=question, scope=scope: retriever.search(q.text, K, scope, BEST)
                )
                once[name].append(seconds)
                if name == "search" and number >= 5:
                    for stage, part in found.stages.items():
                        stages.setdefault(stage, []).append(part)
        if number >= 5:  # the first ones load what is loaded once
            for name, times in once.items():
                taken[name].append(min(times))
    retriever.close()
    floor, plain = (np.percentile(taken[name], 95) for name in ("exact product", "search"))
    print(f"{len(matrix):,} chunks, ms                median      p95    / exact   / search")
    for name, seconds in taken.items():
        median, high = np.percentile(seconds, [50, 95])
        print(
            f"{name:32}{median * 1000:8.1f} {high * 1000:8.1f} "
            f"{high / floor:9.2f} {high / plain:10.2f}"
        )
    for name, seconds in stages.items():
        print(f"  stage {name:24}{np.median(seconds) * 1000:8.1f}")


def filters(db: sqlite3.Connection) -> dict[str, Scope]:
    some = documents.all_documents(db)[0]
    shares = {f"{s:.0%} of documents": Scope(collections=(f"{s:.0%}",)) for s in SHARES}
    return {"one document": Scope(documents=(some.id,)), **shares}


def recall(catalog: Catalog, home: Home, questions: Sequence[Question], name: str) -> None:
    """The share of the exact ten nearest that search by vector finds."""
    with catalog.read() as db:
        identity = indexing.identity(db)
        assert identity is not None
        ids, matrix = vectors.of_chunks_after(db, identity.key, 0)
        scopes = {"all": EVERYTHING, **filters(db)}
        owners = dict(map(tuple, db.execute("SELECT id, document_id FROM chunks")))
        owner = np.array([owners[i] for i in ids])
        members = {n: wanted(db, scope) for n, scope in scopes.items()}
    embedder = Given(identity)
    retriever = Retriever(catalog, home, lambda _: embedder)
    for scope_name, scope in scopes.items():
        inside = members[scope_name]
        rows = np.flatnonzero(np.isin(owner, inside)) if inside is not None else np.arange(len(ids))
        shares = []
        for question in questions:
            embedder.vector = question.vector
            best = np.sort((matrix @ question.vector)[rows])[::-1][:K]
            hits = retriever.search(question.text, K, scope, STAGES["dense"]).hits
            # by score: of two texts that are the same, either is right
            found = sum((h.dense_score or 0.0) >= best[-1] - 1e-5 for h in hits[: len(best)])
            shares.append(found / len(best))
        print(f"{name}@{K}, {scope_name}: {np.mean(shares):.4f}")
    retriever.close()


def wanted(db: sqlite3.Connection, scope: Scope) -> list[str] | None:
    if scope == EVERYTHING:
        return None
    ids = list(scope.documents)
    for collection in scope.collections:
        ids += [d.id for d in documents.all_documents(db, collection)]
    return ids


def delete_half(catalog: Catalog, home: Home) -> None:
    with catalog.read() as db:
        gone = documents.all_documents(db)[1::2]
    with WriterLock(home.writer_lock, "a benchmark").acquire() as lock:
        timed(f"{len(gone):,} documents removed", lambda: remove(catalog, home, lock, gone))
        timed("indexes followed", lambda: follow_all(catalog, home, lock, at_end=True))


def clock(work: Callable[[], T]) -> tuple[T, float]:
    started = time.perf_counter()
    result = work()
    return result, time.perf_counter() - started


def timed(name: str, work: Callable[[], object]) -> None:
    _, seconds = clock(work)
    print(f"{name}: {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
