"""Findings about this machine: its disk, its memory, its GPU. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rag import __version__
from rag.doctor.facts import Facts
from rag.doctor.words import Finding, Status, finding
from rag.engines.fit import Fit
from rag.engines.known_models import KNOWN_MODELS
from rag.hardware import Machine, gigabytes
from rag.types import RunningModel

EMPTY_DISK = 2**20  # bytes
LEAST_FREE = 500 * 2**20  # bytes, and room for another database beside
LEAST_WINDOW = 2048  # tokens

_LOOK_FOR_DRIVER = {"NVIDIA": "nvidia-smi", "AMD": "ls -l /dev/kfd"}


def findings(facts: Facts) -> Iterator[Finding]:
    yield finding("program", version=__version__, python=facts.python, system=facts.system)
    yield from _disk(facts)
    if facts.fit is not None:
        yield _memory(facts, facts.fit)
    if facts.machine is not None:
        yield from _drivers(facts.machine)
        loaded = facts.server.loaded_chat if facts.server else None
        if loaded is not None and facts.machine.usable and facts.settings.gpu_layers != 0:
            yield _gpu(facts.machine, loaded)


def _disk(facts: Facts) -> Iterator[Finding]:
    library = facts.library
    wanted = LEAST_FREE + library.size
    if library.free is None:
        return
    if library.free < EMPTY_DISK:
        yield finding("disk_full", home=library.home)
    elif library.free < wanted:
        sizes = {"free": gigabytes(library.free), "wanted": gigabytes(wanted)}
        yield finding("disk_low", home=library.home, **sizes)
    else:
        yield finding("disk", free=gigabytes(library.free))


def _memory(facts: Facts, fit: Fit) -> Finding:
    model = facts.settings.chat_model
    if fit.verdict != "too_large":
        return finding("memory", model=model, reason=fit.reason)
    status: Status | None = "problem" if facts.settings.engine == "ollama" else None
    return finding("memory_low", status, model=model, reason=fit.reason, smaller=_smaller(fit))


def _smaller(fit: Fit) -> str:
    """The largest chat model of the table that has room, else the smallest."""
    chat = sorted((m for m in KNOWN_MODELS if m.kind == "chat"), key=lambda m: m.memory_gb)
    having_room = [model for model in chat if model.memory_gb * 1e9 <= fit.room]
    return (having_room or chat[:1])[-1].name


def _drivers(machine: Machine) -> Iterator[Finding]:
    for gpu in machine.gpus:
        if gpu.problem is not None:
            found = finding("gpu_without_driver", gpu=gpu.name, problem=gpu.problem)
            yield replace(found, command=_LOOK_FOR_DRIVER[gpu.vendor])


def _gpu(machine: Machine, loaded: RunningModel) -> Finding:
    if loaded.size_vram <= 0:
        return finding("gpu_unused", model=loaded.name, gpu=machine.usable[0].name)
    share = loaded.size_vram / max(loaded.size, 1)
    if share < 1:
        window = max(LEAST_WINDOW, (loaded.context_length or 0) // 2)
        return finding("gpu_partly", model=loaded.name, share=f"{share:.0%}", window=window)
    return finding("gpu", model=loaded.name)
