"""The task prefixes that embedding models were trained with, by model family.

A model that expects prefixes and gets none ranks worse without any error, which is why they are
part of the library's embedding identity. Sources: the model cards of the families named.
"""

from __future__ import annotations

from typing import NamedTuple


class Prefixes(NamedTuple):
    """What goes before a text to be found and before a question."""

    document: str = ""
    query: str = ""


_REPRESENT = "Represent this sentence for searching relevant passages: "
_SEARCH = "Given a web search query, retrieve relevant passages that answer the query"

# The first entry whose name begins the model's name applies.
_FAMILIES: tuple[tuple[str, Prefixes], ...] = (
    ("nomic-embed-text", Prefixes("search_document: ", "search_query: ")),
    ("mxbai-embed", Prefixes("", _REPRESENT)),
    ("snowflake-arctic-embed2", Prefixes("", "query: ")),
    ("snowflake-arctic-embed", Prefixes("", _REPRESENT)),
    ("bge-m3", Prefixes()),
    ("bge-", Prefixes("", _REPRESENT)),
    ("multilingual-e5", Prefixes("passage: ", "query: ")),
    ("e5-", Prefixes("passage: ", "query: ")),
    ("qwen3-embedding", Prefixes("", f"Instruct: {_SEARCH}\nQuery: ")),
    ("embeddinggemma", Prefixes("title: none | text: ", "task: search result | query: ")),
)


def prefixes_of(model: str) -> Prefixes:
    """The prefixes of a model by its name, with or without namespace and tag."""
    name = model.rsplit("/", 1)[-1].split(":")[0].lower()
    for family, prefixes in _FAMILIES:
        if name.startswith(family):
            return prefixes
    return Prefixes()
