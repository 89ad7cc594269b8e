"""What part of the library a question is asked of: its scope, and its phrases in quotation marks."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Set
from dataclasses import dataclass

from rag.catalog import chunks, documents
from rag.retrieval.lexical import Words
from rag.types import EVERYTHING, Scope

MOST_WITH_PHRASE = 20_000  # chunks; a phrase that more have tells nothing apart
_PHRASE = re.compile(r'"([^"\n]{2,200})"|[“„]([^“”„\n]{2,200})[“”]|«([^»\n]{2,200})»')


@dataclass(frozen=True, slots=True)
class Limits:
    """The chunks that may be found (None: all), and in words what limits them."""

    allowed: Set[int] | None
    said: tuple[str, ...] = ()


def limits(db: sqlite3.Connection, words: Words, query: str, scope: Scope) -> Limits:
    """What a scope and the phrases of a query leave.

    A phrase that nothing in the scope has limits nothing: the question is still a question.
    """
    allowed = _of_scope(db, scope)
    said = [] if allowed is None else [f"{_named(scope)}: {len(allowed):,} chunks"]
    for phrase in phrases(query):
        having = words.with_phrase(phrase, MOST_WITH_PHRASE)
        left = having if allowed is None else having & allowed
        if left and len(having) < MOST_WITH_PHRASE:
            allowed = left
            said.append(f"only passages with “{phrase}”, word for word: {len(left):,} chunks")
        elif not left:
            said.append(f"no passage has “{phrase}” word for word: searched without")
    return Limits(allowed, tuple(said))


def phrases(query: str) -> list[str]:
    """What stands in quotation marks in a query."""
    return [next(filter(None, match.groups())) for match in _PHRASE.finditer(query)]


def _of_scope(db: sqlite3.Connection, scope: Scope) -> Set[int] | None:
    if scope == EVERYTHING:
        return None
    members = set(scope.documents)
    for collection in scope.collections:
        members.update(d.id for d in documents.all_documents(db, collection))
    return chunks.ids_of_documents(db, members)


def _named(scope: Scope) -> str:
    parts = [f"collection {name}" for name in scope.collections]
    if scope.documents:
        parts.append(
            "1 document" if len(scope.documents) == 1 else f"{len(scope.documents)} documents"
        )
    return "only " + ", ".join(parts)
