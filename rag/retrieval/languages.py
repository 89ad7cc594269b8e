"""What the languages of a question and of the documents mean for a search. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from rag.engines.languages import serves
from rag.indexes.analysis import UNSTEMMED, stemmer_of
from rag.language import NAMES, detect

_FEW = 0.02  # of the chunks: less in a language is as good as nothing in it
_ADVICE = "An embedding model for many languages, such as bge-m3, finds by meaning."


def asked_in(query: str, documents: Mapping[str, int]) -> str | None:
    """The language of a question; where it does not tell, the one of most documents."""
    found = detect(query)
    if found is None and documents:
        most = max(documents, key=documents.__getitem__)
        found = None if most == UNSTEMMED else most
    return found


def notice(query: str, documents: Mapping[str, int], model: str | None) -> str | None:
    """What a user should know: a language that nothing is in, or that the model does not serve.

    `documents`: the number of chunks by stemmer.
    """
    asked = detect(query)
    if asked is None or not documents:
        return None
    name = NAMES[asked]
    served = model is None or serves(model, asked)
    if documents.get(stemmer_of(asked), 0) < _FEW * sum(documents.values()):
        main = max(documents, key=documents.__getitem__)
        others = (
            f"most documents are in {NAMES[main]}" if main in NAMES else "the documents are not"
        )
        told = f"The question is in {name}, {others}: words of one are not found in the other."
        return told if served and model and serves(model, main) else f"{told} {_ADVICE}"
    if not served:
        return f"{model} was not made for {name}: the search went by words. {_ADVICE}"
    return None
