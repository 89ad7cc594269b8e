"""The committed WordPiece tokenizer (30,522 tokens, lower case): all-MiniLM-L6-v2's own.

nomic-embed-text, bge, e5 and mxbai share its vocabulary, so one count serves them all. Its file
lies in the package: nothing is looked up anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache

from tokenizers import Encoding, Tokenizer

from rag.paths import PACKAGE

SPECIAL_TOKENS = 2  # [CLS] and [SEP] around every text
_KEPT = 64  # characters of a word whose count is kept
_FILE = PACKAGE / "assets" / "wordpiece.json"


@cache
def _tokenizer() -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(_FILE))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def count(text: str) -> int:
    """Tokens of one text, without the special ones: those of its words, whatever their order.

    No token reaches over a space, and a word that was counted before costs a tenth. What has hardly
    any spaces, such as Chinese, is counted whole: it would be kept whole.
    """
    words = text.replace("\n", " ").split(" ")
    return sum(map(_in_word, words)) if max(map(len, words)) < _KEPT else count_all([text])[0]


def count_all(texts: Sequence[str]) -> list[int]:
    """Tokens of each text, without the special ones."""
    return list(map(len, _tokenizer().encode_batch_fast(list(texts), add_special_tokens=False)))


@lru_cache(2**15)
def _in_word(word: str) -> int:
    return count_all([word])[0]


def encode(texts: Sequence[str]) -> list[Encoding]:
    """The texts as a model reads them, special tokens included."""
    return list(_tokenizer().encode_batch_fast(list(texts)))
