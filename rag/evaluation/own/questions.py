"""The file of a library's own questions: JSON lines that a person may read, edit and add to.

A line needs a question; an answerable one a path and a quote, which say where the answer stands.
New questions are added at the end; what is there stays as it is, byte for byte.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from rag.errors import UsageError
from rag.paths import write_whole

_MOST_NAMED = 5  # bad lines in one message


@dataclass(frozen=True, slots=True)
class OwnQuestion:
    """A question, and the words of the library that answer it.

    One that is not answerable was mostly made of an answerable one, by putting in what the library
    does not hold: `absent`. `keep`: false sets it aside.
    """

    id: str
    question: str
    answerable: bool
    path: str
    page: int | None
    quote: str
    made_by: str
    absent: str = ""
    keep: bool = True


def name(*parts: object) -> str:
    """An id: 10 hex digits that say nothing but are always the same for the same parts."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:10]


def read(path: Path) -> list[OwnQuestion]:
    """The questions of a file; none where it is not there. Raises `UsageError` for bad lines."""
    if not path.exists():
        return []
    found: dict[str, OwnQuestion] = {}
    bad: list[str] = []
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            question = _question(line)
            if question.id in found:
                raise ValueError(f"the id {question.id} is taken by a line before it")
            found[question.id] = question
        except ValueError as error:
            bad.append(f"line {number}: {error}")
    if bad:
        more = f", and {len(bad) - _MOST_NAMED} more" if len(bad) > _MOST_NAMED else ""
        raise UsageError(
            str(path),
            f"{path} has lines that are no questions. {'; '.join(bad[:_MOST_NAMED])}{more}.",
            "Mend or delete these lines, or begin anew: rag evaluate own --make --fresh",
        )
    return list(found.values())


def add(path: Path, new: Iterable[OwnQuestion], fresh: bool = False) -> None:
    """Add questions at the end of a file; `fresh`: they are all that it then has."""
    before = path.read_bytes() if path.exists() and not fresh else b""
    if before and not before.endswith(b"\n"):
        before += b"\n"
    lines = (json.dumps(asdict(question), ensure_ascii=False) + "\n" for question in new)
    write_whole(path, before + "".join(lines).encode())


def _question(line: bytes) -> OwnQuestion:
    """Raises `ValueError`, in words, where a line is no question."""
    try:
        row: dict[str, Any] = json.loads(line)
    except ValueError:
        raise ValueError("it is no JSON") from None
    if not isinstance(row, dict):
        raise ValueError("it is no JSON object")
    if unknown := row.keys() - {field.name for field in fields(OwnQuestion)}:
        raise ValueError(f"nothing is called {', '.join(sorted(unknown))}")
    text = {
        key: row.get(key) or "" for key in ("id", "question", "path", "quote", "made_by", "absent")
    }
    if wrong := [key for key, value in text.items() if not isinstance(value, str)]:
        raise ValueError(f"{wrong[0]} is no text")
    answerable, keep, page = row.get("answerable", True), row.get("keep", True), row.get("page")
    if not isinstance(answerable, bool) or not isinstance(keep, bool):
        raise ValueError("answerable and keep are true or false")
    if page is not None and type(page) is not int:
        raise ValueError("page is no whole number")
    if not text["question"].strip():
        raise ValueError("it has no question")
    if answerable and not (text["path"] and text["quote"].strip()):
        raise ValueError("an answerable question needs a path and a quote")
    text["id"] = text["id"] or name(text["question"])
    return OwnQuestion(answerable=answerable, keep=keep, page=page, **text)
