"""A draft written by a chat model, within its window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from rag.answering import budget, prompts
from rag.errors import QuestionTooLong
from rag.types import ChatEvent, ChatOptions, Engine, Passage, TokenCount, Turn

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
        self.model: str | None = model
        self.digest: str | None = info.digest
        self._engine = engine
        self._name = model
        self._most = min(options.num_ctx, info.context_length or options.num_ctx)
        self._options = options

    def draft(self, question: Question, passages: Sequence[Passage]) -> Draft:
        """Raises `QuestionTooLong` where not even one passage fits beside the question."""
        turns = question.history[-HISTORY:]
        fixed, *each = self._count(question.text, passages, turns)
        plan = budget.plan(fixed, each, self._most, self._options.num_predict)
        if plan is None:
            raise QuestionTooLong(
                question.text[:60],
                f"The question and one passage do not fit the model's window of "
                f"{self._most} tokens.",
                "Ask more briefly, or raise num_ctx.",
            )
        used = tuple(passages[: plan.used])
        needed = plan.prompt.high + self._options.num_predict
        num_ctx = budget.window(needed, self._most, self._engine.loaded_window(self._name))
        options = replace(self._options, num_ctx=num_ctx)
        messages = prompts.messages(question.text, used, turns)
        return Draft(
            passages=used,
            left_out=plan.left_out,
            left_out_reason=plan.reason,
            prompt=plan.prompt,
            num_ctx=num_ctx,
            num_predict=options.num_predict,
            deltas=self._engine.chat(self._name, messages, options),
        )

    def _count(
        self, question: str, passages: Sequence[Passage], turns: Sequence[Turn]
    ) -> list[TokenCount]:
        """Tokens of everything but the passages, then of each passage."""
        frame = "\n".join(m.content for m in prompts.messages(question, (), turns))
        blocks = [prompts.passage_block(passage) for passage in passages]
        first, *rest = self._engine.count_tokens(self._name, [frame, *blocks])
        return [first + self._engine.prompt_overhead(self._name), *rest]
