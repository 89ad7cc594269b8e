"""Random Modelfiles, made of what is hard in the format: quotation marks, spaces, line ends."""

from __future__ import annotations

from random import Random
from typing import Any

from rag.engines.modelfile import PARAMETERS, Modelfile, write
from rag.errors import BadModelfile
from rag.types import Message

_PIECES = ['"', '""', '"""', "\n", "\n\n", " ", "\t", "#", "# no comment", "FROM", "SYSTEM x",
           "PARAMETER seed 1", "{{ .Prompt }}", ": ", "user", "é", "語", "\\", "'", "a", "b c",
           "<end>"]  # fmt: skip
_VALUES = {int: [-1, 0, 7, 8192], float: [0.0, 0.7, 1.5, -2.0], bool: [True, False]}


def random_modelfile(random: Random | Any, source: str = "base") -> Modelfile:
    """One that the format can hold."""
    while True:
        modelfile = _random_modelfile(random, source)
        try:
            write(modelfile)
        except BadModelfile:
            continue
        return modelfile


def _random_modelfile(random: Random, source: str) -> Modelfile:
    def text() -> str:
        return "".join(random.choices(_PIECES, k=random.randint(1, 8)))

    def some(most: int) -> tuple[str, ...]:
        return tuple(text() for _ in range(random.randint(0, most)))

    parameters = {
        name: some(3) or ("x",) if kind is tuple else random.choice(_VALUES[kind])
        for name, kind in random.sample(sorted(PARAMETERS.items()), random.randint(0, 6))
    }
    return Modelfile(
        sources=(source,),
        system=text() if random.random() < 0.7 else None,
        template=text() if random.random() < 0.3 else None,
        parameters=parameters,
        licenses=some(2),
        messages=tuple(Message(random.choice(["user", "assistant"]), t) for t in some(2)),
        requires="0.6.0" if random.random() < 0.2 else None,
    )
