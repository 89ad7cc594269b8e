"""A draft written by a chat model, within its window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Protocol

from rag.answering import budget, prompts
from rag.errors import QuestionTooLong
from rag.types import ChatEvent, ChatOptions, Engine, Message, Passage, TokenCount, Turn

HISTORY = 2  # earlier turns that go into a prompt


@dataclass(frozen=True, slots=True)
class Question:
    """A question as asked, as searched for (made to stand alone), and the turns before it."""

    text: str
    asked: str
    history: tuple[Turn, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft about to be streamed, and its plan. None: no model reads a prompt."""

    passages: tuple[Passage, ...]
    left_out: int
    left_out_reason: str | None
    prompt: TokenCount | None
    num_ctx: int | None
    num_predict: int | None
    deltas: Iterator[ChatEvent]


class Writer(Protocol):
    """What drafts answers. `engine`, `model` and `digest` go into the receipt."""

    @property
    def engine(self) -> str: ...
    @property
    def model(self) -> str | None: ...
    @property
    def digest(self) -> str | None: ...
    def draft(self, question: Question, passages: Sequence[Passage]) -> Draft: ...


class ModelWriter:
    """Writes with a chat model. `options.num_ctx` is the largest window that may be asked for."""

    def __init__(self, engine: Engine, model: str, options: ChatOptions) -> None:
        info = engine.model_info(model)
        self.engine = engine.name
        self.model: str | None = info.name
        self.digest: str | None = info.digest
        self._engine = engine
        self._name = model
        self._most = min(options.num_ctx, info.context_length or options.num_ctx)
        self._options = options

    def draft(self, question: Question, passages: Sequence[Passage]) -> Draft:
        """Raises `QuestionTooLong` where not even one passage fits beside the question."""
        turns = question.history[-HISTORY:]

        @cache  # a prompt is counted as it is sent: each has a fence of its own
        def messages(used: int) -> tuple[Message, ...]:
            return prompts.messages(question.text, passages[:used], turns)

        @cache
        def count(used: int) -> TokenCount:
            return self._engine.count_prompt(self._name, messages(used))

        plan = budget.plan(count, len(passages), self._most, self._options.num_predict)
        if plan is None:
            raise QuestionTooLong(
                question.text[:60],
                f"The question and one passage do not fit the model's window of "
                f"{self._most} tokens.",
                "Ask more briefly, or raise num_ctx.",
            )
        needed = plan.prompt.high + self._options.num_predict
        num_ctx = budget.window(needed, self._most, self._engine.loaded_window(self._name))
        options = replace(self._options, num_ctx=num_ctx)
        return Draft(
            passages=tuple(passages[: plan.used]),
            left_out=plan.left_out,
            left_out_reason=plan.reason,
            prompt=plan.prompt,
            num_ctx=num_ctx,
            num_predict=options.num_predict,
            deltas=self._engine.chat(self._name, messages(plan.used), options),
        )
