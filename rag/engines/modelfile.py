"""The Modelfile format: text to data and back.

The rules are those of Ollama's own parser (its parser/parser.go and docs/modelfile): an instruction
and its value on a line, in any case of letters; a value that begins with a quotation mark goes on,
over as many lines as it takes, to a line that ends with one; a comment is a line of its own. What
differs, and why:

- unknown parameters and values of a wrong type are errors here, with their line; Ollama's command
  finds them later and names no line;
- characters that Ollama's command drops because it cannot print them (no-break spaces, the joiners
  that Persian and Hindi words need) stay;
- line ends are `\\n`, wherever the file was written.

Knows nothing of files, models or servers.
"""

from __future__ import annotations

import codecs
import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, cast, get_args

from rag.errors import BadModelfile
from rag.types import Message

Value = int | float | bool | tuple[str, ...]
Role = Literal["system", "user", "assistant"]

PARAMETERS: Mapping[str, type[int | float | bool | tuple[str, ...]]] = {
    "draft_num_predict": int, "frequency_penalty": float, "main_gpu": int, "min_p": float,
    "num_batch": int, "num_ctx": int, "num_gpu": int, "num_keep": int, "num_predict": int,
    "num_thread": int, "presence_penalty": float, "repeat_last_n": int, "repeat_penalty": float,
    "seed": int, "stop": tuple, "temperature": float, "top_k": int, "top_p": float,
    "typical_p": float, "use_mmap": bool,
}  # fmt: skip
"""Every parameter that Ollama takes, and the type of its values."""
IGNORED = frozenset(
    "f16_kv logits_all low_vram mirostat mirostat_eta mirostat_tau penalize_newline use_mlock"
    " vocab_only".split()
)
"""Parameters of old Modelfiles that Ollama passes over."""

_SINGLE = ("template", "system", "requires", "renderer", "parser")
_INSTRUCTIONS = ("from", "parameter", "template", "system", "adapter", "license", "message",
                 "requires", "renderer", "parser")  # fmt: skip
_WHOLE = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_VERSION = re.compile(r"v?[0-9]+(\.[0-9]+){0,2}(-[0-9A-Za-z.-]+)?")
_TRUE = frozenset({"1", "t", "true"})
_FALSE = frozenset({"0", "f", "false"})


@dataclass(frozen=True, slots=True)
class Modelfile:
    """What a Modelfile says. Where an instruction may stand once and stands twice, the last counts.

    `sources` are the FROM lines: the name of a model, or files and folders of weights.
    """

    sources: tuple[str, ...]
    adapters: tuple[str, ...] = ()
    template: str | None = None
    system: str | None = None
    parameters: Mapping[str, Value] = field(default_factory=dict)
    messages: tuple[Message, ...] = ()
    licenses: tuple[str, ...] = ()
    requires: str | None = None
    """The lowest version of Ollama that can run the model."""
    renderer: str | None = None
    parser: str | None = None
    """Names of prompt writers and output readers that are built into Ollama."""
    ignored: tuple[str, ...] = field(default=(), compare=False)
    """Parameters that had an effect once."""


@dataclass(frozen=True, slots=True)
class _Instruction:
    """One instruction; `key` is the name of a parameter or the role of a message."""

    line: int
    name: str
    key: str
    value: str


def decode(content: bytes) -> str:
    """The text of a Modelfile in UTF-8, or in what its byte order mark says."""
    encoding = "utf-8-sig"
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        weights = content.startswith(b"GGUF")
        raise BadModelfile(
            "Modelfile",
            "These are the weights of a model, not a Modelfile."
            if weights
            else "The Modelfile is not text in UTF-8.",
            "Write a Modelfile with the line: FROM ./name-of-this-file.gguf"
            if weights
            else "Save it as UTF-8.",
        ) from error


def parse(text: str) -> Modelfile:
    """Read a Modelfile. Raises `BadModelfile`, which names the line."""
    found: dict[str, list[_Instruction]] = {name: [] for name in _INSTRUCTIONS}
    for instruction in _instructions(text):
        found[instruction.name].append(instruction)
    if not found["from"]:
        raise BadModelfile(
            "Modelfile",
            "The Modelfile has no FROM line: it does not say what the model is made from.",
            "Begin it with a model that you have, such as: FROM llama3.1",
        )
    for version in found["requires"]:
        if not _VERSION.fullmatch(version.value):
            raise _error(
                version.line, f"{version.value} is no version.", "Write it as in REQUIRES 0.14.0"
            )
    parameters = found["parameter"]
    last = {name: found[name][-1].value if found[name] else None for name in _SINGLE}
    return Modelfile(
        sources=tuple(i.value for i in found["from"]),
        adapters=tuple(i.value for i in found["adapter"]),
        parameters=_parameters([p for p in parameters if p.key not in IGNORED]),
        messages=tuple(Message(cast(Role, i.key), i.value) for i in found["message"]),
        licenses=tuple(i.value for i in found["license"]),
        ignored=tuple(p.key for p in parameters if p.key in IGNORED),
        **last,
    )


def write(modelfile: Modelfile) -> str:
    """A Modelfile that `parse` and Ollama read as the same. Raises `BadModelfile` for a text that
    the format cannot hold: it has no way to write some quotation marks at ends of lines."""
    rows = [f"FROM {_quoted(source)}" for source in modelfile.sources]
    rows += [f"ADAPTER {_quoted(adapter)}" for adapter in modelfile.adapters]
    for name in _SINGLE:
        text = cast(str | None, getattr(modelfile, name))
        rows += [] if text is None else [f"{name.upper()} {_quoted(text)}"]
    for name, value in modelfile.parameters.items():
        for one in value if isinstance(value, tuple) else (_literal(value),):
            rows.append(f"PARAMETER {name} {_quoted(one)}")
    rows += [f"LICENSE {_quoted(text)}" for text in modelfile.licenses]
    rows += [f"MESSAGE {m.role} {_quoted(m.content)}" for m in modelfile.messages]
    return "\n".join(rows) + "\n"


