"""XML to elements: no entity is ever declared or fetched, nesting is capped, names are short.

Names lose their namespace (`w:p`, `text:p` and `a:p` are all `p`): within one format they are
clear without. The exception are attributes of relationships (`r:id` beside `id`).

Expat itself, and not ElementTree's parser around it, because only here an entity declaration can be
refused before it is used. Knows nothing of formats.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import IO
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from rag.loaders.limits import MAX_DEPTH

_BLOCK = 1 << 16


class MarkupError(ValueError):
    """What is wrong with an XML text, as the end of a sentence."""


def tree(file: IO[bytes], encoding: str | None = None) -> Element:
    """The root element. `encoding`: whatever the text says. Raises `MarkupError`."""
    (root,) = _Parser(None, encoding).elements(file)
    return root


def children(file: IO[bytes], parent: str) -> Iterator[Element]:
    """Each child of the elements called `parent`, as soon as it is complete; none is kept.

    A long text is never in memory as a whole. Raises `MarkupError`, perhaps after some elements.
    """
    return _Parser(parent).elements(file)


class _Parser:
    """Builds the elements below `parent` (None: the root itself), one after another."""

    def __init__(self, parent: str | None, encoding: str | None = None) -> None:
        self._parent = parent
        self._open: list[str | None] = [None]
        self._built = 0  # depth at which the element being built began; 0: none is
        self._builder = TreeBuilder()
        self._ready: list[Element] = []
        parser = self._expat = expat.ParserCreate(encoding, namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.EntityDeclHandler = _refuse_entity

    def elements(self, file: IO[bytes]) -> Iterator[Element]:
        while True:
            block = file.read(_BLOCK)
            try:
                self._expat.Parse(block, not block)
            except expat.ExpatError as error:
                raise MarkupError(f"its markup is broken ({error})") from error
            yield from self._ready
            self._ready.clear()
            if not block:
                return

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._open) > MAX_DEPTH:
            raise MarkupError("its elements are nested too deeply")
        name = _short(name)
        if not self._built and self._open[-1] == self._parent:
            self._built = len(self._open)
        self._open.append(name)
        if self._built:
            self._builder.start(name, {_short(key): attributes[key] for key in attributes})

    def _end(self, _: str) -> None:
        name = self._open.pop()
        if self._built:
            self._builder.end(name or "")
            if len(self._open) == self._built:
                self._ready.append(self._builder.close())
                self._builder = TreeBuilder()
                self._built = 0

    def _text(self, text: str) -> None:
        if self._built:
            self._builder.data(text)


@lru_cache(maxsize=4096)
def _short(name: str) -> str:
    namespace, _, local = name.rpartition(" ")
    return f"r:{local}" if namespace.endswith("/relationships") else local


def _refuse_entity(*_: object) -> None:
    raise MarkupError("it declares entities, which a document has no use for")
