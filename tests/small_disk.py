"""A file system in memory, of a few hundred kilobytes, to be filled."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


class SmallDisk:
    """Mounted at `mount`."""

    def __init__(self, mount: Path) -> None:
        self.mount = mount

    def resize(self, size: str) -> None:
        subprocess.run(["mount", "-o", f"remount,size={size}", self.mount], check=True)

    def fill(self) -> None:
        """Take every byte that is left."""
        with (self.mount / "filler").open("wb", buffering=0) as file:
            size = 65536
            while size:
                try:
                    os.write(file.fileno(), bytes(size))
                except OSError:
                    size //= 2

    def empty(self) -> None:
        """Give back what `fill` took."""
        (self.mount / "filler").unlink()


@contextmanager
def mounted(folder: Path, size: str = "4m") -> Iterator[SmallDisk]:
    """A small disk below a folder; the test is skipped where none can be mounted."""
    disk = SmallDisk(folder / "disk")
    disk.mount.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", disk.mount], capture_output=True
    )
    if done.returncode != 0:
        pytest.skip(f"a small file system cannot be mounted here: {done.stderr.decode()}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", disk.mount], check=True)
