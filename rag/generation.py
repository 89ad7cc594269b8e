"""Texts written by a model of Ollama, without documents: one prompt, or many at once.

Nothing of it is checked against documents, but no prompt is cut in silence here either: the window
is chosen from the count of tokens, and what the model says it read is compared with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from rag.answering import budget
from rag.config import Settings
from rag.engine_choice import chat_options, ollama_engine, require_room
from rag.errors import InputTooLong, VouchError
from rag.types import ChatDelta, ChatEvent, Prompt, Reply, TokenCount, Waiting

OPTIONS = ("temperature", "num_predict", "seed", "stop", "top_p", "top_k")
"""What a single prompt may ask for otherwise than the settings."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of one of many prompts, by its place among them (from 0)."""

    place: int
    reply: Reply | None = None
    error: VouchError | None = None


class Generator:
    """The chat model of the settings, asked directly, in `options`: those of the settings with
    what is `asked` for otherwise. Their `num_ctx` is the largest window.

    Raises `ModelMissing`, `EngineUnreachable`, `NotEnoughMemory` and their like where it cannot be
    asked.
    """

    def __init__(self, settings: Settings, **asked: Any) -> None:
        self.model = settings.chat_model
        self.options = replace(chat_options(settings), **asked)
        self._engine = ollama_engine(settings)
        require_room(self._engine, settings)

    def digest(self) -> str:
        """The model's digest as of now."""
        return self._engine.model_info(self.model).digest

    def write(self, prompt: Prompt) -> Iterator[ChatEvent]:
        """Stream one text. Raises `InputTooLong` where the prompt does not fit, or did not."""
        count, problem = self._counts([prompt])[0]
        if problem is not None:
            raise problem
        window = self._window(count.high + prompt.options.num_predict)
        sent = _with_window(prompt, window)
        with closing(self._engine.generate(self.model, sent)) as events:  # type: ignore[type-var]
            for event in events:
                if isinstance(event, ChatDelta) and event.done:
                    self._require_read(count, event, window)
                yield event

    def write_all(self, prompts: Sequence[Prompt]) -> Iterator[Ended | Waiting]:
        """Write a text for each prompt, several at once; in the order in which they end.

        A prompt that fails is an `Ended` with its error; all share one window.
        """
        counts = self._counts(prompts)
        fitting = [i for i, (_, problem) in enumerate(counts) if problem is None]
        for i, (_, problem) in enumerate(counts):
            if problem is not None:
                yield Ended(i, error=problem)
        window = self._window(
            max((counts[i][0].high + prompts[i].options.num_predict for i in fitting), default=0)
        )
        sent: Iterable[Prompt] = (_with_window(prompts[i], window) for i in fitting)
        with closing(self._engine.generate_many(self.model, sent)) as events:  # type: ignore[type-var]
            for event in events:
                if isinstance(event, Waiting):
                    yield event
                    continue
                place, result = fitting[event[0]], event[1]
                yield self._ended(place, result, counts[place][0], window)

    def close(self) -> None:
        self._engine.close()

    def _ended(
        self, place: int, result: Reply | VouchError, count: TokenCount, window: int
    ) -> Ended:
        if isinstance(result, VouchError):
            return Ended(place, error=result)
        try:
            self._require_read(count, result.last, window)
        except InputTooLong as error:
            return Ended(place, error=error)
        return Ended(place, reply=result)

    def _counts(self, prompts: Sequence[Prompt]) -> list[tuple[TokenCount, InputTooLong | None]]:
        """Each prompt's tokens with the template around it, and why it can't be sent, if so."""
        most = self._most()
        template = self._engine.count_prompt(self.model, [])
        texts = [f"{prompt.system or ''}\n{prompt.text}" for prompt in prompts]
        counts = [count + template for count in self._engine.count_tokens(self.model, texts)]
        return [
            (
                count,
                self._too_long(count, most) if count.high + p.options.num_predict > most else None,
            )
            for count, p in zip(counts, prompts, strict=True)
        ]

    def _most(self) -> int:
        own = self._engine.model_info(self.model).context_length
        return min(self.options.num_ctx, own or self.options.num_ctx)

    def _window(self, tokens: int) -> int:
        return budget.window(tokens, self._most(), self._engine.loaded_window(self.model))

    def _too_long(self, count: TokenCount, most: int) -> InputTooLong:
        return InputTooLong(
            self.model,
            f"A prompt of up to {count.high:,} tokens and its answer do not fit the window of "
            f"{most:,} tokens.",
            "Shorten it, raise num_ctx, or lower num_predict.",
        )

    def _require_read(self, count: TokenCount, last: ChatDelta, window: int) -> None:
        problem = budget.problem(count, last.prompt_tokens, window)
        if problem is not None:
            raise InputTooLong(
                self.model, f"The text was withheld: {problem}.", "Raise num_ctx and try again."
            )


def _with_window(prompt: Prompt, num_ctx: int) -> Prompt:
    return replace(prompt, options=replace(prompt.options, num_ctx=num_ctx))
