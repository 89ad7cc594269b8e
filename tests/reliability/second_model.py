"""A second embedding model for the embedded engine, so that libraries can be embedded anew.

The same weights under another name and digest, every vector turned round: a question embedded by
one of the two finds the opposite of what it should among the vectors of the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rag.engines.embedded import MODEL, EmbeddedEngine
from rag.types import EmbeddingIdentity, Task, Vectors

NAME = "second-model"


def install() -> None:
    identity, embed = EmbeddedEngine.identity, EmbeddedEngine.embed

    def identity_of(self: EmbeddedEngine, model: str) -> EmbeddingIdentity:
        if model != NAME:
            return identity(self, model)
        return replace(identity(self, MODEL), model=NAME, digest=NAME)

    def embed_with(self: EmbeddedEngine, model: str, texts: Sequence[str], task: Task) -> Vectors:
        if model != NAME:
            return embed(self, model, texts, task)
        return -embed(self, MODEL, texts, task)

    EmbeddedEngine.identity, EmbeddedEngine.embed = identity_of, embed_with  # type: ignore[method-assign]
