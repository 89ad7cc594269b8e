"""The SHA-256 of large files, remembered for as long as size and time of change stay the same.

A model file has gigabytes, and its digest goes into every receipt: it is computed once, not for
each command.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path

from rag.paths import write_whole


class Digests:
    """Remembers in the JSON file `store`; whatever happens to that file costs time only."""

    def __init__(self, store: Path) -> None:
        self._store = store
        self._known = self._read()

    def of(self, path: Path) -> str:
        """The digest, as hexadecimal digits. Raises OSError."""
        stat = path.stat()
        state = [stat.st_size, stat.st_mtime_ns]
        known = self._known.get(str(path))
        if isinstance(known, list) and len(known) == 3 and known[:2] == state:
            return str(known[2])
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        self._known[str(path)] = [*state, digest]
        self._write()
        return digest

    def _read(self) -> dict[str, object]:
        try:
            known = json.loads(self._store.read_bytes())
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}

    def _write(self) -> None:
        with contextlib.suppress(OSError):
            write_whole(self._store, json.dumps(self._known).encode())
