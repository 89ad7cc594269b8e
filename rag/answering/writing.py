"""A draft written by a chat model, within its window."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cache
from typing import Protocol

from rag.answering import budget, followup, prompts
from rag.errors import EngineError, QuestionTooLong
from rag.types import (
    ChatDelta,
    ChatEvent,
    ChatOptions,
    Engine,
    Message,
    Passage,
    TokenCount,
    Turn,
    Waiting,
)

HISTORY = 2  # earlier turns that go into a prompt
LINE = 80  # tokens of a question that a model words
LINE_SECONDS = 30.0
_USUAL_WINDOW = 4096  # tokens; what most answers take


@dataclass(frozen=True, slots=True)
class Question:
    """A question as asked, as searched for (made to stand alone), and the turns before it.

    `seconds`: what making it stand alone took.
    """

    text: str
    asked: str
    history: tuple[Turn, ...] = ()
    seconds: float = 0.0


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
    def standalone(
        self, question: str, history: Sequence[Turn]
    ) -> Generator[Waiting, None, str]: ...
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

    def standalone(self, question: str, history: Sequence[Turn]) -> Generator[Waiting, None, str]:
        """A follow-up in words that stand alone; by rule where the model fails or strays.

        A question that leans on nothing is left as it is, and the model is not asked.
        """
        by_rule = followup.standalone(question, history)
        if by_rule == question:
            return question
        asked = prompts.standalone_messages(question, history[-followup.TURNS :])
        try:
            written = yield from self.line(asked)
        except EngineError:  # if it lasts, the answer says so
            return by_rule
        return followup.accepted(written, question, history) or by_rule

    def line(self, messages: Sequence[Message]) -> Generator[Waiting, None, str]:
        """A line of text by the model, for prompts of our own. Always the same for the same prompt.

        Empty where it takes too long, is cut off, or the prompt was not read as a whole.
        """
        count = self._engine.count_prompt(self._name, messages)
        loaded = self._engine.loaded_window(self._name)
        # the answer that follows should find the model loaded with a window for itself
        tokens = max(count.high + LINE, 0 if loaded else _USUAL_WINDOW)
        num_ctx = budget.window(tokens, self._most, loaded)
        options = replace(
            self._options, num_ctx=num_ctx, num_predict=LINE, temperature=0.0, think=False
        )
        text, last = "", ChatDelta("")
        # loading takes its time, which the answer would have to wait for as well
        limit = time.monotonic() + LINE_SECONDS if loaded else None
        with closing(self._engine.chat(self._name, messages, options)) as events:  # type: ignore[type-var]
            for event in events:
                if isinstance(event, Waiting):
                    yield event
                else:
                    limit = limit or time.monotonic() + LINE_SECONDS
                    last = event
                    text += event.text
                if limit is not None and time.monotonic() > limit:
                    return ""
        cut = last.stopped_by_length or budget.problem(count, last.prompt_tokens, num_ctx)
        return "" if cut else text.strip()

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
