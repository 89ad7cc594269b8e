"""What part of the library a question is asked of: its scope, and its phrases in quotation marks."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass

from rag.catalog import chunks
from rag.indexes.keyword import context
from rag.retrieval.allowed import Allowed, Scopes
from rag.retrieval.lexical import Words
from rag.text import content_words, fold
from rag.types import Scope

MOST_WITH_PHRASE = 2000  # chunks; a phrase that more have tells little apart
_PHRASE = re.compile(
    r'"(?=\S)([^"\n]{2,200})(?<=\S)"|[“„]([^“”„\n]{2,200})[“”]|«\s?([^»\n]{2,200}?)\s?»'
)


@dataclass(frozen=True, slots=True)
class Limits:
    """The chunks that may be found (None: all), those that have the query's phrases, and in words
    what that means."""

    allowed: Allowed | None
    phrased: Allowed | None = None
    said: tuple[str, ...] = ()


def limits(
    db: sqlite3.Connection, words: Words, query: str, scope: Scope, scopes: Scopes
) -> Limits:
    """What a scope and the phrases of a query leave.

    A query of phrases alone finds only what has them; in a question they put first what has them,
    since what answers may call it otherwise. A phrase that nothing in the scope has does nothing.
    """
    allowed = scopes.allowed(db, scope)
    said = [] if allowed is None else [f"{_named(scope)}: {_count(allowed)}"]
    alone = not content_words(_PHRASE.sub(" ", query))
    phrased: set[int] = set()
    for phrase in phrases(query):
        stemmed = words.with_phrase(phrase, MOST_WITH_PHRASE)
        if len(stemmed) == MOST_WITH_PHRASE:
            continue
        have = _exactly(db, Allowed.of(stemmed) if allowed is None else allowed & stemmed, phrase)
        if not len(have):
            said.append(f"no passage has “{phrase}” word for word: searched without")
        elif alone:
            allowed = have
            said.append(f"only passages with “{phrase}”, word for word: {_count(have)}")
        else:
            phrased.update(have.ids.tolist())
            said.append(f"raised for “{phrase}”, word for word: {_count(have)}")
    return Limits(allowed, Allowed.of(phrased) if phrased else None, tuple(said))


def _exactly(db: sqlite3.Connection, chunk_ids: Allowed, phrase: str) -> Allowed:
    """The chunks that have the phrase as it is written: the index knows words by their stems."""
    wanted = re.compile(rf"(?<!\w){re.escape(_flat(phrase))}(?!\w)")
    stored = chunks.by_ids(db, chunk_ids.ids.tolist())
    return Allowed.of(i for i, chunk in stored.items() if wanted.search(_flat(context(chunk))))


def _count(chunk_ids: Allowed) -> str:
    return "1 chunk" if len(chunk_ids) == 1 else f"{len(chunk_ids):,} chunks"


def _flat(text: str) -> str:
    return " ".join(fold(text).split())


def phrases(query: str) -> list[str]:
    """What stands in quotation marks in a query."""
    return [next(filter(None, match.groups())) for match in _PHRASE.finditer(query)]


def _named(scope: Scope) -> str:
    parts = [f"collection {name}" for name in scope.collections]
    if scope.documents:
        parts.append(
            "1 document" if len(scope.documents) == 1 else f"{len(scope.documents)} documents"
        )
    return "only " + ", ".join(parts)
