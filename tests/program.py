"""The program's front door called in this process, and what it printed."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from rag.cli import console
from rag.cli.main import main


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it printed where."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        (line,) = self.out.splitlines()
        return json.loads(line)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


def run_here(
    arguments: Sequence[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Ran:
    """`rag` with these arguments, without a terminal, 200 columns wide: faster than a process of its
    own.
    """
    monkeypatch.setattr(console.out, "width", 200)  # COLUMNS counts only where it is made
    monkeypatch.setattr(sys, "argv", ["rag", *arguments])
    code: object = 0
    try:
        main()
    except SystemExit as end:
        code = end.code or 0
    captured = capsys.readouterr()
    return Ran(int(str(code)), captured.out, captured.err)
