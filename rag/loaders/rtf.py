r"""Rich text (rtf): headings, paragraphs, lists with their numbers, tables and text boxes.

Hidden and deleted text, headers, footers, field codes and pictures are left out. Text stands in the
code page of its font or as Unicode; a group (`{}`) takes over the properties of the one around it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from rag.loaders import stated
from rag.loaders.formats import Reading
from rag.loaders.sections import Sections, table_lines

_TOKEN = re.compile(
    rb"\\(?P<word>[a-zA-Z]{1,32})(?P<number>-?\d{1,9})? ?|\\'(?P<hex>[0-9a-fA-F]{2})"
    rb"|\\(?P<symbol>[^a-zA-Z])|(?P<brace>[{}])|(?P<text>[^\\{}\r\n]+)|[\r\n]+|\\",
    re.DOTALL,
)
# Groups whose text is not part of the document. Any group that begins with \* is one, too.
_SKIPPED = frozenset({
    "fonttbl", "colortbl", "stylesheet", "info", "pict", "objdata", "xe", "tc", "tcn", "rxe", "txe",
    "sp", "nonshppict", "revtbl", "themedata", "listtable", "listoverridetable", "nonesttables",
    "ftnsep", "ftnsepc", "aftnsep", "aftnsepc", "annotation", "atnid", "atnauthor",
})  # fmt: skip
_MARGINS = frozenset(f"{place}{pages}" for place in ("header", "footer") for pages in ("", *"lrf"))
_READ_WITHIN = {"shptxt", "ud"}  # groups that are read though the one around them is not
_SYMBOLS = {
    "tab": "\t", "line": "\n", "lbr": "\n", "emdash": "—", "endash": "–", "emspace": " ",
    "enspace": " ", "qmspace": " ", "lquote": "‘", "rquote": "’", "ldblquote": "“",
    "rdblquote": "”", "bullet": "•", "footnote": " † ",
}  # fmt: skip
_MARKS = {"~": "\u00a0", "_": "-", "{": "{", "}": "}", "\\": "\\"}
_CHARSETS = {77: "mac_roman", 128: "cp932", 129: "cp949", 130: "johab", 134: "gbk", 136: "big5",
             161: "cp1253", 162: "cp1254", 163: "cp1258", 177: "cp1255", 178: "cp1256",
             186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250", 255: "cp437"}  # fmt: skip
_MACHINES = {"mac": "mac_roman", "pc": "cp437", "pca": "cp850"}
_PARAGRAPH_ENDS = {"par", "sect", "page", "column"}
_HEADING = re.compile(r"heading (\d)")
_NO_OUTLINE = 9


def read(path: Path) -> Reading:
    """Units of kind `section`. The title is the stated one, else the first main heading."""
    document = _taken(path.read_bytes())
    title = stated.title(document.info.get("title"), document.sections.first_h1)
    return Reading(title, document.sections.units(), document.day)


def text_of(data: bytes) -> str:
    """The text of RTF."""
    return "\n\n".join(unit.text for unit in _taken(data).sections.units())


def _taken(data: bytes) -> _Document:
    """A document; headers and footers are part of it only if there is nothing else."""
    document = _Document()
    document.take(data)
    if not document.sections.units():
        document = _Document(_SKIPPED)
        document.take(data)
    return document


@dataclass(slots=True)
class _Group:
    """The properties that a group takes over; `kind`: what its text is, "" for the document's."""

    kind: str = ""
    codec: str = ""
    after_unicode: int = 1
    is_hidden: bool = False
    style: int = 0
    outline: int = _NO_OUTLINE
    in_table: bool = False


