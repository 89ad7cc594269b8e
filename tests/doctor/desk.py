"""An installation to be examined: a library's folder, and a shell's environment."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from conftest import NOWHERE, ROOT

from rag.config import load_valid_settings
from rag.doctor.examine import examine
from rag.doctor.words import Finding

Findings = dict[str, Finding]


class Desk:
    """`environ` is added to a clean environment. Commands that are advised run in its shell."""

    def __init__(self, home: Path, **environ: str) -> None:
        self.home = home
        programs = home.parent / "bin"
        programs.mkdir(exist_ok=True)
        (programs / "rag").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m rag "$@"\n')
        (programs / "rag").chmod(0o755)
        self.environ = {
            "PATH": os.pathsep.join([str(programs), os.environ["PATH"]]),
            "HOME": str(home.parent),
            "PYTHONPATH": str(ROOT),
            "PYTHONUTF8": "1",
            "RAG_HOME": str(home),
            "RAG_OLLAMA_HOST": NOWHERE,
            "RAG_CONNECT_TIMEOUT": "1",
            **environ,
        }

    def examine(
        self, after: str = "", *, deep: bool = False, hosts: Sequence[str] = ()
    ) -> Findings:
        """The findings by their codes, `after` a command in the same shell."""
        environ = dict(
            line.split("=", 1) for line in self.shell(f"{after}\nenv -0").split("\0") if line
        )
        settings, wrong = load_valid_settings({}, environ)
        found = examine(settings, wrong=wrong, deep=deep, hosts=hosts)
        return {finding.code: finding for finding in found}

    def assert_mended(self, finding: Finding, **how: Any) -> None:
        """Do what is advised: the finding is gone."""
        assert finding.code not in self.examine(finding.command, **how)

    def shell(self, script: str) -> str:
        done = subprocess.run(
            ["sh", "-ec", script], env=self.environ, cwd=self.home.parent, capture_output=True,
            text=True, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, (script, done.stdout[-500:], done.stderr[-2000:])
        return done.stdout
