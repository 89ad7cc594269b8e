"""Which passages fit the model's window. Pure; counts are tokens, as intervals.

The rule that keeps a server from cutting a prompt silently: high + num_predict <= num_ctx.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

from rag.types import TokenCount

WINDOW_STEPS = (2048, 4096, 8192, 16384, 32768, 65536, 131072)
"""Windows that are asked for, in tokens: a model is loaded anew for each change of its window."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How many of the passages, best first, go into the prompt, and how long that makes it."""

    used: int
    left_out: int
    prompt: TokenCount

    @property
    def reason(self) -> str | None:
        """Why passages were left out."""
        return "they did not fit the model's window" if self.left_out else None


def plan(
    count: Callable[[int], TokenCount], passages: int, num_ctx: int, num_predict: int
) -> Plan | None:
    """As many passages as fit, where `count(n)` counts the prompt with the first n of them.

    None where not even one fits.
    """
    room, used = num_ctx - num_predict, passages
    if count(passages).high > room:
        used = bisect_right(range(1, passages), room, key=lambda n: count(n).high)
        if used == 0 and passages:
            return None
    return Plan(used, passages - used, count(used))


def window(tokens: int, most: int, loaded: int | None) -> int:
    """The window to ask for: what the model is loaded with if `tokens` fit in it, else the next step.

    Never above `most`: what settings and the model itself allow.
    """
    if loaded is not None and tokens <= loaded <= most:
        return loaded
    return min(most, next((step for step in WINDOW_STEPS if step >= tokens), most))


def problem(planned: TokenCount, read: int | None, num_ctx: int) -> str | None:
    """What the receipt says is wrong: the model did not read what was sent. None if it did.

    Ollama answers an overlong prompt with HTTP 200, its end kept and `num_ctx` tokens reported.
    """
    if read is None:
        return "the model did not say how much of the prompt it read"
    if read >= num_ctx:
        return f"the prompt filled the model's window of {num_ctx} tokens: it was cut"
    if read < planned.low:
        return f"the model read {read} tokens of a prompt of at least {planned.low}: it was cut"
    return None