def _instructions(text: str) -> Iterator[_Instruction]:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    rows = enumerate(lines, start=1)
    for number, row in rows:
        line = row.lstrip(" \t")
        if not line or line.startswith("#"):
            continue
        name, rest = _instruction_name(line, number)
        key = ""
        if name in ("parameter", "message"):
            key, rest = _key(name, rest, number)
        value = _value(rest, rows)
        if value is None:
            raise _error(
                number,
                f"The quotation mark that opens the value of {name.upper()} is never closed.",
                "Close it at the end of a line; nothing but spaces may follow it there.",
            )
        if not value and name in _EXAMPLES:
            raise _error(number, f"{name.upper()} has no value.", _EXAMPLES[name])
        yield _Instruction(number, name, key, value)


def _value(rest: str, rows: Iterator[tuple[int, str]]) -> str | None:
    """The value that begins on a line and may go on over further rows; None: it never ends."""
    parts = [rest]
    while (value := _unquoted("\n".join(parts))) is None:
        for _, row in rows:
            parts.append(row)
            if row.rstrip().endswith('"'):
                break
        else:
            return None
    return value


_EXAMPLES = {
    "from": "For example: FROM llama3.1",
    "parameter": "For example: PARAMETER temperature 0",
    "adapter": "For example: ADAPTER ./adapter.gguf",
    "license": 'For example: LICENSE """…"""',
    "message": "For example: MESSAGE user Is the office open on Mondays?",
    "requires": "For example: REQUIRES 0.14.0",
    "renderer": "Name a renderer that is built into Ollama.",
    "parser": "Name a parser that is built into Ollama.",
}


def _instruction_name(line: str, number: int) -> tuple[str, str]:
    word, rest = _first_word(line)
    name = word.lower()
    if name in _INSTRUCTIONS:
        return name, rest
    known = ", ".join(name.upper() for name in _INSTRUCTIONS)
    if name in PARAMETERS:
        hint = f"It is a parameter: PARAMETER {name} {rest}".rstrip()
    elif near := difflib.get_close_matches(name, _INSTRUCTIONS, n=1):
        hint = f"Did you mean {near[0].upper()}?"
    else:
        hint = f'An instruction is one of {known}. Text over many lines stands in """ marks.'
    raise _error(number, f"There is no instruction {word}.", hint)


def _key(name: str, rest: str, line: int) -> tuple[str, str]:
    """The name of a parameter or the role of a message, and what follows it."""
    key, value = _first_word(rest.lstrip(" \t"))
    if name == "message" and key not in get_args(Role):
        raise _error(line, f"{key!r} is no role.", "It is one of system, user and assistant.")
    if name == "parameter" and key not in PARAMETERS and key not in IGNORED:
        near = difflib.get_close_matches(key.lower(), PARAMETERS, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"Known are: {', '.join(PARAMETERS)}."
        raise _error(line, f"There is no parameter {key!r}.", hint)
    return key, value


def _first_word(text: str) -> tuple[str, str]:
    word, *rest = re.split(r"[ \t]", text, maxsplit=1)
    return word, "".join(rest)


def _parameters(given: list[_Instruction]) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for one in given:
        value = _typed(one)
        before = values.get(one.key)
        if isinstance(value, tuple) and isinstance(before, tuple):
            value = before + value
        values[one.key] = value
    return values


def _typed(parameter: _Instruction) -> Value:
    """The value in the type of its parameter, as Ollama reads numbers and truth values."""
    kind, text = PARAMETERS[parameter.key], parameter.value
    if kind is tuple:
        return (text,)
    if kind is bool and text.lower() in _TRUE | _FALSE:
        return text.lower() in _TRUE
    if kind is int and _WHOLE.fullmatch(text):
        return int(text)
    if kind is float and _NUMBER.fullmatch(text):
        return float(text)
    wanted = {int: "a whole number", float: "a number", bool: "true or false"}[kind]
    raise _error(
        parameter.line,
        f"The parameter {parameter.key} has the value {text}, which is not {wanted}.",
        "A comment needs a line of its own." if "#" in text else f"Give it {wanted}.",
    )


def _unquoted(raw: str) -> str | None:
    """The value that a text stands for; None while its quotation mark is open."""
    text = raw.strip()
    for mark in ('"""', '"'):
        if text.startswith(mark):
            closed = len(text) >= 2 * len(mark) and text.endswith(mark)
            return text[len(mark) : -len(mark)] if closed else None
    return text


def _quoted(value: str) -> str:
    """A text that is read as this value."""
    if value and "\n" not in value and _unquoted(value) == value:
        return value
    for mark in ('"', '"""'):
        text = f"{mark}{value}{mark}"
        rows = text.split("\n")
        early = any(
            row.rstrip().endswith('"') and _unquoted("\n".join(rows[:end])) is not None
            for end, row in enumerate(rows[:-1], start=1)
        )
        if not early and _unquoted(text) == value:
            return text
    raise BadModelfile(
        "Modelfile",
        "A Modelfile cannot hold this text: a line of it ends with three quotation marks.",
        "Change the quotation marks, or put a full stop behind them.",
    )


def _literal(value: int | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _error(line: int, message: str, hint: str) -> BadModelfile:
    return BadModelfile(f"line {line}", f"Line {line} of the Modelfile: {message}", hint)
