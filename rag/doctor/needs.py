"""How many tokens the settings ask of a chat model. Pure, and on the safe side.

A prompt is counted as the model would at worst: by the highest ratio of its tokens to ours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from rag.answering import prompts
from rag.chunking import MAX_TOKENS
from rag.engines import wordpiece
from rag.engines.ollama.token_ratios import HIGHEST
from rag.types import Passage

_QUESTION = "What does the contract say about the time of delivery, and who has to pay for delays?"
_PASSAGE = Passage(
    number=1, document_id="", path="", name="some-contract-of-2024.pdf", sha256="", stale=False,
    page=1, unit="page", label="page 12", start=0, end=0, headings=(), text="", score=0.0,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Need:
    """Tokens: of rules and question, of each passage, of the answer."""

    fixed: int
    passage: int
    answer: int
    passages: int

    @property
    def prompt(self) -> int:
        return self.fixed + self.passages * self.passage

    @property
    def total(self) -> int:
        return self.prompt + self.answer

    def passages_in(self, window: int) -> int:
        """How many passages fit a window, at least one."""
        return max(1, (window - self.fixed - self.answer) // self.passage)


def need(passages: int, num_predict: int, overhead: int) -> Need:
    """What so many passages of the usual size ask for. `overhead`: of the model's own template."""
    frame = "\n".join(message.content for message in prompts.messages(_QUESTION, ()))
    passage = wordpiece.count(prompts.passage_block(_PASSAGE)) + MAX_TOKENS
    return Need(
        fixed=math.ceil(wordpiece.count(frame) * HIGHEST) + overhead,
        passage=math.ceil(passage * HIGHEST),
        answer=num_predict,
        passages=passages,
    )
