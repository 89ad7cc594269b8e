"""Text of a PDF page that nobody sees: white on white, minute, off the page, or not drawn at all.

The objects of the page are asked, not its characters; which characters an object has is looked up
only where one is hidden. Text that is not drawn but lies over a picture, or over lines as fine as
writing, is the text layer of a scan or of notes by hand, and stays. White counts as hidden only where
nothing but white was drawn before it. Not found: text under a picture or a shape, cut off by a
clipping path, or in a layer that is switched off.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterator, Sequence
from operator import sub
from typing import NamedTuple

import pypdfium2.raw as pdfium  # type: ignore[import-untyped]
from pypdfium2 import PdfPage, PdfTextPage

from rag.loaders import pdfium_calls as calls

SMALLEST = 1.0
"""Points: a smaller font cannot be read on paper or on a screen."""
WHITE = 250
"""Of 255, in all three colours."""
STROKE = 4
"""Times the height of text that is not drawn: a path no higher may be what it stands for."""
DEEPEST = 8
"""Levels of forms within forms that are looked into; crafted files have endless ones."""
MOST_OBJECTS = 50_000
"""Of one page: beyond that nothing is looked for."""

Matrix = tuple[float, float, float, float, float, float]
_PLAIN: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
_FILLED = (pdfium.FPDF_TEXTRENDERMODE_FILL, pdfium.FPDF_TEXTRENDERMODE_FILL_CLIP)
_INVISIBLE = pdfium.FPDF_TEXTRENDERMODE_INVISIBLE
_IMAGE, _PATH = pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_PATH


class _Bounds(NamedTuple):
    left: float
    bottom: float
    right: float
    top: float

    def holds_middle(self, other: _Bounds) -> bool:
        x, y = (other.left + other.right) / 2, (other.bottom + other.top) / 2
        return self.left <= x <= self.right and self.bottom <= y <= self.top


class _Object(NamedTuple):
    """An object of a page, with the matrix of the forms it stands in; `mode`: -1 if no text."""

    handle: int
    mode: int
    matrix: Matrix


def hidden_characters(page: PdfPage, textpage: PdfTextPage) -> frozenset[int]:
    """pdfium's indices of the characters that nobody sees."""
    seen = _Bounds(*page.get_bbox())
    if not _may_hide(calls.handle(page.raw), seen):
        return frozenset()
    hidden = _Look(page).hidden()
    return _characters(textpage, hidden) if hidden else frozenset()


def _may_hide(page: int, seen: _Bounds) -> bool:
    """Whether a closer look is worth its time. Asked of every page, so in as few steps as can be."""
    get, mode_of, kind_of = calls.get_object, calls.get_render_mode, calls.get_type
    get_color, get_bounds = calls.get_fill_color, calls.get_bounds
    count = min(calls.count_objects(page), MOST_OBJECTS)
    colors, bounds = (ctypes.c_uint * (4 * count))(), (ctypes.c_float * (4 * count))()
    color, edge = ctypes.addressof(colors), ctypes.addressof(bounds)
    texts = []
    for index in range(count):
        handle = get(page, index)
        mode = mode_of(handle)
        if mode < 0:
            if kind_of(handle) == pdfium.FPDF_PAGEOBJ_FORM:
                return True
            continue
        if mode == _INVISIBLE:
            return True
        get_color(handle, color, color + 4, color + 8, color + 12)
        get_bounds(handle, edge, edge + 4, edge + 8, edge + 12)
        texts.append(handle)
        color += 16
        edge += 16
    used = 4 * len(texts)
    if not used:
        return False
    shades, edges = colors[:used], bounds[:used]
    lefts, bottoms, rights, tops = edges[0::4], edges[1::4], edges[2::4], edges[3::4]
    return (
        max(shades[0::4]) >= WHITE
        or not min(shades[3::4])
        or min(rights) < seen.left
        or max(lefts) > seen.right
        or min(tops) < seen.bottom
        or max(bottoms) > seen.top
        or any(
            _size(texts[i], _PLAIN) < SMALLEST
            for i, extent in enumerate(map(min, map(sub, tops, bottoms), map(sub, rights, lefts)))
            if 0 < extent < SMALLEST  # spaces have none
        )
    )


def _characters(textpage: PdfTextPage, objects: set[int]) -> frozenset[int]:
    text, of_character = calls.handle(textpage.raw), calls.get_text_object
    count = textpage.count_chars()
    return frozenset(index for index in range(count) if of_character(text, index) in objects)


