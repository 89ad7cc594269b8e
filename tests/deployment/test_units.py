"""The systemd units as systemd itself judges them. Nothing is started."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .root import ROOT

UNITS = ROOT / "deploy" / "systemd"
OLLAMA_UNIT = """
[Unit]
Description=Ollama Service
After=network-online.target
[Service]
ExecStart=/usr/bin/ollama serve
User=ollama
Group=ollama
Restart=always
RestartSec=3
[Install]
WantedBy=multi-user.target
"""
"""As Ollama's installer writes it."""
MOST_EXPOSURE = {"vouch@anna.service": 2.0, "ollama.service": 4.0}
"""Of 10. Ollama keeps the devices, which are the GPU's, and the system calls of its runners."""


@pytest.fixture
def units(tmp_path: Path) -> dict[str, str]:
    """An environment in which systemd-analyze finds our units beside the system's."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd is not installed")
    shutil.copytree(UNITS, tmp_path, dirs_exist_ok=True)
    program = tmp_path / "vouch@.service"
    program.write_text(program.read_text().replace("/opt/vouch/bin/rag", sys.executable))
    ollama = OLLAMA_UNIT.replace("/usr/bin/ollama", sys.executable)
    (tmp_path / "ollama.service").write_text(ollama)
    return {**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"}


def analyze(units: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        ["systemd-analyze", *arguments], env=units, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("unit", MOST_EXPOSURE)
def test_systemd_finds_no_fault_in_a_unit(units: dict[str, str], unit: str) -> None:
    complaints = analyze(units, "verify", "--man=no", unit)
    assert [line for line in complaints.splitlines() if "vouch" in line or "ollama" in line] == []


@pytest.mark.parametrize("unit", MOST_EXPOSURE)
def test_a_unit_is_little_exposed(units: dict[str, str], unit: str) -> None:
    said = analyze(units, "security", "--offline=true", "--no-pager", unit)
    exposure = re.search(r"Overall exposure level for \S+: (\d+\.\d)", said)
    assert exposure
    assert float(exposure[1]) <= MOST_EXPOSURE[unit]
