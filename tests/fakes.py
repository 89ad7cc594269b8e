"""The one fake of the suite: an engine that embeds by hashing words and chats from a script.

Everything else in the tests is the real thing.
"""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rag.errors import VouchError
from rag.text import stem, words
from rag.types import (
    ChatDelta,
    ChatOptions,
    EmbeddingIdentity,
    EngineHealth,
    Message,
    ModelInfo,
    Task,
    TokenCount,
    Vectors,
)

MODEL = "words"
DIMS = 64
ALL = -1


@dataclass(frozen=True, slots=True)
class Sent:
    """What a chat was asked with."""

    model: str
    messages: tuple[Message, ...]
    options: ChatOptions

    @property
    def prompt(self) -> str:
        return "\n".join(message.content for message in self.messages)


class ScriptedEngine:
    """Embeds a text as its hashed words, so that texts sharing words are near. Replays chats.

    `down`: raised by every call to `embed`. `refused`: raised where a text contains the key.
    """

    name = "scripted"

    def __init__(
        self, digest: str = "d1", context_length: int | None = 8192, dims: int = DIMS
    ) -> None:
        self.digest = digest
        self.dims = dims
        self.context_length = context_length
        self.down: VouchError | None = None
        self.refused: dict[str, VouchError] = {}
        self.embedded: list[str] = []
        self.tasks: list[Task] = []
        self.sent: list[Sent] = []
        self.streams_ended = 0
        self._script: deque[list[ChatDelta | Exception]] = deque()

    def say(self, *pieces: str | Exception, prompt_tokens: int | None = ALL) -> None:
        """Queue an answer: its pieces, each a delta; an exception is raised where it stands.

        `prompt_tokens`: what the model says it read; without it, the whole prompt.
        """
        script: list[ChatDelta | Exception] = [
            piece if isinstance(piece, Exception) else ChatDelta(piece) for piece in pieces
        ]
        self._script.append([*script, ChatDelta("", done=True, prompt_tokens=prompt_tokens)])

    def health(self) -> EngineHealth:
        return EngineHealth(self.down is None)

    def models(self) -> tuple[ModelInfo, ...]:
        return (self.model_info(MODEL),)

    def model_info(self, model: str) -> ModelInfo:
        return ModelInfo(model, self.digest, self.context_length, self.dims)

    def identity(self, model: str) -> EmbeddingIdentity:
        return EmbeddingIdentity(self.name, model, self.digest, self.dims)

    def embed(self, model: str, texts: Sequence[str], task: Task) -> Vectors:
        if self.down is not None:
            raise self.down
        for part, error in self.refused.items():
            if any(part in text for text in texts):
                raise error
        self.tasks += [task] * len(texts)
        if task == "document":
            self.embedded += texts
        return np.stack([vector(text, self.dims) for text in texts])

    def count_tokens(self, model: str, texts: Sequence[str]) -> list[TokenCount]:
        return [TokenCount(n, n) for n in (len(text.split()) for text in texts)]

    def count_prompt(self, model: str, messages: Sequence[Message]) -> TokenCount:
        return self.count_tokens(model, ["\n".join(message.content for message in messages)])[0]

    def loaded_window(self, model: str) -> int | None:
        return self.sent[-1].options.num_ctx if self.sent else None

    def chat(
        self, model: str, messages: Sequence[Message], options: ChatOptions
    ) -> Iterator[ChatDelta]:
        sent = Sent(model, tuple(messages), options)
        self.sent.append(sent)
        read = len(sent.prompt.split())
        try:
            for piece in self._script.popleft():
                if isinstance(piece, Exception):
                    raise piece
                yield replace(piece, prompt_tokens=read) if piece.prompt_tokens == ALL else piece
        finally:
            self.streams_ended += 1


def vector(text: str, dims: int = DIMS) -> Vectors:
    """A text as a unit vector [dims]: each word adds or takes away at a place of its own."""
    row = np.zeros(dims, np.float32)
    for word in words(text):
        code = zlib.crc32(stem(word).encode())
        row[code % dims] += 1.0 if code & 0x10000 else -1.0
    length = float(np.linalg.norm(row))
    if length == 0.0:
        row[0] = length = 1.0
    return row / length
