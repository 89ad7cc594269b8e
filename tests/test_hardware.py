"""What runs models here: recorded answers of drivers, and this machine as it is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from rag import hardware
from rag.hardware import Gpu

GIB = 2**30
MIB = 2**20


def test_nvidia_cards_are_listed_with_their_memory() -> None:
    listed = "NVIDIA GeForce RTX 3060, 12288, 11892\nNVIDIA RTX A2000, Mobile, 4096, 12\n"
    assert hardware.nvidia(listed, 64 * GIB, 60 * GIB) == (
        Gpu("NVIDIA", "NVIDIA GeForce RTX 3060", 12288 * MIB, 11892 * MIB),
        Gpu("NVIDIA", "NVIDIA RTX A2000, Mobile", 4096 * MIB, 12 * MIB),
    )


def test_an_nvidia_chip_without_memory_of_its_own_shares_the_machines() -> None:
    (gpu,) = hardware.nvidia("NVIDIA GB10, [N/A], [N/A]\n", 120 * GIB, 100 * GIB)
    assert gpu == Gpu("NVIDIA", "NVIDIA GB10", 120 * GIB, 100 * GIB, unified=True)


@pytest.mark.parametrize(
    "said",
    [
        "",
        "No devices were found\n",
        "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure "
        "that the latest NVIDIA driver is installed and running.\n",
    ],
)
def test_what_a_driver_says_instead_of_a_list_is_no_gpu(said: str) -> None:
    assert hardware.nvidia(said, GIB, GIB) == ()


def files(root: Path, contents: dict[str, str]) -> Path:
    for name, text in contents.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


CARD = "sys/class/drm/card1/device/"
RADEON = {
    CARD + "vendor": "0x1002\n", CARD + "device": "0x744c\n",
    CARD + "mem_info_vram_total": "25753026560\n", CARD + "mem_info_vram_used": "1073741824\n",
    "sys/class/drm/card1-DP-1/status": "connected\n",
}  # fmt: skip


def test_amd_cards_are_listed_with_their_memory(tmp_path: Path) -> None:
    root = files(tmp_path, {**RADEON, "dev/kfd": ""})
    assert hardware.amd(root) == (Gpu("AMD", "AMD 0x744c", 25753026560, 25753026560 - GIB),)
    files(root, {CARD + "product_name": "Radeon RX 7900 XTX\n"})
    assert hardware.amd(root)[0].name == "Radeon RX 7900 XTX"


def test_an_amd_card_without_the_compute_driver_is_listed_with_the_problem(tmp_path: Path) -> None:
    (gpu,) = hardware.amd(files(tmp_path, RADEON))
    assert gpu.problem and "/dev/kfd" in gpu.problem


def test_graphics_inside_an_amd_processor_do_not_count(tmp_path: Path) -> None:
    small = {**RADEON, CARD + "mem_info_vram_total": str(512 * MIB), "dev/kfd": ""}
    assert hardware.amd(files(tmp_path, small)) == ()


def test_an_nvidia_card_that_no_driver_serves_is_listed_with_the_problem(tmp_path: Path) -> None:
    slot = "sys/bus/pci/devices/0000:01:00."
    root = files(
        tmp_path,
        {
            slot + "0/vendor": "0x10de\n", slot + "0/class": "0x030000\n", slot + "0/device": "0x2504\n",
            slot + "1/vendor": "0x10de\n", slot + "1/class": "0x040300\n",  # its sound
        },
    )  # fmt: skip
    (gpu,) = hardware.without_driver(root, ())
    assert gpu.problem and "nvidia-smi" in gpu.problem
    served = (Gpu("NVIDIA", "NVIDIA GeForce RTX 3060", GIB, GIB),)
    assert hardware.without_driver(root, served) == ()


def test_apple_chips_lend_their_gpu_most_of_one_memory() -> None:
    (small,) = hardware.apple("arm64", "Apple M2", 24 * GIB, 20 * GIB)
    assert (small.memory, small.free, small.unified) == (16 * GIB, 16 * GIB, True)
    (large,) = hardware.apple("arm64", "Apple M4 Max", 64 * GIB, 10 * GIB)
    assert (large.memory, large.free) == (48 * GIB, 10 * GIB)
    assert hardware.apple("x86_64", "Intel Core i9", 64 * GIB, 10 * GIB) == ()


def test_this_machine_is_described_as_it_is() -> None:
    machine = hardware.detect(GIB)
    assert machine.memory == psutil.virtual_memory().total
    assert machine.available == GIB
    if sys.platform == "linux" and not shutil.which("nvidia-smi") and not Path("/dev/dri").exists():
        assert machine.usable == ()
    assert all(0 <= gpu.free <= gpu.memory for gpu in machine.gpus)


@pytest.mark.parametrize("script", ["exit 9", "exec sleep 60", "kill -9 $$"])
def test_a_driver_program_that_fails_or_hangs_is_no_gpu(
    script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\necho 'NVIDIA X, 1, 1'\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(hardware, "_PATIENCE", 0.5)
    assert not any(gpu.name == "NVIDIA X" for gpu in hardware.detect(GIB).gpus)


def test_a_driver_program_that_answers_is_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(
        '#!/bin/sh\ncase "$1" in --query-gpu=*) echo "NVIDIA X, 8192, 8000";; esac\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert subprocess.run(["nvidia-smi"], check=False).returncode == 0
    assert Gpu("NVIDIA", "NVIDIA X", 8192 * MIB, 8000 * MIB) in hardware.detect(GIB).gpus


def test_a_container_leaves_what_its_limit_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "_CGROUP", tmp_path)
    (tmp_path / "memory.max").write_text("max\n")
    whole = hardware.available_memory()
    assert 0 < whole <= psutil.virtual_memory().total
    (tmp_path / "memory.max").write_text(f"{300 * 2**20}\n")
    (tmp_path / "memory.current").write_text(f"{250 * 2**20}\n")
    (tmp_path / "memory.stat").write_text(f"anon {50 * 2**20}\nfile {200 * 2**20}\n")
    assert hardware.available_memory() == 250 * 2**20
    (tmp_path / "memory.current").write_text(f"{900 * 2**20}\n")
    assert hardware.available_memory() == 0
