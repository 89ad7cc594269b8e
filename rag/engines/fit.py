"""Whether a model fits into the memory of a machine: pure judgement, no measuring.

Knows nothing of Ollama beyond its habits: it fills the GPU first and runs the rest on the CPU, and
unloads other models from the GPU where that makes room.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rag.engines.memory import memory_needed
from rag.hardware import Machine, gigabytes
from rag.types import ModelInfo, RunningModel

Verdict = Literal["fits", "tight", "too_large"]
Place = Literal["gpu", "gpu_and_memory", "memory"]
_EASY = 0.9
"""Up to this share of the room a model fits; above it, little is left for anything else."""


@dataclass(frozen=True, slots=True)
class Fit:
    """The judgement; `needed` and `room` (what the model can have now) in bytes."""

    verdict: Verdict
    place: Place
    needed: int
    room: int
    reason: str
    """One sentence with the figures."""


def memory_of(model: ModelInfo, num_ctx: int) -> int | None:
    """Bytes that a model takes with a window of `num_ctx` tokens; None: it does not say enough."""
    window = min(num_ctx, model.context_length or num_ctx)
    try:
        return memory_needed(model.size, model.facts, window) if model.size else None
    except ValueError:
        return None


def fits(
    needed: int,
    machine: Machine,
    running: Sequence[RunningModel] = (),
    num_gpu: int | None = None,
) -> Fit:
    """Judge a model that takes `needed` bytes once loaded.

    `running`: what Ollama has loaded, and may unload; `num_gpu` 0: the model is kept off the GPU.
    """
    graphics = _graphics_memory(machine, running) if num_gpu != 0 else 0
    if graphics and needed <= graphics:
        return _judged(needed, graphics, "gpu", f"of {gigabytes(graphics)} on the GPU")
    room = graphics + machine.available
    free = f"of {gigabytes(machine.available)} free memory"
    if graphics and needed <= room:
        reason = (
            f"needs {gigabytes(needed)}: {gigabytes(graphics)} fit on the GPU, the rest is slow"
        )
        return Fit("tight", "gpu_and_memory", needed, room, reason)
    if graphics:
        free += f" and {gigabytes(graphics)} on the GPU"
    if needed > room:
        return Fit("too_large", "memory", needed, room, _too_large(needed, machine, free))
    shared = any(gpu.unified for gpu in machine.usable) and num_gpu != 0
    return _judged(needed, room, "gpu" if shared else "memory", free)


def _graphics_memory(machine: Machine, running: Sequence[RunningModel]) -> int:
    """GPU memory beside the machine's own that a model could have."""
    own = [gpu for gpu in machine.usable if not gpu.unified]
    free = sum(gpu.free for gpu in own) + sum(model.size_vram for model in running)
    return min(free, sum(gpu.memory for gpu in own))


def _judged(needed: int, room: int, place: Place, of: str) -> Fit:
    verdict: Verdict = "fits" if needed <= room * _EASY else "tight"
    return Fit(verdict, place, needed, room, f"needs {gigabytes(needed)} {of}")


def _too_large(needed: int, machine: Machine, free: str) -> str:
    if needed <= machine.memory * _EASY:
        return f"needs {gigabytes(needed)} {free}: close other programs first"
    return f"needs {gigabytes(needed)}; this machine has {gigabytes(machine.memory)} of memory"
