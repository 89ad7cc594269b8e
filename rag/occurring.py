"""Looks for pieces of bytes in files, in a process of its own.

    python -m rag.occurring    # {"files": [path], "pieces": [hex]} in, {path: [hex]} out

A process that opens and closes a file of an open SQLite database loses its locks on it (POSIX), and
another program may then take the log away from under it. Source: sqlite.org/howtocorrupt.html, 2.2.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from rag.process import environment, module_command

_BLOCK = 2**24  # bytes of a file looked at together


def occurring(files: Iterable[Path], pieces: Collection[bytes]) -> Mapping[Path, set[bytes]]:
    """The pieces that stand somewhere in each file; files that have gone meanwhile have none."""
    asked = {"files": [str(path) for path in files], "pieces": [piece.hex() for piece in pieces]}
    done = subprocess.run(
        module_command("rag.occurring"),
        input=json.dumps(asked).encode(),
        stdout=subprocess.PIPE,
        env=environment(),
        check=True,
    )
    found = json.loads(done.stdout)
    return {Path(path): set(map(bytes.fromhex, there)) for path, there in found.items()}


def _look(path: str, pieces: Collection[bytes]) -> Iterator[bytes]:
    longest = max(map(len, pieces), default=0)
    before = b""
    try:
        with Path(path).open("rb") as file:
            while block := file.read(_BLOCK):
                data = before + block
                yield from (piece for piece in pieces if piece in data)
                before = data[-longest:]
    except OSError:
        return  # gone meanwhile


def main() -> None:
    asked = json.load(sys.stdin)
    pieces = [bytes.fromhex(piece) for piece in asked["pieces"]]
    found = {path: sorted({p.hex() for p in _look(path, pieces)}) for path in asked["files"]}
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
