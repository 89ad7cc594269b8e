"""Disk, memory and GPU."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rag import __version__
from tests.engines.ollama_server import CHAT_MODEL, OllamaServer
from tests.scripted_ollama import DIGEST, MODEL, ScriptedOllama
from tests.small_disk import mounted

from .desk import Desk

TERABYTE = 10**12
LLAMA = {
    "general.architecture": "llama", "llama.context_length": 131072, "llama.block_count": 80,
    "llama.embedding_length": 8192, "llama.attention.head_count": 64,
    "llama.attention.head_count_kv": 8,
}  # fmt: skip


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


# --------------------------------------------------------------------------- memory


@pytest.mark.ollama
def test_a_model_that_fits_is_said_to_with_the_figures(
    desk: Desk, ollama_models: OllamaServer
) -> None:
    with ollama_models.client() as client:
        client.generate(CHAT_MODEL, keep_alive=0)  # unloads it
    desk.environ |= {"RAG_OLLAMA_HOST": ollama_models.url, "RAG_CHAT_MODEL": CHAT_MODEL}
    message = desk.examine()["memory"].message
    assert message.startswith(f"{CHAT_MODEL} needs ")
    assert message.endswith(" free memory.")


@pytest.mark.parametrize(("engine", "status"), [("auto", "warning"), ("ollama", "problem")])
def test_a_model_larger_than_the_machine_is_named_and_not_tried(
    asking: Desk, scripted: ScriptedOllama, engine: str, status: str
) -> None:
    scripted.model["size"] = 40 * TERABYTE
    scripted.facts = dict(LLAMA)
    asking.environ["RAG_ENGINE"] = engine
    found = asking.examine(deep=True)
    assert found["memory_low"].status == status
    assert f"{MODEL} needs 40" in found["memory_low"].message
    assert "of memory" in found["memory_low"].message
    pull, name = found["memory_low"].command.split(" && ")
    assert pull.removeprefix("rag models pull ") == name.removeprefix("rag models use ")
    assert scripted.received == []
    assert "chat_model" not in found  # as it is, it does not write
    scripted.model["size"] = 10**9  # as a smaller model has it
    assert "memory_low" not in asking.examine()


# --------------------------------------------------------------------------- GPU


def with_nvidia(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver that lists a card."""
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'NVIDIA RTX 3060, 12288, 11892'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")


def loaded(size: int, size_vram: int) -> dict[str, object]:
    return {"model": f"{MODEL}:latest", "digest": DIGEST, "size": size, "size_vram": size_vram,
            "context_length": 8192}  # fmt: skip


@pytest.mark.ollama
def test_a_gpu_that_ollama_does_not_use_is_found_by_trying(
    desk: Desk, ollama_models: OllamaServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.environ |= {"RAG_OLLAMA_HOST": ollama_models.url, "RAG_CHAT_MODEL": CHAT_MODEL}
    with_nvidia(tmp_path, monkeypatch)
    found = desk.examine(deep=True)["gpu_unused"]
    assert found.message.endswith("although there is a GPU: NVIDIA RTX 3060.")
    assert found.command == "journalctl -u ollama | grep -iE 'gpu|cuda|rocm'"
    desk.environ["RAG_NUM_GPU"] = "0"  # as it was asked for
    assert "gpu_unused" not in desk.examine()


def test_a_model_that_is_only_partly_on_the_gpu_asks_for_less(
    asking: Desk, scripted: ScriptedOllama, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_nvidia(tmp_path, monkeypatch)
    scripted.running = [loaded(10 * 10**9, 6 * 10**9)]
    found = asking.examine()["gpu_partly"]
    assert found.message == f"60% of {MODEL}:latest is on the GPU, the rest on the CPU."
    assert found.command == "export RAG_NUM_CTX=4096"
    scripted.running = [loaded(6 * 10**9, 6 * 10**9)]  # what a smaller window leads to
    assert asking.examine()["gpu"].message == f"{MODEL}:latest runs on the GPU."


def test_a_card_without_a_driver_is_named(asking: Desk, tmp_path: Path) -> None:
    """In a mount namespace whose bus has such a card."""
    card = tmp_path / "bus" / "pci" / "devices" / "0000:01:00.0"
    card.mkdir(parents=True)
    for name, text in {"vendor": "0x10de", "class": "0x030000", "device": "0x2504"}.items():
        (card / name).write_text(text)
    found = in_mounts(f"mount --bind {tmp_path / 'bus'} /sys/bus", asking)["gpu_without_driver"]
    assert found["message"].startswith(
        "NVIDIA 0x2504 cannot run models; its driver does not answer"
    )
    assert found["command"] == "nvidia-smi"


def in_mounts(mount: str, desk: Desk) -> dict[str, Any]:
    """What the doctor finds after a mount that only it sees."""
    script = f'{mount} || exit 99\nexec "{sys.executable}" -m rag doctor --json'
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script], env=desk.environ, capture_output=True, text=True
    )
    if done.returncode in (1, 99) and not done.stdout:
        pytest.skip(f"nothing can be mounted here: {done.stderr}")
    return {finding["code"]: finding for finding in json.loads(done.stdout)["findings"]}
