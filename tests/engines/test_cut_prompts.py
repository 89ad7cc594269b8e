"""No answer from half a prompt: sizes below, at and above two windows, on a real server.

The pre-check is passed by on purpose: what is proven is that the counts of the receipt notice it.
"""

from __future__ import annotations

from contextlib import closing

import pytest

from rag.answering import budget
from rag.engines.ollama.engine import OllamaEngine
from rag.errors import InputTooLong
from rag.types import ChatDelta, ChatOptions, Message, TokenCount
from tests.engines.ollama_server import CHAT_MODEL, OllamaServer

pytestmark = pytest.mark.ollama

MODEL = "plain-chat"
TEMPLATE = "{{ range .Messages }}{{ .Role }}: {{ .Content }}\n{{ end }}assistant:"
RULES = Message("system", "Answer from the passages only, with the number of each passage. " * 4)
EARLIER = (
    Message("user", "When does the ferry to the northern islands leave in the morning? " * 2),
    Message("assistant", "It leaves at half past six from the western pier. " * 2),
)
FORMS = {"question": (), "rules": (RULES,), "rules and turns": (RULES, *EARLIER)}
SENTENCE, SENTENCE_TOKENS = "The harbour office opens at nine. ", 7
WINDOWS = {512: tuple(FORMS), 768: ("rules",)}  # below 512 the server's runner crashes
SHARES = (0.85, 1.05, 1.2)
WIDE = 1024


def prompts(form: str, window: int) -> list[tuple[Message, ...]]:
    """Prompts about as long as each share of a window."""
    before = FORMS[form]
    own = sum(len(message.content) for message in before) // 5 + 10
    return [
        (*before, Message("user", SENTENCE * max(1, int(share * window - own) // SENTENCE_TOKENS)))
        for share in SHARES
    ]


def read(engine: OllamaEngine, messages: tuple[Message, ...], num_ctx: int) -> int | None:
    """What the server says it read; None where it refused."""
    try:
        events = list(engine.chat(MODEL, messages, ChatOptions(num_ctx, 1)))
    except InputTooLong:
        return None
    last = events[-1]
    assert isinstance(last, ChatDelta) and last.prompt_tokens is not None
    return last.prompt_tokens


def planned(engine: OllamaEngine, messages: tuple[Message, ...]) -> TokenCount:
    return engine.count_prompt(MODEL, messages)


def test_every_cut_prompt_is_refused_or_noticed_and_no_whole_one_is(
    ollama_engine: OllamaEngine, ollama_models: OllamaServer
) -> None:
    with closing(ollama_models.client()) as client:
        client.create(MODEL, from_=CHAT_MODEL, template=TEMPLATE, stream=False)
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
    assert cut >= 6 and kept >= 3, "sizes lie on both sides of each window"
