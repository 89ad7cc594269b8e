"""One writer and readers on one library: how often an answer came from what was no longer there.

    python benchmarks/together.py [--minutes 10] [--readers 3]

The writer (tests/reliability/writer.py) adds, changes and deletes without a pause, generations and
the keyword index following with low thresholds. Each reader is a process of its own, two of three
with one open library as in the web app, the others with a new one every few questions; it asks for
a word that some file has at any time, and for one whose deletion or replacement was committed
before. Prints one line for each process. Exit code 1: something was wrong.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests")]

from reliability.watched import watch  # noqa: E402

KINDS = ("kept", "fresh", "kept")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--readers", type=int, default=3)
    options = parser.parse_args()
    kinds = [KINDS[number % len(KINDS)] for number in range(options.readers)]
    with tempfile.TemporaryDirectory(prefix="vouch-together-") as folder:
        watched = watch(Path(folder), kinds)
        said = watched.written_to(options.minutes * 60)
        print(f"writer: {said['rounds']} rounds, {said['generations']} generations", end="; ")
        print(", ".join(f"{number} {outcome}" for outcome, number in said["outcomes"].items()))
        wrong = 0
        for kind, reader in zip(kinds, watched.stop(), strict=True):
            wrong += len(reader["problems"])
            print(
                f"reader ({kind}): {reader['asked']} times two questions, {reader['problems'][:5]}"
            )
    print(f"{wrong} wrong answers in {options.minutes:g} minutes")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
