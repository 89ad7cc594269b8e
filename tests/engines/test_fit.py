"""Whether a model fits: judged from figures, on machines of every kind, and held against one."""

from __future__ import annotations

from contextlib import closing

import psutil
import pytest

from rag.engines.fit import fits, memory_of
from rag.engines.known_models import KNOWN_MODELS
from rag.engines.ollama.engine import OllamaEngine
from rag.hardware import Gpu, Machine, gigabytes
from rag.types import ChatOptions, Message, RunningModel
from tests.engines.ollama_server import CHAT_MODEL, OllamaServer

GB = 10**9
DESK = Machine(memory=16 * GB, available=10 * GB)
CARD = Gpu("NVIDIA", "RTX 3060", 12 * GB, 11 * GB)
GRAPHICS = Machine(memory=16 * GB, available=10 * GB, gpus=(CARD,))
MAC = Machine(24 * GB, 18 * GB, (Gpu("Apple", "Apple M2", 16 * GB, 16 * GB, unified=True),))


@pytest.mark.parametrize(
    ("needed", "machine", "verdict", "place", "says"),
    [
        (6, DESK, "fits", "memory", "needs 6.0 GB of 10.0 GB free memory"),
        (9.5, DESK, "tight", "memory", "needs 9.5 GB of 10.0 GB free memory"),
        (12, DESK, "too_large", "memory", "close other programs first"),
        (40, DESK, "too_large", "memory", "this machine has 16.0 GB of memory"),
        (6, GRAPHICS, "fits", "gpu", "needs 6.0 GB of 11.0 GB on the GPU"),
        (10.5, GRAPHICS, "tight", "gpu", "on the GPU"),
        (14, GRAPHICS, "tight", "gpu_and_memory", "11.0 GB fit on the GPU, the rest is slow"),
        (30, GRAPHICS, "too_large", "memory", "this machine has 16.0 GB of memory"),
        (12, MAC, "fits", "gpu", "needs 12.0 GB of 18.0 GB free memory"),
        (30, MAC, "too_large", "memory", "this machine has 24.0 GB"),
    ],
)
def test_a_model_is_judged_with_its_figures(
    needed: float, machine: Machine, verdict: str, place: str, says: str
) -> None:
    fit = fits(int(needed * GB), machine)
    assert (fit.verdict, fit.place) == (verdict, place)
    assert says in fit.reason


def test_a_graphics_card_without_a_driver_counts_for_nothing() -> None:
    broken = Gpu("NVIDIA", "RTX 3060", 12 * GB, 11 * GB, problem="no driver")
    assert fits(6 * GB, Machine(16 * GB, 10 * GB, (broken,))).place == "memory"


def test_a_model_kept_off_the_gpu_is_judged_by_the_memory_alone() -> None:
    assert fits(12 * GB, GRAPHICS, num_gpu=0).verdict == "too_large"
    assert fits(6 * GB, MAC, num_gpu=0).place == "memory"


def test_gpu_memory_of_models_that_ollama_would_unload_is_room() -> None:
    full = Machine(16 * GB, 3 * GB, (Gpu("NVIDIA", "RTX 3060", 12 * GB, 1 * GB),))
    loaded = RunningModel("llama3.1:latest", "d", 10 * GB, 10 * GB)
    assert fits(8 * GB, full).verdict == "too_large"
    assert fits(8 * GB, full, [loaded]).verdict == "fits"


def test_more_gpu_memory_than_there_is_is_never_room() -> None:
    loaded = RunningModel("llama3.1:latest", "d", 10 * GB, 10 * GB)
    fit = fits(13 * GB, Machine(16 * GB, 0, (CARD,)), [loaded])
    assert (fit.verdict, fit.room) == ("too_large", 12 * GB)


def test_the_table_names_each_model_once_with_what_the_owner_of_a_machine_asks() -> None:
    rows = {model.name: (model.file_gb, model.memory_gb) for model in KNOWN_MODELS}
    assert len(rows) == len(KNOWN_MODELS)
    assert rows["llama3.1:8b"] == (4.7, 8)
    assert rows["llama3.1:70b"] == (40, 48)
    assert rows["mistral:7b"] == (4.1, 8)
    assert rows["codellama:13b"] == (7.4, 16)
    assert rows["phi3:mini"] == (2.3, 4)
    assert rows["deepseek-coder:6.7b"] == (3.8, 8)
    assert rows["mixtral:8x7b"] == (26, 32)
    assert all(model.file_gb < model.memory_gb for model in KNOWN_MODELS)


def test_sizes_are_written_for_people() -> None:
    assert [gigabytes(n) for n in (45_960_996, 951_000_000, 4_920_753_328)] == [
        "46 MB", "1.0 GB", "4.9 GB",
    ]  # fmt: skip


@pytest.mark.ollama
def test_the_estimate_is_near_what_a_real_runner_takes(ollama_models: OllamaServer) -> None:
    window = 3072  # no other test asks for it, so the runner is known by it
    with closing(OllamaEngine(ollama_models.url)) as engine:
        list(engine.chat(CHAT_MODEL, [Message("user", "Hello")], ChatOptions(window, 4)))
        estimate = memory_of(engine.model_info(CHAT_MODEL), window)
    (runner,) = (
        process
        for process in psutil.process_iter()
        if is_runner(process, str(ollama_models.home), window)
    )
    taken = runner.memory_info().rss
    assert estimate is not None
    assert 0.75 * taken < estimate < 1.5 * taken, (estimate, taken)


def is_runner(process: psutil.Process, home: str, window: int) -> bool:
    try:
        command = process.cmdline()
    except psutil.Error:  # it has just ended
        return False
    return any(home in part for part in command) and str(window) in command
