"""kill -9 in the middle of `rag ingest`, again and again: what is lost, what is answered wrongly.

    python benchmarks/crash.py --kills 20 [--aimed 10] [--places] [--docs DIR] [--seed N]

--kills   at random moments, --aimed: while a generation is built, tantivy commits, SQLite commits
--places  one more at each place of tests/reliability/driver.py, to the instruction
--docs    a folder of real documents instead of generated ones (it is copied, a part for each run)

Each kill is one line: what it was aimed at, what it left half done, how many documents had been
reported and how many are there, and what two reopenings in fresh processes found wrong. After every
third kill a run completes, and the library is compared with one that was never disturbed.
"""

from __future__ import annotations

import argparse
import itertools
import random
import re
import shutil
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests")]

from reliability import crash  # noqa: E402
from reliability.corpus import Corpus, sha256  # noqa: E402
from reliability.driver import PLACES  # noqa: E402

AIMED = ("generation", "graph", "tantivy", "sqlite")
PAGES_OF_LONG = 200
TOGETHER = 3  # kills of one library until a run completes
STEADY = 400  # files, from which on as much is deleted as comes, or the last kills take hours


class Source(Protocol):
    """Files that change from run to run."""

    @property
    def folder(self) -> Path: ...
    @property
    def known(self) -> crash.Known: ...
    def change(self) -> None: ...


class Generated:
    """Generated files: at each change some are new, one of them long, some rewritten or deleted."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._corpus = Corpus(folder, seed)
        self.folder = folder
        self.known = crash.Known(self._corpus.versions)
        self._corpus.add_short(100)

    def change(self) -> None:
        self._corpus.add_short(30)
        self._corpus.add_long(PAGES_OF_LONG)
        self._corpus.add_short(30)
        self._corpus.rewrite(15)
        steady = len(self._corpus.files()) > STEADY
        self._corpus.delete(60 if steady else 10)
        self._corpus.delete(int(steady), "long")


class Real:
    """Real documents, one more at each change; their words come from a library of all of them."""

    def __init__(self, folder: Path, documents: Path, mirror: Path) -> None:
        folder.mkdir()
        self.folder = folder
        documents = documents.resolve()
        files = sorted(p for p in documents.rglob("*") if p.is_file())
        ended = crash.run(mirror, "ingest", str(documents), "--json")
        if not ended.results:
            raise SystemExit(ended.stdout + ended.stderr)
        read = {r["path"] for r in ended.results if r["outcome"] == "added"}
        self._left = iter([path for path in files if str(path) in read])
        self.known = crash.Known(words_of(mirror))
        self.change()

    def change(self) -> None:
        for path in itertools.islice(self._left, 1):
            shutil.copy(path, self.folder / f"{sha256(path)[:8]}-{path.name}")


def words_of(home: Path) -> dict[str, list[str]]:
    """Words that stand once in one chunk of a library and nowhere else, by their file's SHA-256."""
    sql = (
        "SELECT d.sha256, d.title, d.name, c.headings, "
        'substr(u.text, c.start + 1, c."end" - c.start) FROM chunks c '
        "JOIN documents d ON d.id = c.document_id "
        "JOIN units u ON u.document_id = d.id AND u.number = c.unit"
    )
    with closing(sqlite3.connect(home / "library.db")) as db:
        rows = list(db.execute(sql))
    stems = Counter(s for row in rows for s in _stems(" ".join(filter(None, row[1:]))))
    found: dict[str, list[str]] = {}
    for sha, *_, text in rows:
        own = [w for w in re.findall(r"\b[a-z]{8,}\b", text) if stems[w[:5]] == 1]
        found.setdefault(sha, []).extend(w for w in own[:1] if text.count(w) == 1)
    return found


def _stems(text: str) -> Iterator[str]:
    """More than any stemmer would throw together."""
    return (word[:5] for word in re.findall(r"\w{5,}", text.lower()))


def moments(kills: int, aimed: int, places: bool, chance: random.Random) -> list[str]:
    chosen = ["random"] * kills + [AIMED[n % len(AIMED)] for n in range(aimed)]
    chance.shuffle(chosen)
    return chosen + (list(PLACES) if places else [])


def kill(source: Source, home: Path, aim: str, chance: random.Random, seconds: float) -> crash.Kill:
    if aim in PLACES:
        return crash.trapped(home, source.folder, source.known, aim)
    return crash.kill_once(home, source.folder, source.known, aim, chance, seconds)


def undisturbed(source: Source, folder: Path) -> float:
    """How many seconds a run takes that nobody disturbs, from the first change of a source."""
    home = folder / "measured"
    ended = crash.ingest(home, source.folder)
    source.change()
    ended = crash.ingest(home, source.folder)
    if ended.code not in (0, 3):
        raise SystemExit(ended.stderr)
    return ended.seconds


def main() -> int:
    options = _options()
    chance = random.Random(options.seed)
    bad = 0
    with _folder() as folder:
        source: Source = (
            Real(folder / "docs", options.docs, folder / "known")
            if options.docs
            else Generated(folder / "docs", options.seed)
        )
        seconds = undisturbed(source, folder)
        print(f"seed {options.seed}; a run that nobody disturbs takes {seconds:.1f} s", flush=True)
        home = folder / "home"
        left = moments(options.kills, options.aimed, options.places, chance)
        for number in itertools.count(1):
            if not left:
                break
            aim = left.pop(0)
            done = kill(source, home, aim, chance, seconds)
            if done.ended_before and aim == "random":  # no kill: once more, and sooner
                left.insert(0, aim)
                seconds = max(2.0, seconds * 0.7)
            bad += bool(done.problems)
            _print(number, done)
            if number % TOGETHER == 0:
                bad += _complete(source, folder, home)
            source.change()
        bad += _complete(source, folder, home)
        if bad:
            kept = shutil.move(home, tempfile.mkdtemp(prefix="vouch-crash-kept-"))
            print(f"{bad} lines have problems; the library is kept: {kept}")
    return 1 if bad else 0


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="vouch-crash-") as name:
        yield Path(name)


def _complete(source: Source, folder: Path, home: Path) -> bool:
    mirror = folder / "mirror"
    started = time.perf_counter()
    crash.ingest(mirror, source.folder)
    ended, problems = crash.completed(home, source.folder, crash.snapshot(mirror), source.known)
    took = f"{time.perf_counter() - started:.0f} s with the undisturbed one"
    print(f"    completed: exit {ended.code} {ended.lines[-1:]} ({took})")
    print(f"    equal to the undisturbed library: {problems or 'yes'}", flush=True)
    return bool(problems)


def _print(number: int, done: crash.Kill) -> None:
    hit = "ended before the kill" if done.ended_before else done.hit
    counts = f"{done.reported:>4} reported {done.documents:>5} there"
    print(f"{number:>3} {done.aim:<21} {counts}  {hit:<70} {done.problems or 'ok'}", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--aimed", type=int, default=0)
    parser.add_argument("--places", action="store_true")
    parser.add_argument("--docs", type=Path)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
