"""One killed run with its two reopenings, and the run that completes it."""

from __future__ import annotations

import json
import random
import sqlite3
import sys
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .moments import AIMS, generations, where_it_hit
from .running import Ended, Running, run, start, surroundings

SMALL = {"VOUCH_TEST_SMALL": "1"}
Result = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the files: the words of every version there ever was, by its SHA-256."""

    words: Mapping[str, list[str]]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a library holds, without what may differ between two equal ones (ids, times)."""

    documents: dict[str, tuple[str, tuple[Any, ...]]]
    vectors: dict[tuple[bytes, str], np.ndarray]

    def differences(self, other: Snapshot) -> list[str]:
        """What is not as in another library, as sentences."""
        paths = sorted(self.documents.keys() | other.documents.keys())
        wrong = [p for p in paths if self.documents.get(p) != other.documents.get(p)]
        found = [f"{len(wrong)} documents differ: {wrong[:3]}"] if wrong else []
        if odd := self.vectors.keys() ^ other.vectors.keys():
            found.append(f"{len(odd)} vectors are in one of them only")
        both = self.vectors.keys() & other.vectors.keys()
        if far := [k for k in both if float(self.vectors[k] @ other.vectors[k]) < 0.97]:
            found.append(f"{len(far)} vectors differ")
        return found


@dataclass(frozen=True, slots=True)
class Kill:
    """What came of one kill."""

    aim: str
    ended_before: bool
    hit: str
    reported: int
    documents: int
    problems: list[str]


def ingest(home: Path, docs: Path, **how: Any) -> Ended:
    """An ingestion that is not disturbed, with small thresholds."""
    return run(home, "ingest", str(docs), "--json", driver=True, **_small(how))


def kill_once(
    home: Path, docs: Path, known: Known, aim: str, chance: random.Random, seconds: float
) -> Kill:
    """Start an ingestion, kill it at a moment of the kind `aim`, open the library twice."""
    before = generations(home)
    running = start_ingest(home, docs)
    AIMS[aim](home, running, chance, seconds)
    ended_before = running.ended
    survivors = running.kill(group=chance.random() < 0.7)
    return Kill(aim, ended_before, *after_kill(home, running.wait(), known, before, survivors))


def trapped(home: Path, docs: Path, known: Known, place: str) -> Kill:
    """An ingestion that kills itself at a place of driver.py; the library is opened twice."""
    before = generations(home)
    running = start_ingest(home, docs, environment={"VOUCH_TEST_KILL": place})
    ended = running.wait()
    return Kill(place, ended.code != -9, *after_kill(home, ended, known, before, []))


def start_ingest(home: Path, *docs: Path, environment: Mapping[str, str] | None = None) -> Running:
    how = _small({"environment": environment or {}})
    return start(home, "ingest", *map(str, docs), "--json", driver=True, **how)


def after_kill(
    home: Path, ended: Ended, known: Known, before: set[str], survivors: list[int]
) -> tuple[str, int, int, list[str]]:
    """Open a library twice after its writer was killed: the last four fields of `Kill`."""
    problems = [f"{len(survivors)} processes outlived their parent"] if survivors else []
    if ended.code not in (0, -9):
        problems.append(f"the run ended with {ended.code}: {ended.stderr.strip()[-300:]}")
    hit = where_it_hit(home, before)
    documents = 0
    for opening in ("first", "second"):
        found = opened(home, known, ended.results)
        problems += [f"{opening} opening: {problem}" for problem in found["problems"]]
        documents = found["documents"]
    reported = sum(r["outcome"] in ("added", "updated", "removed") for r in ended.results)
    return hit, reported, documents, problems


def opened(home: Path, known: Known, reported: Iterable[Result] = ()) -> Result:
    """What a fresh process finds wrong with a library; a failed start is the only problem then."""
    last = {result["path"]: result for result in reported}
    expected = {"words": dict(known.words), "reported": last}
    with tempfile.TemporaryDirectory() as folder:
        said = Path(folder, "expected.json")
        said.write_text(json.dumps(expected))
        command = [sys.executable, "-m", f"{__package__}.check", str(home), str(said)]
        ended = Running(command, surroundings(home), said.with_name("check")).wait()
    if ended.code != 0:
        detail = ended.stderr.strip().splitlines()[-1:]
        return {"problems": [f"ended with {ended.code} {detail}"], "documents": 0, "asked": 0}
    found: Result = json.loads(ended.stdout)
    return found


def snapshot(home: Path) -> Snapshot:
    """Read a library with plain SQL."""
    with closing(sqlite3.connect(home / "library.db")) as db:
        documents: dict[str, tuple[str, tuple[Any, ...]]] = {
            path: (sha256, tuple(db.execute(_CHUNKS_OF, (id_,))))
            for id_, path, sha256 in db.execute("SELECT id, path, sha256 FROM documents")
        }
        vectors = {
            (bytes(key), identity): np.frombuffer(blob, "<f2").astype(np.float32)
            for key, identity, blob in db.execute("SELECT key, identity, vector FROM vectors")
        }
    return Snapshot(documents, vectors)


_CHUNKS_OF = """
SELECT c.unit, u.kind, u.label, c.start, c."end", c.headings,
       substr(u.text, c.start + 1, c."end" - c.start), c.vector_key
FROM chunks c JOIN units u ON u.document_id = c.document_id AND u.number = c.unit
WHERE c.document_id = ? ORDER BY c.unit, c.start
"""


def completed(home: Path, docs: Path, mirror: Snapshot, known: Known) -> tuple[Ended, list[str]]:
    """The run after the kills: it completes, and the library is as if nothing had happened."""
    missing = len(mirror.vectors.keys() - snapshot(home).vectors.keys())
    ended = ingest(home, docs)
    if ended.code != 0:
        return ended, [f"the completing run ended with {ended.code}: {ended.stderr[-500:]}"]
    problems = snapshot(home).differences(mirror)
    embedded = ended.summary["chunks_embedded"]
    if embedded != missing:
        problems.append(f"{embedded} chunks were embedded, {missing} had no vector")
    problems += opened(home, known, ended.results)["problems"]
    problems += rubbish(home)
    return ended, problems


def rubbish(home: Path, identities: int = 1) -> list[str]:
    """Folders that no row speaks of, and generations and vectors beside those of so many models."""
    with closing(sqlite3.connect(home / "library.db")) as db:
        published = {row[0] for row in db.execute("SELECT name FROM generations")}
        indexed = [row[0] for row in db.execute("SELECT DISTINCT identity FROM generations")]
        made_by = [row[0] for row in db.execute("SELECT DISTINCT identity FROM vectors")]
        (twice,) = db.execute(
            "SELECT count(*) FROM generations a JOIN generations b ON a.name < b.name "
            'AND a.identity = b.identity AND a."after" < b.sequence AND b."after" < a.sequence'
        ).fetchone()
    folders = {p.name for p in (home / "indexes" / "vector").glob("*/*") if p.is_dir()}
    problems = [f"rubbish is left: {name}" for name in sorted(folders - published)]
    if len(indexed) > identities:
        problems.append(f"generations of {len(indexed)} models are left")
    if twice:
        problems.append(f"{twice} pairs of generations hold the same commits")
    if len(made_by) > identities:
        problems.append(f"vectors of {len(made_by)} models are left")
    return problems


def _small(how: dict[str, Any]) -> dict[str, Any]:
    return how | {"environment": SMALL | dict(how.get("environment") or {})}