class _Look:
    """One look at the objects of a page, in the order in which they are drawn."""

    def __init__(self, page: PdfPage) -> None:
        self.objects = list(_objects(calls.handle(page.raw)))
        self._page = _Bounds(*page.get_bbox())
        self._color = (ctypes.c_uint * 4)()
        self._color_out = _addresses(self._color)
        self._edges = (ctypes.c_float * 4)()
        self._edges_out = _addresses(self._edges)

    def is_suspect(self, thing: _Object) -> bool:
        """Whether an object may be hidden text. Every object is asked this: it has to be cheap."""
        handle, mode, matrix = thing
        if mode < 0:
            return False
        if mode == _INVISIBLE or (mode in _FILLED and self._is_unseen_color(handle)):
            return True
        calls.get_bounds(handle, *self._edges_out)
        left, bottom, right, top = self._edges
        if matrix is not _PLAIN:
            left, bottom, right, top = _turned(matrix, left, bottom, right, top)
        seen = self._page
        if right < seen.left or left > seen.right or top < seen.bottom or bottom > seen.top:
            return True
        return 0 < min(top - bottom, right - left) < SMALLEST and _size(handle, matrix) < SMALLEST

    def hidden(self) -> set[int]:
        """The text objects that nobody sees."""
        found: set[int] = set()
        if not any(map(self.is_suspect, self.objects)):
            return found
        drawn = [(kind, self._bounds(t)) for t in self.objects if (kind := self._kind(t))]
        ground: list[_Bounds] = []
        for thing in self.objects:
            if thing.mode < 0:
                if self._colors(thing.handle):
                    ground.append(self._bounds(thing))
            elif self.is_suspect(thing) and not self._is_seen(thing, drawn, ground):
                found.add(thing.handle)
        return found

    def _is_seen(
        self, thing: _Object, drawn: Sequence[tuple[int, _Bounds]], ground: Sequence[_Bounds]
    ) -> bool:
        """Whether suspect text is to be seen after all, or stands for what is."""
        box = self._bounds(thing)
        if thing.mode == _INVISIBLE:
            largest = STROKE * (box.top - box.bottom)
            return any(
                area.holds_middle(box) and (kind == _IMAGE or area.top - area.bottom < largest)
                for kind, area in drawn
            )
        if thing.mode in _FILLED and self._is_unseen_color(thing.handle):
            return any(area.holds_middle(box) for area in ground)
        return False

    def _kind(self, thing: _Object) -> int:
        """The kind of a picture or a path, 0 for everything else."""
        kind = calls.get_type(thing.handle) if thing.mode < 0 else 0
        return kind if kind in (_IMAGE, _PATH) else 0

    def _colors(self, handle: int) -> bool:
        """Whether white text that is drawn over an object can be seen."""
        if calls.get_type(handle) != _PATH:
            return True
        fill, stroke = ctypes.c_int(), ctypes.c_int()
        calls.get_draw_mode(handle, ctypes.addressof(fill), ctypes.addressof(stroke))
        return bool(fill.value) and not self._is_unseen_color(handle)

    def _is_unseen_color(self, handle: int) -> bool:
        """Whether what fills an object is white, or lets everything through."""
        if not calls.get_fill_color(handle, *self._color_out):  # a pattern, say
            return False
        red, green, blue, alpha = self._color
        return (red >= WHITE and green >= WHITE and blue >= WHITE) or not alpha

    def _bounds(self, thing: _Object) -> _Bounds:
        calls.get_bounds(thing.handle, *self._edges_out)
        return _Bounds(*_turned(thing.matrix, *self._edges))


def _size(handle: int, matrix: Matrix) -> float:
    """The height of the font of a text object, in points on the page."""
    size = ctypes.c_float()
    calls.get_font_size(handle, ctypes.addressof(size))
    _, _, c, d, _, _ = _product(_matrix(handle), matrix)
    return abs(size.value) * math.hypot(c, d)


def _addresses(numbers: ctypes.Array[ctypes.c_uint] | ctypes.Array[ctypes.c_float]) -> list[int]:
    start = ctypes.addressof(numbers)
    return [start + 4 * place for place in range(4)]


def _objects(page: int) -> Iterator[_Object]:
    get, mode_of, kind_of = calls.get_object, calls.get_render_mode, calls.get_type
    budget = iter(range(MOST_OBJECTS))
    for index in range(min(calls.count_objects(page), MOST_OBJECTS)):
        handle = get(page, index)
        mode = mode_of(handle)
        if mode < 0 and kind_of(handle) == pdfium.FPDF_PAGEOBJ_FORM:
            yield from _within(handle, _PLAIN, DEEPEST, budget)
        else:
            yield _Object(handle, mode, _PLAIN)


def _within(form: int, matrix: Matrix, depth: int, budget: Iterator[int]) -> Iterator[_Object]:
    """The objects of a form and of the forms in it, `budget` of them at most."""
    matrix = _product(_matrix(form), matrix)
    for index in range(calls.count_form_objects(form) if depth else 0):
        if next(budget, None) is None:
            return
        handle = calls.get_form_object(form, index)
        mode = calls.get_render_mode(handle)
        if mode < 0 and calls.get_type(handle) == pdfium.FPDF_PAGEOBJ_FORM:
            yield from _within(handle, matrix, depth - 1, budget)
        else:
            yield _Object(handle, mode, matrix)


def _matrix(handle: int) -> Matrix:
    found = (ctypes.c_float * 6)()
    if not calls.get_matrix(handle, ctypes.addressof(found)):
        return _PLAIN
    a, b, c, d, e, f = found
    return _PLAIN if (a, b, c, d, e, f) == _PLAIN else (a, b, c, d, e, f)


def _product(first: Matrix, second: Matrix) -> Matrix:
    """The matrix that moves by `first` and then by `second`."""
    if second is _PLAIN:
        return first
    a, b, c, d, e, f = first
    p, q, r, s, t, u = second
    return (
        a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s,
        e * p + f * r + t, e * q + f * s + u,
    )  # fmt: skip


def _turned(
    matrix: Matrix, left: float, bottom: float, right: float, top: float
) -> tuple[float, float, float, float]:
    """The bounds of what a matrix makes of a rectangle."""
    if matrix is _PLAIN:
        return left, bottom, right, top
    a, b, c, d, e, f = matrix
    xs = [a * x + c * y + e for x in (left, right) for y in (bottom, top)]
    ys = [b * x + d * y + f for x in (left, right) for y in (bottom, top)]
    return min(xs), min(ys), max(xs), max(ys)
