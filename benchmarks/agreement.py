"""How far our readers agree with other libraries on the same files of one format.

Every library reads every file in a limited process of its own (direct_readers.py). What a file's
text is, the libraries decide: for each word the median of their counts, the judged one left out.
F1 is between that and the words of the judged text (\\w+, lower case, as a multiset), the mean over
the files that at least two others read. A library "reads" a file if it finds any word in it.

    python -m benchmarks.agreement CORPUS [--only docx --only odt] [--cache FOLDER]

prints it for one or some formats, with the files that others read and ours did not, and those with
the lowest F1; `python -m benchmarks.formats` puts all of it into docs/formats.md.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.direct_readers import BROAD, CLEANED, DIRECT, UNDROPPED
from rag.errors import LoadError
from rag.frames import Frame
from rag.loaders.worker import ReaderProcess
from rag.process import ChildProcess, Ended

OURS = "Vouch"
SECONDS = 60.0
LOWEST = 10
Words = Counter[str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file here: `read` or the code of an error, after so many seconds."""

    path: Path
    name: str
    seconds: float
    words: Words
    message: str = ""


@dataclass
class Agreement:
    """What every reader made of the files of one format: words by reader and file.

    `reasons`: why ours read nothing.
    """

    files: list[Path]
    words: dict[str, dict[Path, Words]] = field(default_factory=dict)
    reasons: dict[Path, str] = field(default_factory=dict)

    def f1(self, reader: str, path: Path) -> float | None:
        """How far a reader agrees with the others on a file; None where too few read it."""
        judged = {reader, *UNDROPPED, *((OURS,) if reader in UNDROPPED else ())}
        others = [w[path] for name, w in self.words.items() if name not in judged and path in w]
        if len(others) < 2 or path not in self.words[reader]:
            return None
        return f1(self.words[reader][path], median(others))

    def mean(self, reader: str, beside: str | None = None) -> float | None:
        """The mean over the files with a score; `beside`: over those where that reader has one too."""
        files = [p for p in self.files if beside is None or self.f1(beside, p) is not None]
        scores = [s for path in files if (s := self.f1(reader, path)) is not None]
        return statistics.fmean(scores) if scores else None

    def readers_of(self, path: Path) -> list[str]:
        """The other libraries that found a word in a file."""
        ours = {OURS, *UNDROPPED}
        return [name for name, read in self.words.items() if name not in ours and path in read]

    @property
    def readable(self) -> list[Path]:
        return [path for path in self.files if self.readers_of(path)]

    @property
    def missed(self) -> list[Path]:
        return [path for path in self.readable if path not in self.words[OURS]]


def f1(words: Words, reference: Words) -> float:
    both = (words & reference).total()
    return 2 * both / ((words.total() + reference.total()) or 1)


def median(texts: Sequence[Words]) -> Words:
    every = {word for text in texts for word in text}
    counts = {word: statistics.median_low(text[word] for text in texts) for word in every}
    return Words({word: count for word, count in counts.items() if count})


def words(text: str) -> Words:
    return Words(re.findall(r"\w+", text.lower()))


def read_all(folder: Path, reader: ReaderProcess) -> list[Outcome]:
    """Read all files of a folder by ours."""
    return [_read(path, reader) for path in sorted(folder.iterdir()) if path.is_file()]


def _read(path: Path, reader: ReaderProcess) -> Outcome:
    started = time.perf_counter()
    text = message = ""
    name = "read"
    try:
        document = reader.load(path)
        text = "\n".join(unit.text for unit in document.units)
        if not any(unit.state == "read" for unit in document.units):
            name = "needs_ocr"
    except LoadError as error:
        name, message = error.code, error.message
    return Outcome(path, name, time.perf_counter() - started, words(text), message)


def measure(format: str, ours: Sequence[Outcome], cache: Path | None = None) -> Agreement:
    """Read the files of a format by every library, beside what ours made of them."""
    found = Agreement([outcome.path for outcome in ours])
    for name in (*DIRECT[format], *BROAD, *(UNDROPPED if format in CLEANED else ())):
        found.words[name] = _read_by(format, name, found.files, cache)
    found.words[OURS] = {outcome.path: outcome.words for outcome in ours if outcome.words}
    found.reasons = {outcome.path: outcome.message for outcome in ours if not outcome.words}
    return found


def _read_by(
    folder: str, name: str, files: Sequence[Path], cache: Path | None
) -> dict[Path, Words]:
    """The words of every file that a library reads; with a cache it is asked only once."""
    kept = cache / f"{folder}-{name}.json" if cache else None
    if kept and kept.exists():
        stored = json.loads(kept.read_text())
        return {path: Words(stored[path.name]) for path in files if path.name in stored}
    found = _read_anew(folder, name, files)
    if kept:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps({path.name: text for path, text in found.items()}))
    return found


def _read_anew(folder: str, name: str, files: Sequence[Path]) -> dict[Path, Words]:
    place = str(Path(__file__).resolve().parent.parent)
    environment = {**os.environ, "PYTHONPATH": place, "ORT_DISABLE_TELEMETRY": "1"}
    command = (sys.executable, "-m", "benchmarks.direct_readers")
    child: ChildProcess | None = None
    found = {}
    for path in files:
        child = child or ChildProcess(command, environment)
        question = Frame({"folder": folder, "reader": name, "path": str(path.resolve())})
        try:
            answer = child.ask(question, SECONDS).message
        except (Ended, TimeoutError, ValueError, OSError):
            child.kill()
            child = None
            continue
        if text := words(answer.get("text", "")):
            found[path] = text
    if child:
        child.kill()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--only", action="append")
    parser.add_argument("--cache", type=Path, help="a folder for what the libraries read")
    arguments = parser.parse_args()
    with ReaderProcess() as reader:
        for name in arguments.only or DIRECT:
            ours = read_all(arguments.corpus / name, reader)
            _print(name, measure(name, ours, arguments.cache))


def _print(name: str, found: Agreement) -> None:
    print(f"{name} ({len(found.files)})")
    for reader, read in found.words.items():
        mean = found.mean(reader)
        print(f"  {reader:18} read {len(read):4}   F1 {'–' if mean is None else f'{mean:.3f}'}")
    for path in found.missed:
        readers = ", ".join(found.readers_of(path))
        print(f"    missed {path.name} ({readers}): {found.reasons.get(path, 'no words')}")
    scored = sorted((s, p.name) for p in found.files if (s := found.f1(OURS, p)) is not None)
    for score, file in scored[:LOWEST]:
        print(f"    {score:.3f} {file}")


if __name__ == "__main__":
    main()
