"""Looks for pieces of bytes in files, ZIP files unpacked, in a process of its own.

    python -m rag.occurring    # {"files": [path], "pieces": [hex]} in, {path: [hex]} out

A process that opens and closes a file of an open SQLite database loses its locks on it (POSIX), and
another program may then take the log away from under it. Source: sqlite.org/howtocorrupt.html, 2.2.
"""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO

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
    """The pieces in the bytes of a file, and in those that a ZIP file unpacks to."""
    try:
        with Path(path).open("rb") as file:
            yield from _in(file, pieces)
            if zipfile.is_zipfile(file):
                with zipfile.ZipFile(file) as archive:
                    for entry in archive.infolist():
                        with archive.open(entry) as member:
                            yield from _in(member, pieces)
    except (OSError, zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, NotImplementedError):
        return  # gone meanwhile, or not to be unpacked


def _in(file: IO[bytes], pieces: Collection[bytes]) -> Iterator[bytes]:
    longest = max(map(len, pieces), default=0)
    before = b""
    while block := file.read(_BLOCK):
        data = before + block
        yield from (piece for piece in pieces if piece in data)
        before = data[-longest:]


def main() -> None:
    asked = json.load(sys.stdin)
    pieces = [bytes.fromhex(piece) for piece in asked["pieces"]]
    found = {path: sorted({p.hex() for p in _look(path, pieces)}) for path in asked["files"]}
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
