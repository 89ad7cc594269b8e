"""What this machine has to run models with: its memory, and its GPUs with theirs.

NVIDIA is asked through `nvidia-smi`, AMD through the files of the amdgpu driver (as Ollama does it),
Apple by the platform: its chips share one memory between CPU and GPU. A graphics card that no driver
serves is listed with the problem.

What Ollama really uses is another matter: it says so itself (`RunningModel.size_vram`). Knows
nothing of models.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

_NVIDIA, _AMD = "0x10de", "0x1002"
_NVIDIA_SMI = ("nvidia-smi", "--query-gpu=name,memory.total,memory.free",
               "--format=csv,noheader,nounits")  # fmt: skip
_NICER = 10
_PATIENCE = 5  # seconds for a program of a driver
_LEAST = 2**30
"""AMD graphics with less memory of its own are part of the processor; ROCm passes over them."""
_LARGE_MAC = 36 * 2**30
_CGROUP = Path("/sys/fs/cgroup")


def give_way() -> None:
    """Let every other program have the processor first, from now on: this process and its children."""
    with contextlib.suppress(OSError):
        if sys.platform == "win32":
            import psutil

            psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
        else:
            os.nice(_NICER)


def available_memory() -> int:
    """Bytes that can be had without swapping: of the machine, or of the container we are in."""
    import psutil

    return min(int(psutil.virtual_memory().available), _left_in_container())


def give_back_memory() -> None:
    """Let the system have what was freed: glibc keeps it, for each thread that ever asked for some."""
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError):  # another C library
            ctypes.CDLL(None).malloc_trim(0)


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU; memory in bytes. `unified`: its memory is the machine's.

    `problem`: why no model can run on it, with what to do.
    """

    vendor: Literal["NVIDIA", "AMD", "Apple"]
    name: str
    memory: int
    free: int
    unified: bool = False
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """Memory in bytes; `available` is what programs can have without swapping."""

    memory: int
    available: int
    gpus: tuple[Gpu, ...] = ()

    @property
    def usable(self) -> tuple[Gpu, ...]:
        return tuple(gpu for gpu in self.gpus if gpu.problem is None)


def detect(available: int) -> Machine:
    """This machine, now. `available`: as engines/memory.py has it, in bytes.

    Does not raise: what cannot be found out is left out.
    """
    import psutil

    memory = int(psutil.virtual_memory().total)
    if sys.platform == "darwin":
        name = _said("sysctl", "-n", "machdep.cpu.brand_string").strip()
        gpus = apple(platform.machine(), name, memory, available)
    else:
        gpus = (*nvidia(_said(*_NVIDIA_SMI), memory, available), *amd(Path("/")))
        gpus += without_driver(Path("/"), gpus)
    return Machine(memory, available, gpus)


def gigabytes(size: float) -> str:
    """Bytes for people: 4.7 GB, in 10^9 as Ollama counts; small ones in MB."""
    return f"{size / 1e9:.1f} GB" if size >= 0.95e9 else f"{size / 1e6:.0f} MB"


def nvidia(listed: str, memory: int, available: int) -> tuple[Gpu, ...]:
    """GPUs as nvidia-smi lists them, in MiB. `memory`, `available`: the machine's, in bytes."""
    gpus = []
    for row in listed.splitlines():
        name, *numbers = (cell.strip() for cell in row.rsplit(",", 2))
        if len(numbers) == 2 and all(number.isdigit() for number in numbers):
            total, free = (int(number) * 2**20 for number in numbers)
            gpus.append(Gpu("NVIDIA", name, total, free))
        elif numbers == ["[N/A]"] * 2:  # such as GB10 or Jetson: no memory of its own
            gpus.append(Gpu("NVIDIA", name, memory, available, unified=True))
    return tuple(gpus)


def amd(root: Path) -> tuple[Gpu, ...]:
    """GPUs that the amdgpu driver serves, from its files below `root`."""
    compute = (root / "dev/kfd").exists()
    gpus = []
    for device in sorted(root.glob("sys/class/drm/card[0-9]*/device")):
        total = _number(device / "mem_info_vram_total")
        if _text(device / "vendor") != _AMD or total < _LEAST:
            continue
        name = _text(device / "product_name") or f"AMD {_text(device / 'device')}"
        free = total - _number(device / "mem_info_vram_used")
        problem = None if compute else "it has no /dev/kfd: install the ROCm driver"
        gpus.append(Gpu("AMD", name, total, free, problem=problem))
    return tuple(gpus)


def apple(processor: str, name: str, memory: int, available: int) -> tuple[Gpu, ...]:
    """The GPU of an Apple chip: macOS lends it two thirds of the memory, of large ones more."""
    if processor != "arm64":
        return ()
    share = memory * 3 // 4 if memory > _LARGE_MAC else memory * 2 // 3
    return (Gpu("Apple", name or "Apple GPU", share, min(share, available), unified=True),)


def without_driver(root: Path, found: tuple[Gpu, ...]) -> tuple[Gpu, ...]:
    """NVIDIA cards on the bus of which their own driver says nothing."""
    if any(gpu.vendor == "NVIDIA" for gpu in found):
        return ()
    problem = "its driver does not answer: install it, and see that nvidia-smi lists the card"
    return tuple(
        Gpu("NVIDIA", f"NVIDIA {_text(device / 'device')}", 0, 0, problem=problem)
        for device in _graphics_cards(root)
        if _text(device / "vendor") == _NVIDIA
    )


def _left_in_container() -> int:
    """What a cgroup's limit leaves; pages of files count as free. No limit: the largest number."""
    try:
        limit = int((_CGROUP / "memory.max").read_text())
        used = int((_CGROUP / "memory.current").read_text())
        stat = dict(line.split() for line in (_CGROUP / "memory.stat").read_text().splitlines())
        return max(0, limit - used + int(stat["file"]))
    except (OSError, ValueError, KeyError):  # no cgroup of version 2, or no limit ("max")
        return 1 << 62


def _graphics_cards(root: Path) -> Iterator[Path]:
    for device in sorted(root.glob("sys/bus/pci/devices/*")):
        if _text(device / "class").startswith("0x03"):
            yield device


def _said(*command: str) -> str:
    """What a program prints; nothing where it is missing, fails or hangs."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_PATIENCE, check=True, errors="replace"
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def _number(path: Path) -> int:
    text = _text(path)
    return int(text) if text.isdigit() else 0
