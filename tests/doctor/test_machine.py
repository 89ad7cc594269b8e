"""Disk, memory and GPU."""

from __future__ import annotations

import platform
from pathlib import Path

from rag import __version__
from tests.small_disk import mounted

from .desk import Desk


def test_a_full_disk_is_a_problem_until_there_is_room(tmp_path: Path) -> None:
    with mounted(tmp_path) as disk:
        desk = Desk(tmp_path / "unused")
        desk.environ["RAG_HOME"] = str(disk.mount / "home")
        disk.fill()
        found = desk.examine()["disk_full"]
        assert (found.status, found.command) == ("problem", f"df -h {disk.mount / 'home'}")
        disk.empty()
        assert "disk_full" not in desk.examine()


def test_a_disk_with_little_room_is_a_warning(tmp_path: Path) -> None:
    with mounted(tmp_path, "100m") as disk:
        desk = Desk(tmp_path / "unused")
        desk.environ["RAG_HOME"] = str(disk.mount / "home")
        found = desk.examine()["disk_low"]
        assert "Only 105 MB are free" in found.message
        assert found.status == "warning"
        disk.resize("2g")
        assert desk.examine()["disk"].status == "ok"


def test_what_a_report_of_a_fault_needs_is_said_first(desk: Desk) -> None:
    message = desk.examine()["program"].message
    assert message.startswith(f"Vouch {__version__} on Python {platform.python_version()}, ")
