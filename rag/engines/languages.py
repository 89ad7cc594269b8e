"""Which languages an embedding model was made for, by model family.

A model made for English puts texts of other languages anywhere: search then goes by words. Sources:
the model cards of the families named.
"""

from __future__ import annotations

_ENGLISH = frozenset({"en"})

# The first entry whose name begins the model's name applies; None: many languages.
_FAMILIES: tuple[tuple[str, frozenset[str] | None], ...] = (
    ("all-minilm", _ENGLISH),
    ("nomic-embed-text-v2", None),
    ("nomic-embed-text", _ENGLISH),
    ("mxbai-embed", _ENGLISH),
    ("snowflake-arctic-embed2", None),
    ("snowflake-arctic-embed", _ENGLISH),
    ("bge-m3", None),
    ("bge-", _ENGLISH),
    ("e5-", _ENGLISH),
)


def serves(model: str, language: str | None) -> bool:
    """Whether a model was made for a language. One that is not known here is taken at its word."""
    name = model.rsplit("/", 1)[-1].split(":")[0].lower()
    for family, languages in _FAMILIES:
        if name.startswith(family):
            return languages is None or language is None or language in languages
    return True
