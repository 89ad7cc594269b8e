"""A file of prompts to a file of texts: many at once, one line each, and nothing done twice.

Each line of the output is written as its text ends; at the end the lines are put into the order of
the prompts. A run that was stopped, however it was, goes on where it left off: a prompt whose text
is in the output already, from the same model and options, is not sent again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from rag.errors import PathNotFound, UsageError
from rag.generation import OPTIONS, Ended, Generator
from rag.paths import write_whole
from rag.types import ChatOptions, Prompt, Waiting


@dataclass(frozen=True, slots=True)
class Begun:
    """Event: how many prompts there are, and how many of them were done by an earlier run."""

    prompts: int
    done: int


@dataclass(frozen=True, slots=True)
class Written:
    """Event: one line of the output. `failed`: it holds an error, and the next run tries again."""

    id: str
    failed: bool
    output_tokens: int


@dataclass(frozen=True, slots=True)
class _Line:
    """One prompt of the file; `key` names all that its text depends on."""

    id: str
    key: str
    prompt: Prompt


def run(generator: Generator, source: Path, out: Path) -> Iterator[Begun | Written | Waiting]:
    """Write what the prompts of `source` give to `out`. Closing the iterator stops it.

    Raises `PathNotFound`, and `UsageError` with the line where the file is not of its form; then
    nothing has been sent.
    """
    lines = _read_prompts(source, generator.options, generator.model, generator.digest())
    earlier = _read_out(out)
    known = {
        line.id: earlier[line.id]
        for line in lines
        if line.id in earlier and _holds(earlier[line.id], line.key)
    }
    todo = [line for line in lines if line.id not in known]
    yield Begun(len(lines), len(known))
    with _open(out) as file:
        if file.tell():
            file.write("\n")  # an earlier run may have been killed in the middle of a line
        for event in generator.write_all([line.prompt for line in todo]):
            if isinstance(event, Waiting):
                yield event
                continue
            line = todo[event.place]
            known[line.id] = json.dumps(_result(line, generator.model, event), ensure_ascii=False)
            file.write(known[line.id] + "\n")
            file.flush()
            tokens = event.reply.last.output_tokens if event.reply else None
            yield Written(line.id, event.error is not None, tokens or 0)
    others = [row for name, row in earlier.items() if name not in known]
    rows = [*(known[line.id] for line in lines), *others]
    write_whole(out, "".join(row + "\n" for row in rows).encode())


def _result(line: _Line, model: str, ended: Ended) -> dict[str, Any]:
    """One line of the output: stable, absent values null."""
    reply, error = ended.reply, ended.error
    last = reply.last if reply else None
    return {
        "id": line.id,
        "text": reply.text if reply else None,
        "error": asdict(error.info) if error else None,
        "model": model,
        "prompt_tokens": last.prompt_tokens if last else None,
        "output_tokens": last.output_tokens if last else None,
        "stopped_by_length": last.stopped_by_length if last else None,
        "timings": asdict(last.timings) if last and last.timings else None,
        "key": line.key,
    }


def _read_prompts(source: Path, options: ChatOptions, model: str, digest: str) -> list[_Line]:
    try:
        rows = _rows(source)
    except FileNotFoundError as error:
        raise PathNotFound(str(source), f"There is no {source}.", "Check its name.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            str(source), f"{source} cannot be read: {error}.", "It is a text file in UTF-8."
        ) from error
    lines = []
    first: dict[str, int] = {}
    for number, row in rows:
        line = _line(source, number, row, options, f"{model}\0{digest}")
        if first.setdefault(line.id, number) != number:
            raise _wrong(source, number, f"the id {line.id!r} stands in line {first[line.id]} too")
        lines.append(line)
    return lines


def _rows(path: Path) -> list[tuple[int, str]]:
    """The lines that are not empty, with their numbers from 1.

    Only a line feed ends one: what else Unicode calls a line break may stand in a JSON string.
    """
    rows = path.read_text(encoding="utf-8").split("\n")
    return [(number, row) for number, row in enumerate(rows, start=1) if row.strip()]


def _line(source: Path, number: int, row: str, options: ChatOptions, model: str) -> _Line:
    try:
        value = json.loads(row)
    except ValueError as error:
        raise _wrong(source, number, f"it is not JSON ({error})") from error
    if not isinstance(value, dict) or not isinstance(value.get("prompt"), str):
        raise _wrong(source, number, 'it has no text "prompt"')
    unknown = value.keys() - {"id", "prompt", "system", *OPTIONS}
    if unknown:
        raise _wrong(source, number, f"it has the unknown key {min(unknown)!r}")
    if not isinstance(value.get("system"), str | None):
        raise _wrong(source, number, '"system" is not a text')
    prompt = Prompt(value["prompt"], _options(source, number, value, options), value.get("system"))
    content = f"{model}\0{prompt!r}"
    key = hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()[:16]
    return _Line(str(value.get("id", number)), key, prompt)


def _options(
    source: Path, number: int, value: Mapping[str, Any], options: ChatOptions
) -> ChatOptions:
    own = {name: value[name] for name in OPTIONS if name in value}
    for name, given in own.items():
        if not _is_of_form(name, given):
            raise _wrong(source, number, f"{name} is {given!r}")
    if "stop" in own:
        own["stop"] = (own["stop"],) if isinstance(own["stop"], str) else tuple(own["stop"])
    return replace(options, **own)


def _is_of_form(name: str, value: object) -> bool:
    if name == "stop":
        parts = [value] if isinstance(value, str) else value
        return isinstance(parts, list) and all(isinstance(part, str) for part in parts)
    kind = int | float if name in ("temperature", "top_p") else int
    return isinstance(value, kind) and not isinstance(value, bool)


def _wrong(source: Path, number: int, why: str) -> UsageError:
    keys = ", ".join(f'"{name}"' for name in OPTIONS)
    return UsageError(
        str(source),
        f"Line {number} of {source} is not a prompt: {why}.",
        f'A line is like {{"id": "a", "prompt": "…"}}, and may have "system", {keys}.',
    )


def _read_out(out: Path) -> dict[str, str]:
    """The newest line of each id in the output of earlier runs.

    Raises `UsageError` for a file that is no such output: it is not ours to write to.
    """
    try:
        rows = _rows(out)
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(str(out), f"{out} cannot be read: {error}.", "Name a file.") from error
    found: dict[str, str] = {}
    for _, row in rows:
        try:
            value = json.loads(row)
        except ValueError:
            continue  # the line at which an earlier run was killed
        if not isinstance(value, dict) or "key" not in value:
            break
        found[str(value.get("id"))] = row
    if rows and not found:
        raise UsageError(
            str(out),
            f"{out} holds something else than the output of an earlier run.",
            "Name another file with --out.",
        )
    return found


def _open(out: Path) -> TextIO:
    try:
        return out.open("a", encoding="utf-8")
    except OSError as error:
        raise UsageError(
            str(out), f"{out} cannot be written: {error.strerror}.", "Name another file with --out."
        ) from error


def _holds(row: str, key: str) -> bool:
    """Whether a line holds the text of the prompt of this key."""
    value = json.loads(row)
    return value.get("key") == key and value.get("text") is not None