@dataclass(slots=True)
class _Document:
    """Takes RTF token by token and collects its paragraphs, those in `skipped` groups left out."""

    skipped: frozenset[str] = _SKIPPED | _MARGINS
    sections: Sections = field(default_factory=Sections)
    info: dict[str, str] = field(default_factory=dict)
    _group: _Group = field(default_factory=_Group)
    _outer: list[_Group] = field(default_factory=list)
    _codec: str = "cp1252"
    _fonts: dict[int, str] = field(default_factory=dict)
    _headings: dict[int, int] = field(default_factory=dict)
    _number: int = 0  # of the font or style being described
    _bytes: bytearray = field(default_factory=bytearray)
    _text: list[str] = field(default_factory=list)
    _cells: list[str] = field(default_factory=list)
    _after_table: bool = False
    _passed_over: int = 0  # characters that repeat a Unicode one for old readers
    _starred: bool = False

    @property
    def day(self) -> str | None:
        """The day the document was last saved, else made."""
        for kind in ("revtim", "creatim"):
            parts = [self.info.get(f"{kind}.{part}", "") for part in ("yr", "mo", "dy")]
            if all(parts):
                return stated.day("{:0>4}-{:0>2}-{:0>2}".format(*parts))
        return None

    def take(self, data: bytes) -> None:
        at = 0
        while match := _TOKEN.match(data, at):
            at = match.end()
            if word := match["word"]:
                number = int(match["number"]) if match["number"] else None
                if word == b"bin" and number and number > 0:
                    at += number
                self._take_word(word.decode(), number)
            elif code := match["hex"]:
                self._add_bytes(bytes([int(code, 16)]))
            elif symbol := match["symbol"]:
                self._take_symbol(symbol.decode("latin-1"))
            elif brace := match["brace"]:
                self._take_brace(brace)
                if not self._outer:
                    break  # what comes after the end is no part of it
            elif text := match["text"]:
                self._add_bytes(text)
        self._end_paragraph()

    def _take_brace(self, brace: bytes) -> None:
        self._decode()
        self._passed_over = 0
        if brace == b"{":
            self._outer.append(replace(self._group))
        elif self._outer:
            self._group = self._outer.pop()

    def _take_symbol(self, symbol: str) -> None:
        self._decode()
        if symbol == "*":
            self._starred = True
        elif symbol in "\r\n":
            self._end_paragraph()
        elif symbol in _MARKS:
            self._add(_MARKS[symbol])

    def _take_word(self, word: str, number: int | None) -> None:
        self._decode()
        starred, self._starred = self._starred, False
        if word in _READ_WITHIN:
            self._group.kind = ""
        elif word in self.skipped or starred:
            self._group.kind = word
        elif self._group.kind in ("fonttbl", "stylesheet", "info") or self._group.kind in _INFO:
            self._describe(word, number)
        elif word == "u" and number is not None:
            self._add(chr(number % 0x10000))
            self._passed_over = self._group.after_unicode
        elif word in _PARAGRAPH_ENDS:
            self._end_paragraph()
        elif word in ("cell", "nestcell", "row", "nestrow"):
            self._end_cell(word.endswith("row"))
        elif word in _SYMBOLS:
            self._add(_SYMBOLS[word])
        else:
            self._set(word, number)

    def _set(self, word: str, number: int | None) -> None:
        """A property of the text that follows."""
        group = self._group
        match word:
            case "f":
                group.codec = self._fonts.get(number or 0, "")
            case "ansicpg" | "mac" | "pc" | "pca":
                self._codec = _MACHINES.get(word, f"cp{number or 1252}")
            case "uc":
                group.after_unicode = number or 0
            case "v" | "deleted":
                group.is_hidden = number != 0
            case "plain":
                group.is_hidden, group.codec = False, ""
            case "pard":
                group.style, group.outline, group.in_table = 0, _NO_OUTLINE, False
            case "s":
                group.style = number or 0
            case "outlinelevel":
                group.outline = _NO_OUTLINE if number is None else number
            case "intbl":
                group.in_table = True

    def _describe(self, word: str, number: int | None) -> None:
        """A word within the tables of fonts and styles, and within the properties."""
        kind = self._group.kind
        if word in ("f", "s", "cs", "ds", "ts"):
            self._number = (number or 0) if word in "fs" else -1
        elif word == "fcharset" and (codec := _CHARSETS.get(number or 0)):
            self._fonts[self._number] = codec
        elif word == "outlinelevel" and kind == "stylesheet" and number is not None:
            self._headings.setdefault(self._number, number + 1)
        elif kind == "info" and word in _INFO:
            self._group.kind = word
        elif word in ("yr", "mo", "dy"):
            self.info[f"{kind}.{word}"] = str(number or 0)

    def _add_bytes(self, data: bytes) -> None:
        if self._passed_over:
            dropped = min(self._passed_over, len(data))
            self._passed_over -= dropped
            data = data[dropped:]
        self._bytes += data

    def _decode(self) -> None:
        """Turn the bytes so far into text, before anything changes their code page."""
        if self._bytes:
            data = bytes(self._bytes)
            self._bytes.clear()
            try:
                self._add(data.decode(self._group.codec or self._codec, "replace"))
            except LookupError:
                self._add(data.decode("cp1252", "replace"))

    def _add(self, text: str) -> None:
        kind = self._group.kind
        if kind == "stylesheet":
            if match := _HEADING.match(text.strip().lower()):
                self._headings[self._number] = int(match[1])
        elif kind == "title":
            self.info[kind] = self.info.get(kind, "") + text
        elif not kind and not self._group.is_hidden:
            self._text.append(text)

    def _end_paragraph(self) -> None:
        self._decode()
        if self._group.kind:
            return
        if self._group.in_table:
            self._text.append("\n")
            return
        text = _whole("".join(self._text)).strip()
        self._text.clear()
        if self._after_table:
            self.sections.line("")
            self._after_table = False
        level = self._headings.get(self._group.style, 0)
        if self._group.outline < _NO_OUTLINE:
            level = self._group.outline + 1
        if text and level:
            self.sections.heading(level, text)
        elif text:
            self.sections.line(f"{text}\n")

    def _end_cell(self, ends_row: bool) -> None:
        if self._group.kind:
            return
        text = _whole("".join(self._text)).strip()
        self._text.clear()
        if not ends_row or text:
            self._cells.append(text)
        if ends_row:
            for line in table_lines([self._cells]):
                self.sections.line(line)
            self._cells = []
            self._after_table = True


_INFO = ("title", "creatim", "revtim")


def _whole(text: str) -> str:
    """Text in which characters beyond the first 65,536 were written as two halves."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
