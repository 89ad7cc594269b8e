"""No answer from half a prompt: sizes below, at and above the window, on a real server.

The pre-check is passed by on purpose: what is proven is that the counts of the receipt notice it.
"""

from __future__ import annotations

import pytest

from rag.answering import budget
from rag.engines.ollama.engine import OllamaEngine
from rag.errors import InputTooLong
from rag.types import ChatDelta, ChatOptions, Message
from tests.engines.ollama_server import CHAT_MODEL

pytestmark = pytest.mark.ollama

RULES = "Answer from the passages only, and end each sentence with the number of its passage. " * 8
EARLIER = "The ferry to the northern islands leaves at half past six in the morning. " * 6


def _messages(form: str, words: int) -> list[Message]:
    question = Message("user", "The harbour office opens at nine. " * words)
    if form == "one message":
        return [question]
    rules = Message("system", RULES)
    if form == "rules and question":
        return [rules, question]
    return [rules, Message("user", EARLIER), Message("assistant", EARLIER), question]


def _read(engine: OllamaEngine, messages: list[Message], num_ctx: int) -> int | None:
    """What the server says it read; None where it refused."""
    try:
        events = list(engine.chat(CHAT_MODEL, messages, ChatOptions(num_ctx, 1)))
    except InputTooLong:
        return None
    last = events[-1]
    assert isinstance(last, ChatDelta) and last.prompt_tokens is not None
    return last.prompt_tokens


@pytest.mark.parametrize("num_ctx", [1024, 2048])
@pytest.mark.parametrize("form", ["one message", "rules and question", "rules, turns and question"])
def test_every_cut_prompt_is_refused_or_noticed_and_no_whole_one_is(
    ollama_engine: OllamaEngine, form: str, num_ctx: int
) -> None:
    whole_prompts = cut_prompts = 0
    for share in (0.4, 0.8, 0.97, 1.03, 1.15, 1.6):
        messages = _messages(form, 0)
        base = _read(ollama_engine, messages, 4096)
        assert base is not None
        messages = _messages(form, max(1, int((share * num_ctx - base) / 7)))
        whole = _read(ollama_engine, messages, 4096)
        read = _read(ollama_engine, messages, num_ctx)
        texts = [message.content for message in messages]
        planned = sum(
            ollama_engine.count_tokens(CHAT_MODEL, texts)[1:],
            ollama_engine.count_tokens(CHAT_MODEL, texts)[0],
        )
        noticed = read is None or budget.problem(planned, read, num_ctx) is not None
        assert whole is not None
        if whole > num_ctx:
            cut_prompts += 1
            assert noticed, f"{whole} tokens cut to {read} in a window of {num_ctx}"
        elif whole < num_ctx:
            whole_prompts += 1
            assert not noticed, f"{whole} tokens, read {read}, in a window of {num_ctx}"
            assert read == whole
    assert cut_prompts >= 2 and whole_prompts >= 2
