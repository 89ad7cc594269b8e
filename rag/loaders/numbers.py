"""The numbers before list items and headings, as word processors write them.

Knows nothing of documents.
"""

from __future__ import annotations

_ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"),
          (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))  # fmt: skip
_MOST_LETTERS = 9


def letter(number: int) -> str:
    """a to z, then aa to zz, and so on."""
    return chr(ord("a") + (number - 1) % 26) * min((number - 1) // 26 + 1, _MOST_LETTERS)


def roman(number: int) -> str:
    text = ""
    for value, letters in _ROMAN:
        while number >= value:
            text += letters
            number -= value
    return text


def written(number: int, form: str) -> str:
    """A number in one of the forms that OpenDocument calls 1, a, A, i and I; "" for none."""
    if not form:
        return ""
    if number < 1 or number > 3999 or form not in "aAiI":
        return str(number)
    text = letter(number) if form in "aA" else roman(number)
    return text.upper() if form.isupper() else text
