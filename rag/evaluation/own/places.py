"""Chunks to make questions of: spread over the documents, the same for the same seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from rag.assistant import Assistant
from rag.evaluation.own.questions import OwnQuestion, name
from rag.text import content_words
from rag.types import Document, StoredChunk

_LEAST_WORDS = 25  # of a chunk worth a question
_READ_FOR_WORDS = 200  # documents whose words are counted


def place_of(chunk: StoredChunk) -> str:
    """The id of the question that is made of a chunk."""
    return name(chunk.path, chunk.unit, chunk.start)


def places(assistant: Assistant, seed: int, known: Sequence[OwnQuestion]) -> Iterator[StoredChunk]:
    """Chunks that have no question yet, in rounds of one a document; a text only once.

    The documents with the fewest questions come first.
    """
    asked = Counter(question.path for question in known)
    ids = {question.id for question in known}
    order = sorted(_documents(assistant, seed), key=lambda d: asked[d.path])
    seen: set[str] = set()
    waiting = [_of_document(assistant, document, seed) for document in order]
    while waiting:
        left = []
        for chunks in waiting:
            for chunk in chunks:
                text = " ".join(chunk.text.split())
                if place_of(chunk) not in ids and text not in seen:
                    seen.add(text)
                    left.append(chunks)
                    yield chunk
                    break
        waiting = left


def word_uses(assistant: Assistant, seed: int) -> Counter[str]:
    """In how many chunks each word is, by its stem; counted in as many documents as is quick."""
    uses: Counter[str] = Counter()
    for document in _documents(assistant, seed)[:_READ_FOR_WORDS]:
        for chunk in assistant.chunks_of(document.id):
            uses.update(set(content_words(chunk.text)))
    return uses


def _documents(assistant: Assistant, seed: int) -> list[Document]:
    found = [document for document in assistant.documents() if document.searchable]
    return sorted(found, key=lambda document: name(seed, document.sha256))


def _of_document(assistant: Assistant, document: Document, seed: int) -> Iterator[StoredChunk]:
    chunks = [c for c in assistant.chunks_of(document.id) if len(c.text.split()) >= _LEAST_WORDS]
    yield from sorted(chunks, key=lambda chunk: name(seed, chunk.text))
