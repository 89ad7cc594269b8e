"""The estimate of what a model takes, against what llama.cpp really allocates."""

from __future__ import annotations

import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from rag.engines.gguf.digest import Digests
from rag.engines.gguf.engine import GgufEngine
from rag.engines.gguf.header import read_header
from rag.engines.memory import kv_cache_bytes, memory_needed
from rag.types import ChatOptions, Message
from tests.engines.gguf_files import ModelFiles

MIB = 1 << 20


def facts(architecture: str, **named: Any) -> dict[str, Any]:
    own = {f"{architecture}.{name.replace('__', '.')}": value for name, value in named.items()}
    return {"general.architecture": architecture, **own}


LLAMA_8B = facts(
    "llama", block_count=32, embedding_length=4096, attention__head_count=32,
    attention__head_count_kv=8,
)  # fmt: skip
MISTRAL_7B = facts(
    "llama", block_count=32, embedding_length=4096, attention__head_count=32,
    attention__head_count_kv=8, attention__key_length=128, attention__value_length=128,
)  # fmt: skip
PHI_3_MINI = facts(
    "phi3", block_count=32, embedding_length=3072, attention__head_count=32,
    attention__head_count_kv=32, attention__sliding_window=2047,
)  # fmt: skip
GPT_OSS_20B = facts(
    "gpt-oss", block_count=24, embedding_length=2880, attention__head_count=64,
    attention__head_count_kv=8, attention__key_length=64, attention__value_length=64,
    attention__sliding_window=128,
)  # fmt: skip


@pytest.mark.parametrize(
    ("model", "mib"),
    [
        (LLAMA_8B, 1024),  # what llama.cpp prints for Llama 3.1 8B at 8192
        (MISTRAL_7B, 1024),
        (PHI_3_MINI, 3072),  # its sliding window is not used by llama.cpp
        (GPT_OSS_20B, 12 * 8192 * 2 / 1024 + 12 * 768 * 2 / 1024),  # half its layers slide
    ],
)
def test_the_cache_of_well_known_models(model: dict[str, Any], mib: float) -> None:
    assert kv_cache_bytes(model, 8192) == mib * MIB


def test_a_list_gives_each_layer_its_own_heads_and_its_own_window() -> None:
    mixed = facts(
        "lfm2", block_count=4, embedding_length=1024, attention__head_count=16,
        attention__head_count_kv=[0, 8, 0, 8],
    )  # fmt: skip
    assert kv_cache_bytes(mixed, 4096) == 2 * 8 * 4096 * (64 + 64) * 2
    sliding = {
        **mixed,
        "lfm2.attention.sliding_window": 256,
        "lfm2.attention.sliding_window_pattern": [True, True, False, False],
    }
    assert kv_cache_bytes(sliding, 4096) == 8 * (768 + 4096) * (64 + 64) * 2
    assert kv_cache_bytes(sliding, 512) == kv_cache_bytes(mixed, 512)


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"general.architecture": "llama"},
        {**LLAMA_8B, "llama.block_count": 1 << 40},
        {**LLAMA_8B, "llama.block_count": "many"},
        {**LLAMA_8B, "llama.attention.head_count_kv": [8]},
        {**LLAMA_8B, "llama.embedding_length": [1]},
    ],
)
def test_facts_that_say_nothing_sensible_are_a_value_error(broken: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="the model"):
        kv_cache_bytes(broken, 8192)


SHOW = """
import sys, time, xllamacpp
params = xllamacpp.CommonParams()
params.model.path, params.hostnames = sys.argv[1], [sys.argv[2]]
params.n_ctx, params.verbosity = int(sys.argv[3]), 4
params.fit_params = params.warmup = False
server = xllamacpp.Server(params)
time.sleep(60)
"""


@pytest.mark.parametrize("num_ctx", [768, 4096])
def test_the_cache_is_as_large_as_llama_cpp_says_it_is(
    model_files: ModelFiles, tmp_path: Path, num_ctx: int
) -> None:
    command = [sys.executable, "-c", SHOW, str(model_files.base), "s.sock", str(num_ctx)]
    pipe = subprocess.PIPE
    sizes: list[float] = []
    with subprocess.Popen(command, cwd=tmp_path, stderr=pipe, text=True) as shown:
        assert shown.stderr is not None
        for line in shown.stderr:
            sizes += map(float, re.findall(r"KV buffer size = +([\d.]+) MiB", line))
            if len(sizes) == 2:  # of the sliding layers, and of the others
                shown.kill()
                break
    assert sum(sizes) * MIB == kv_cache_bytes(read_header(model_files.base).facts, num_ctx)


def test_a_loaded_model_takes_no_more_than_was_reckoned(
    model_files: ModelFiles, tmp_path: Path
) -> None:
    path = str(model_files.base)
    with closing(GgufEngine(Digests(tmp_path / "d.json"), threads=1)) as engine:
        prompt = [Message("user", "The harbour office opens at nine. " * 20)]
        list(engine.chat(path, prompt, ChatOptions(16384, 4)))
        assert engine._loaded is not None and engine._loaded.server.pid is not None
        taken = psutil.Process(engine._loaded.server.pid).memory_info().rss
    size, header = model_files.base.stat().st_size, read_header(model_files.base)
    assert taken <= memory_needed(size, header.facts, 16384) <= 2 * taken
