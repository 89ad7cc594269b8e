"""Spreadsheets (xlsx, xlsb, xls, ods): the values of all sheets, in units of whole rows.

Values stand as they are stored: a cell shown as 25 % reads 0.25. Not read: formulas, comments,
charts, pictures, and sheets of macros.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from rag.loaders import odf, opc, rows
from rag.loaders.archive import Archive, damaged, needs_password
from rag.loaders.formats import Reading
from rag.loaders.limits import MAX_CHARACTERS, too_much_text
from rag.loaders.opc import Properties
from rag.types import Unit

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook

Value = int | float | str | bool | time | date | datetime | timedelta
_MIDNIGHT = time()


def read(path: Path) -> Reading:
    """Units of kind `rows`; each sheet begins one.

    Raises `Damaged`, `TooLarge` or `NeedsPassword`.
    """
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    title, day, language = _properties(path)
    try:
        with CalamineWorkbook.from_path(str(path)) as book:
            units = tuple(_units(path, book))
    except PasswordError as error:
        raise needs_password(path) from error
    except CalamineError as error:
        raise damaged(path, f"its sheets cannot be read ({error})") from error
    return Reading(title, units, day, language)


def _properties(path: Path) -> Properties:
    """What a workbook in a zip container states about itself, its sizes checked on the way."""
    with path.open("rb") as file:
        if file.read(2) != b"PK":
            return Properties(None, None, None)
    with Archive(path) as archive:
        archive.check_sizes()
        is_odf = "meta.xml" in archive
        return odf.properties(archive) if is_odf else opc.properties(archive)


def _units(path: Path, book: CalamineWorkbook) -> Iterator[Unit]:
    from python_calamine import SheetTypeEnum

    number = 1
    characters = 0
    for sheet in book.sheets_metadata:
        if sheet.typ is not SheetTypeEnum.WorkSheet:
            continue
        cells = book.get_sheet_by_name(sheet.name).iter_rows()  # from the first row of the sheet
        lines = ([_text(value) for value in row] for row in cells)
        for unit in rows.units(sheet.name, lines, number):
            characters += len(unit.text)
            if characters > MAX_CHARACTERS:
                raise too_much_text(path)
            yield unit
            number += 1


def _text(value: Value) -> str:
    match value:
        case bool():
            return "TRUE" if value else "FALSE"
        case float():
            return f"{value:.15g}"
        case datetime():
            is_day = value.time() == _MIDNIGHT
            return value.date().isoformat() if is_day else value.isoformat(" ", "seconds")
    return str(value)
