"""Two containers without a container engine: an Ollama that was allowed by name, and nothing else."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from .airlock import Airlock, desk

FAQ = Path(__file__).parents[2] / "data" / "faq.md"


def test_an_ollama_in_another_container_is_reached_by_its_name_and_nobody_else_is(
    airlock: Airlock, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", f"{__package__}.neighbour", str(FAQ)]
    passage = airlock.run(command, desk(tmp_path / "home"))
    assert passage.code == 0, passage.stderr[-3000:]
    seen = json.loads(passage.stdout)
    assert "for four weeks" in seen["answer"]["text"]
    assert seen["reached"] == {
        "ollama": True,
        "10.66.0.2": True,
        "10.66.0.3": False,
        "192.0.2.66": False,
        "somewhere.example": False,
    }
    assert seen["doors"] == {"vouch": 421, "10.66.0.1": 421, "127.0.0.1": 401}
    assert passage.heard == []
