"""Cuts documents into chunks that the embedding model reads whole.

A chunk lies inside one unit and is a span of its text. Splitting restarts at each unit, so a change
moves boundaries only inside its unit. With title and headings before it, a chunk is at most 220
tokens of the committed tokenizer, whatever the embedding model; neighbours do not overlap and are
joined at retrieval. The splitting itself is langchain-text-splitters'; its `add_start_index` is
not used: with a token length function it mixes tokens and characters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from rag.language import ENGLISH, UNSPACED, detect
from rag.text import CELL, table_above
from rag.types import HAS_TEXT, Chunk, LoadedDocument, Unit

MAX_TOKENS = 220
CHUNKER = f"wordpiece-{MAX_TOKENS}/3"
"""Changes with every change of where boundaries fall, so that old documents are chunked anew."""

_PREFIX_TOKENS = 12  # room for a task prefix and the special tokens
_CONTEXT_TOKENS = 60  # most of a chunk that title and headings may take
_CHARACTERS_A_TOKEN = 10  # a word of any length counts as one unknown token: bound characters too
_FOREIGN_CHARACTERS_A_TOKEN = 5  # about what a token holds of English
_SEPARATORS = ["\n\n", "\n", ". ", "? ", "! ", "。", "; ", ", ", " ", ""]


@dataclass(frozen=True, slots=True)
class Chunker:
    """Splits documents; `count` gives the tokens of a text, without special ones."""

    count: Callable[[str], int]

    def warm(self) -> None:
        """Have what splitting needs ready: importing it takes longer than a small document."""
        _splitters()
        self.count("")

    def split(self, document: LoadedDocument) -> list[Chunk]:
        """The chunks of a document, in reading order."""
        return [
            Chunk(unit.number, start, end, (*unit.headings, *table_above(unit.text, start)))
            for unit in document.units
            if unit.state in HAS_TEXT
            for start, end in self._spans(unit, document.title)
        ]

    def _spans(self, unit: Unit, title: str | None) -> Iterator[tuple[int, int]]:
        # pieces of a table also carry its header row: they need all the room there is for context
        before = self.count(context(title, unit.headings))
        room = MAX_TOKENS - _PREFIX_TOKENS
        room -= _CONTEXT_TOKENS if CELL in unit.text else min(before, _CONTEXT_TOKENS)
        length = self._length if _in_vocabulary(unit.text) else _foreign_length
        splitter = _splitters().RecursiveCharacterTextSplitter(
            separators=_SEPARATORS,
            keep_separator="end",
            chunk_size=room,
            chunk_overlap=0,
            length_function=lru_cache(1024)(length),  # it asks for each piece twice
        )
        position = 0
        for piece in splitter.split_text(unit.text):
            start = unit.text.index(piece, position)
            position = start + len(piece)
            yield start, position

    def _length(self, text: str) -> int:
        # at least 1 for any text: the splitter repeats pieces of no length (combining marks alone)
        return max(self.count(text), math.ceil(len(text) / _CHARACTERS_A_TOKEN))

    def embedded_text(self, title: str | None, headings: tuple[str, ...], text: str) -> str:
        """What is embedded for a chunk: title and headings, then its text.

        File name and path are left out on purpose: a copy or a rename embeds nothing.
        """
        before = context(title, headings)
        while before and self.count(before) > _CONTEXT_TOKENS:
            before = before[: int(len(before) * 0.8)].rstrip()
        return f"{before}\n{text}" if before else text


def _splitters() -> Any:
    import langchain_text_splitters

    return langchain_text_splitters


def _in_vocabulary(text: str) -> bool:
    """Whether the tokens of a text are about as long as those of English."""
    return detect(text) in (None, ENGLISH, *UNSPACED)


def _foreign_length(text: str) -> int:
    """Tokens of an English text of this length: the vocabulary is English, and cuts other languages
    into letters."""
    return math.ceil(len(text) / _FOREIGN_CHARACTERS_A_TOKEN)


def context(title: str | None, headings: tuple[str, ...]) -> str:
    """Title and headings on one line, the title left out where it is the first heading."""
    path = list(headings)
    if title and (not path or path[0].casefold() != title.casefold()):
        path.insert(0, title)
    return " › ".join(path)
