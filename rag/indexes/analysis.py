"""Text to the words that the keyword index holds: the same rules for documents and questions.

tantivy's own tokenizers know neither Chinese nor Thai and break Hindi at its vowel signs, so text
is cut into words here and handed to tantivy with spaces between; its stemmers do the endings.
Scripts written without spaces become overlapping pieces: two letters of Chinese and Japanese, three
of Thai and its kin. Knows no index.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from pathlib import PurePath
from typing import Any

import tantivy

from rag.language import ENGLISH, detect
from rag.text import fold

LONGEST_WORD = 60
STEMMERS = {
    "ar": "arabic", "da": "danish", "de": "german", "el": "greek", "en": "english", "es": "spanish",
    "fi": "finnish", "fr": "french", "hu": "hungarian", "it": "italian", "nl": "dutch",
    "no": "norwegian", "pt": "portuguese", "ro": "romanian", "ru": "russian", "sv": "swedish",
    "ta": "tamil", "tr": "turkish",
}  # fmt: skip
UNSTEMMED = "xx"
"""Stands for every language without a stemmer: their words are indexed as they are."""

_SIGNS = "".join(  # vowel signs and accents: parts of a word that are no letters
    c for c in map(chr, range(0x300, 0x1B00)) if unicodedata.category(c).startswith("M")
)
_WORD = re.compile(f"[^\\W_](?:[^\\W_]|[{_SIGNS}])*")
_UNSPACED = re.compile(
    "([\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+)"  # kana, Han
    "|([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]+)"  # Thai, Lao, Burmese, Khmer
)
_PARTS = re.compile(r"\d+|\D+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def language_of(text: str) -> str:
    """The language whose stemmer a text of a document gets; English where nothing tells."""
    return stemmer_of(detect(text) or ENGLISH)


def stemmer_of(language: str) -> str:
    """The language whose stemmer serves a language: its own, or none."""
    return language if language in STEMMERS else UNSTEMMED


def stems(text: str, language: str) -> list[str]:
    """The words of a text in order, each without its ending."""
    return stem_all(words(text), language)


def stem_all(found: Sequence[str], language: str) -> list[str]:
    """Words without their endings, one for one."""
    if language not in STEMMERS or not found:
        return list(found)
    stemmed: list[str] = _stemmer(language).analyze(" ".join(found))
    return stemmed


def words(text: str) -> list[str]:
    """The words of a text as they are compared, scripts without spaces in pieces."""
    folded = fold(text)
    found: list[str] = _WORD.findall(folded)
    if _UNSPACED.search(folded):
        found = [piece for word in found for piece in _pieces(word)]
    return [word for word in found if len(word) <= LONGEST_WORD]


def name_words(text: str) -> list[str]:
    """The words of a text as those of a name: letters and figures apart, FY2017 is fy and 2017."""
    folded = fold(_CAMEL.sub(" ", text))
    return [part for word in _WORD.findall(folded) for part in _PARTS.findall(word)]


@lru_cache(1024)  # the chunks of a document have the same
def file_words(name: str) -> tuple[str, ...]:
    """The words of a file's name without its ending: AMAZON_2017_10K.pdf is amazon 2017 10 k."""
    return tuple(name_words(PurePath(name).stem))


def _pieces(word: str) -> Iterator[str]:
    position = 0
    for run in _UNSPACED.finditer(word):
        if run.start() > position:
            yield word[position : run.start()]
        size = 2 if run.group(1) else 3
        letters = run.group()
        for i in range(max(1, len(letters) - size + 1)):
            yield letters[i : i + size]
        position = run.end()
    if position < len(word):
        yield word[position:]


@cache
def _stemmer(language: str) -> Any:
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace())
    return builder.filter(tantivy.Filter.stemmer(STEMMERS[language])).build()
