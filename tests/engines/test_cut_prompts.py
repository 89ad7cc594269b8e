"""No answer from half a prompt: sizes below, at and above two windows, on a real server.

The pre-check is passed by on purpose: what is proven is that the counts of the receipt notice it.
"""

from __future__ import annotations

import pytest

from rag.answering import budget
from rag.engines.ollama.engine import OllamaEngine
from rag.errors import InputTooLong
from rag.types import ChatDelta, ChatOptions, Message, TokenCount
from tests.engines.ollama_server import CHAT_MODEL

pytestmark = pytest.mark.ollama

RULES = Message("system", "Answer from the passages only, with the number of each passage. " * 8)
EARLIER = (
    Message("user", "When does the ferry to the northern islands leave in the morning? " * 4),
    Message("assistant", "It leaves at half past six from the western pier. " * 4),
)
FORMS = {"question": (), "rules": (RULES,), "rules and turns": (RULES, *EARLIER)}
SENTENCE, SENTENCE_TOKENS = "The harbour office opens at nine. ", 7
WINDOWS = {512: tuple(FORMS), 1024: ("rules",)}
SHARES = (0.7, 0.95, 1.05, 1.2)
WIDE = 2048


def prompts(form: str, window: int) -> list[tuple[Message, ...]]:
    """Prompts about as long as each share of a window."""
    before = FORMS[form]
    own = sum(len(message.content) for message in before) // 5 + 30
    return [
        (*before, Message("user", SENTENCE * max(1, int(share * window - own) // SENTENCE_TOKENS)))
        for share in SHARES
    ]


def read(engine: OllamaEngine, messages: tuple[Message, ...], num_ctx: int) -> int | None:
    """What the server says it read; None where it refused."""
    try:
        events = list(engine.chat(CHAT_MODEL, messages, ChatOptions(num_ctx, 1)))
    except InputTooLong:
        return None
    last = events[-1]
    assert isinstance(last, ChatDelta) and last.prompt_tokens is not None
    return last.prompt_tokens


def planned(engine: OllamaEngine, messages: tuple[Message, ...]) -> TokenCount:
    counts = engine.count_tokens(CHAT_MODEL, [message.content for message in messages])
    return sum(counts, engine.prompt_overhead(CHAT_MODEL))


def test_every_cut_prompt_is_refused_or_noticed_and_no_whole_one_is(
    ollama_engine: OllamaEngine,
) -> None:
    asked = [(w, m) for w, forms in WINDOWS.items() for form in forms for m in prompts(form, w)]
    whole = [read(ollama_engine, messages, WIDE) for _, messages in asked]
    cut = kept = 0
    for (window, messages), tokens in zip(asked, whole, strict=True):
        assert tokens is not None and tokens < WIDE
        got = read(ollama_engine, messages, window)
        plan = planned(ollama_engine, messages)
        noticed = got is None or budget.problem(plan, got, window) is not None
        said = f"{len(messages)} messages: {tokens} tokens, {got} read in a window of {window}"
        if tokens > window:
            cut += 1
            assert noticed, said
        elif tokens < window:
            kept += 1
            assert got == tokens and not noticed, said
    assert cut >= 6 and kept >= 6, "sizes lie on both sides of each window"
