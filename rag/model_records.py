"""What each created model was made from: a history in the library's folder, one JSON object a line.

It is kept here and not with the server, so that it outlives the server and its models: the text of a
Modelfile is always there to compare with, and to make the model from again. The digests say whether
the server's model is still the one that was made then. Appended to, never changed.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from rag.errors import HomeNotWritable


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """One creation. `made`: UTC, ISO 8601; digests are the server's."""

    name: str
    made: str
    modelfile: str
    base: str
    base_digest: str | None
    digest: str

    @property
    def version(self) -> str:
        """Names this text of a Modelfile: the start of its SHA-256."""
        return hashlib.sha256(self.modelfile.encode()).hexdigest()[:12]


class ModelRecords:
    """The history in a file, which need not be there yet."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def last(self, name: str) -> ModelRecord | None:
        """The newest creation of a model, by its name with or without the tag `latest`."""
        found = None
        for record in self._all():
            if _full(record.name) == _full(name):
                found = record
        return found

    def add(self, record: ModelRecord) -> None:
        """Raises `HomeNotWritable`."""
        line = json.dumps(asdict(record), ensure_ascii=False).encode() + b"\n"
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with self._path.open("ab+") as file:
                if file.tell():
                    file.seek(-1, os.SEEK_END)
                    torn = file.read() != b"\n"  # by a full disk
                    line = b"\n" * torn + line
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise HomeNotWritable(
                str(self._path),
                f"{record.name} was made, but {self._path} could not be written: "
                f"{error.strerror or error}.",
                "Give yourself write permission there, or set RAG_HOME to another folder.",
            ) from error

    def _all(self) -> list[ModelRecord]:
        try:
            # only a line feed ends one: other line breaks of Unicode may stand in a JSON string
            lines = self._path.read_text(encoding="utf-8").split("\n")
        except OSError:
            return []
        records = []
        for line in lines:
            try:
                records.append(ModelRecord(**json.loads(line)))
            except (ValueError, TypeError):  # torn; the others are whole
                continue
        return records


def changes(before: ModelRecord, after: ModelRecord) -> list[str]:
    """What differs between two Modelfiles, as the lines of a unified diff."""
    return list(
        difflib.unified_diff(
            before.modelfile.splitlines(),
            after.modelfile.splitlines(),
            f"{before.name} {before.version} ({before.made})",
            f"{after.name} {after.version} ({after.made})",
            lineterm="",
        )
    )


def _full(name: str) -> str:
    return name if ":" in name.rsplit("/", 1)[-1] else f"{name}:latest"
