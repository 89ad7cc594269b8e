"""How much memory a language model takes, from what its file says of itself.

`facts` are GGUF metadata (`llama.block_count` and so on), as the header of a file or Ollama's
/api/show gives them. Source of the formula: llama.cpp, src/llama-kv-cache.cpp and
src/llama-kv-cache-iswa.cpp; the numbers were compared with what llama.cpp says it allocates.

Knows nothing of engines and of what is loaded already.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_MOST_LAYERS = 4096
_F16 = 2  # bytes of one number in the cache
_BATCH = 512  # tokens that are read at once, llama.cpp's own default
_SWA_STEP = 256  # a sliding window's cache is made larger to a multiple of this
_OVERHEAD = 256 << 20
"""Bytes for the buffers of one batch, the tokenizer and the process itself (measured: 90 to 200 MB)."""

# Of this many layers one sees the whole window, the others a sliding part: what llama.cpp takes
# where a file does not say (src/models/*.cpp). Other families count as if every layer saw all of it.
_PERIODS = {"cohere2": 4, "exaone4": 4, "gemma2": 2, "gemma3": 6, "gemma3n": 5, "gpt-oss": 2}


def kv_cache_bytes(facts: Mapping[str, Any], num_ctx: int) -> int:
    """Bytes of the keys and values of a window of `num_ctx` tokens, 16 bits each.

    Raises ValueError where the facts do not say how many layers and heads there are.
    """
    layers = _number(facts, "block_count")
    if layers > _MOST_LAYERS:
        raise ValueError(f"the model says it has {layers} layers")
    heads = _fact(facts, "attention.head_count", 1)
    width = _number(facts, "embedding_length") // max([1, *_each(heads, layers)])
    each = _number(facts, "attention.key_length", width)
    each += _number(facts, "attention.value_length", width)
    window = _number(facts, "attention.sliding_window", 0)
    sliding = min(num_ctx, -(-(window + _BATCH) // _SWA_STEP) * _SWA_STEP)
    kv_heads = _each(_fact(facts, "attention.head_count_kv", heads), layers)
    slides = _slides(facts, layers) if window else [False] * layers
    cells = sum(
        n * (sliding if slide else num_ctx) for n, slide in zip(kv_heads, slides, strict=True)
    )
    return cells * each * _F16


def memory_needed(weights: int, facts: Mapping[str, Any], num_ctx: int) -> int:
    """Bytes that a model takes once it is loaded: weights, window, and what is around them."""
    mask = num_ctx * _BATCH * _F16
    return weights + kv_cache_bytes(facts, num_ctx) + mask + _OVERHEAD


def _fact(facts: Mapping[str, Any], name: str, default: Any = None) -> Any:
    """`<architecture>.<name>`."""
    value = facts.get(f"{facts.get('general.architecture')}.{name}")
    return default if value is None else value


def _number(facts: Mapping[str, Any], name: str, default: int | None = None) -> int:
    value = _fact(facts, name, default)
    if not isinstance(value, int) or value < 0:
        raise ValueError(f"the model does not say its {name}")
    return value


def _each(value: Any, layers: int) -> list[int]:
    """A number for each layer: models give one for all, or a list."""
    numbers = value if isinstance(value, list) else [value] * layers
    if len(numbers) < layers or not all(isinstance(number, int) for number in numbers):
        raise ValueError("the model does not say how many heads its layers have")
    return numbers[:layers]


def _slides(facts: Mapping[str, Any], layers: int) -> list[bool]:
    """For each layer whether it sees a sliding window only."""
    period = _PERIODS.get(str(facts.get("general.architecture")), 1)
    pattern = _fact(facts, "attention.sliding_window_pattern", period)
    if isinstance(pattern, list) and pattern:
        return [bool(pattern[i % len(pattern)]) for i in range(layers)]
    period = _number(facts, "attention.sliding_window_pattern", period)
    return [period == 0 or i % period < period - 1 for i in range(layers)]
