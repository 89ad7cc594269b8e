"""pdfium's functions that are called for every object or line of a page, in a form that costs less.

Through pypdfium2's own declarations each call makes an object for the handle it gives; here handles
are integers, which halves the time. `handle` turns one of pypdfium2's into such a number.
"""

from __future__ import annotations

import ctypes
from typing import Any

import pypdfium2.raw as pdfium  # type: ignore[import-untyped]

_HANDLE = _OUT = ctypes.c_void_p
_INT = ctypes.c_int


def handle(pointer: object) -> int:
    """The address that a handle of pypdfium2 stands for; 0 for none."""
    return ctypes.cast(pointer, ctypes.c_void_p).value or 0  # type: ignore[arg-type]


def _declared(function: Any, result: Any, *arguments: Any) -> Any:
    address = ctypes.cast(function, ctypes.c_void_p).value
    return ctypes.PYFUNCTYPE(result, *arguments)(address or 0)


count_objects = _declared(pdfium.FPDFPage_CountObjects, _INT, _HANDLE)
get_object = _declared(pdfium.FPDFPage_GetObject, _HANDLE, _HANDLE, _INT)
count_form_objects = _declared(pdfium.FPDFFormObj_CountObjects, _INT, _HANDLE)
get_form_object = _declared(pdfium.FPDFFormObj_GetObject, _HANDLE, _HANDLE, ctypes.c_ulong)
get_type = _declared(pdfium.FPDFPageObj_GetType, _INT, _HANDLE)
get_bounds = _declared(pdfium.FPDFPageObj_GetBounds, _INT, _HANDLE, _OUT, _OUT, _OUT, _OUT)
get_matrix = _declared(pdfium.FPDFPageObj_GetMatrix, _INT, _HANDLE, _OUT)
get_fill_color = _declared(pdfium.FPDFPageObj_GetFillColor, _INT, _HANDLE, _OUT, _OUT, _OUT, _OUT)
get_draw_mode = _declared(pdfium.FPDFPath_GetDrawMode, _INT, _HANDLE, _OUT, _OUT)
get_render_mode = _declared(pdfium.FPDFTextObj_GetTextRenderMode, _INT, _HANDLE)
"""-1 where the object is no text."""
get_font_size = _declared(pdfium.FPDFTextObj_GetFontSize, _INT, _HANDLE, _OUT)
get_text_object = _declared(pdfium.FPDFText_GetTextObject, _HANDLE, _HANDLE, _INT)
get_char_box = _declared(pdfium.FPDFText_GetCharBox, _INT, _HANDLE, _INT, _OUT, _OUT, _OUT, _OUT)
get_loose_char_box = _declared(pdfium.FPDFText_GetLooseCharBox, _INT, _HANDLE, _INT, _OUT)
