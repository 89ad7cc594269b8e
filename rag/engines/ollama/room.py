"""Whether there is room for a model on the machine of an Ollama server, as far as it can be told.

A server on another machine is not judged: its memory cannot be seen from here.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from rag import hardware
from rag.egress import is_loopback
from rag.engines.fit import Fit, fits, memory_of
from rag.engines.ollama.engine import OllamaEngine
from rag.engines.ollama.replies import named
from rag.errors import NotEnoughMemory
from rag.hardware import Machine
from rag.types import ModelInfo, RunningModel


def machine_of(host: str) -> Machine | None:
    """The machine that the server at `host` runs on; None where that is another one."""
    if not is_loopback(urlsplit(host).hostname or ""):
        return None
    return hardware.detect(hardware.available_memory())


def judged(
    model: ModelInfo,
    machine: Machine,
    running: Sequence[RunningModel],
    num_ctx: int,
    num_gpu: int | None,
) -> Fit | None:
    """Whether a model fits with a window of `num_ctx` tokens; None: it does not say enough."""
    needed = memory_of(model, num_ctx)
    return None if needed is None else fits(needed, machine, running, num_gpu)


def require(engine: OllamaEngine, model: str, num_ctx: int, num_gpu: int | None) -> None:
    """Raises `NotEnoughMemory` for a model that would have the machine swap if it were loaded.

    One that is loaded already is never refused, nor is one that cannot be judged.
    """
    running = engine.running()
    if named(running, model) is not None:
        return
    machine = machine_of(engine.host)
    if machine is None:
        return
    fit = judged(engine.model_info(model), machine, running, num_ctx, num_gpu)
    if fit is not None and fit.verdict == "too_large":
        raise NotEnoughMemory(
            model,
            f"{model} does not fit into memory: it {fit.reason}.",
            "Choose a smaller model (rag models list shows what fits), lower num_ctx, or load it "
            "all the same with --memory-check off.",
        )
