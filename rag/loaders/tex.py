r"""LaTeX: the text as it would be set, in sections by its headings; formulas as they are written.

No file is included and no macro expanded: of a command that is not known, its name is dropped and
its argument kept. Citations, references, labels and pictures are dropped; tables are one line for
each row, captions right above them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from rag.loaders import stated
from rag.loaders.encoding import read_text
from rag.loaders.formats import Reading
from rag.loaders.sections import Sections

_COMMENT = re.compile(r"(?<!\\)%[^\n]*(?:\n[ \t]*)?")
_TOKEN = re.compile(
    r"\\begin\{(?P<verbatim>verbatim|lstlisting|minted|alltt|comment|equation|align|gather|multline"
    r"|eqnarray|displaymath|math)(?P<star>\*?)\}(?P<inside>.*?)\\end\{(?P=verbatim)(?P=star)\}"
    r"|\\(?P<command>[a-zA-Z@]+)\*?[ \t]*"
    r"|\\\[(?P<shown>.*?)\\\]|\\\((?P<inline>.*?)\\\)"
    r"|\\(?P<escape>.)"
    r"|(?P<math>\$\$.*?\$\$|\$[^$]*\$)"
    r"|(?P<blank>\n\s*\n\s*)"
    r"|(?P<special>[{}&~\n]|``|''|-{2,3})"
    r"|(?P<text>[^\\${}&~\n`'-]+|.)",
    re.DOTALL,
)
_HEADINGS = {
    name: level
    for level, name in enumerate(
        ("part", "chapter", "section", "subsection", "subsubsection", "paragraph", "subparagraph"),
        2,
    )
}
_DROPPED = {
    "label", "ref", "eqref", "autoref", "cref", "Cref", "pageref", "nameref", "includegraphics",
    "input", "include", "bibliography", "bibliographystyle", "usepackage", "documentclass",
    "vspace", "hspace", "pagestyle", "thispagestyle", "hypersetup", "graphicspath", "newcommand",
    "renewcommand", "providecommand", "newenvironment", "newtheorem", "setlength", "addtolength",
    "setcounter", "addtocounter", "definecolor", "color", "rowcolor", "cellcolor", "cmidrule",
    "cline", "fontsize", "title", "author", "date", "index", "pdfoutput", "bibitem",
}  # fmt: skip
_FIRST_DROPPED = {
    "textcolor": 1, "colorbox": 1, "href": 1, "multicolumn": 2, "multirow": 2, "resizebox": 2,
    "scalebox": 1, "parbox": 1, "raisebox": 1, "begin": 1, "end": 1, "makebox": 0,
}  # fmt: skip
_SPECIFIED = {"tabular": 1, "tabular*": 2, "tabularx": 2, "longtable": 1, "array": 1, "minipage": 1,
              "wrapfigure": 2, "multicols": 1, "thebibliography": 1}  # fmt: skip
_CLOSE = ("tabular", "longtable", "array", "itemize", "enumerate", "description")
"""Environments with no empty line before them."""
_SYMBOLS = {
    "ss": "ß", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ", "o": "ø", "O": "Ø", "aa": "å", "AA": "Å",
    "l": "ł", "L": "Ł", "i": "ı", "S": "§", "P": "¶", "copyright": "©", "texteuro": "€", "euro": "€",
    "pounds": "£", "textdegree": "°", "degree": "°", "ldots": "…", "dots": "…", "textbackslash": "\\",
    "textasciitilde": "~", "textasciicircum": "^", "textbar": "|", "LaTeX": "LaTeX", "TeX": "TeX",
    "quad": " ", "qquad": " ", "newline": "\n", "linebreak": "\n", "par": "\n\n",
    "and": ", ", "tabularnewline": "\n", "newpage": "\n\n", "clearpage": "\n\n",
}  # fmt: skip
_SPECIALS = {"&": " | ", "~": " ", "\n": " ", "``": "“", "''": "”", "--": "–", "---": "—"}
_ACCENTS = {"'": 0x301, "`": 0x300, "^": 0x302, '"': 0x308, "~": 0x303, "=": 0x304, ".": 0x307,
            "c": 0x327, "v": 0x30C, "u": 0x306, "H": 0x30B, "k": 0x328, "r": 0x30A}  # fmt: skip
_ESCAPES = {"\\": "\n", ",": " ", ";": " ", ":": " ", " ": " ", "\n": " ", "!": "", "-": "", "/": "",
            "@": ""}  # fmt: skip
_LONGEST_ARGUMENT = 20_000


def read(path: Path) -> Reading:
    """Units of kind `section`. The title is the stated one. Raises as `encoding.read_text` does."""
    text = _COMMENT.sub("", read_text(path))
    preamble, begin, body = text.partition("\\begin{document}")
    if not begin:
        preamble, body = text, text
    sections = Sections()
    title, author = _stated(preamble, "title"), _stated(preamble, "author")
    sections.heading(1, title)
    sections.line(f"{author}\n" if author else "")
    for part in _parts(body.partition("\\end{document}")[0]):
        sections.take(part)
    day = stated.day(_stated(preamble, "date"))
    return Reading(stated.title(title), sections.units(), day)


def _stated(preamble: str, name: str) -> str:
    found = re.search(rf"\\{name}\s*(?:\[[^]]*\])?\s*(?=\{{)", preamble)
    return " ".join(flat(_argument(preamble, found.end())[0]).split()) if found else ""


def flat(source: str) -> str:
    """The text of a piece of LaTeX, headings being lines of their own."""
    parts = (part if isinstance(part, str) else part[1] for part in _parts(source))
    return "\n".join(parts)


def _parts(source: str) -> Iterator[str | tuple[int, str]]:
    """The text between headings, and the headings with their levels."""
    pieces: list[str] = []
    at = 0
    while match := _TOKEN.match(source, at):
        at = match.end()
        if (command := match["command"]) in _HEADINGS:
            yield _tidy("".join(pieces))
            pieces.clear()
            _, at = _argument(source, at, "[")
            heading, at = _argument(source, at)
            yield _HEADINGS[command], flat(heading)
        elif command:
            text, at = _command(source, command, at)
            pieces.append(text)
        else:
            text, at = _plain(source, match)
            pieces.append(text)
    yield _tidy("".join(pieces))


def _command(source: str, name: str, at: int) -> tuple[str, int]:
    """What a command says, and where the source goes on after it."""
    if name in _SYMBOLS:
        return _SYMBOLS[name], at
    if name in _ACCENTS and source[at : at + 1] == "{":
        letter, at = _argument(source, at)
        return _accented(letter, name), at
    if name in _DROPPED or name.lower().startswith("cite"):
        return "", _after_arguments(source, at)
    if name in ("caption", "footnote"):
        _, at = _argument(source, at, "[")
        text, at = _argument(source, at)
        shown = " ".join(flat(text).split())
        return (f"\n\n{shown}" if name == "caption" else f" († {shown})"), at
    if name == "item":
        term, at = _argument(source, at, "[")
        return f"\n- {flat(term).strip()} ", at
    arguments = []
    for _ in range(_FIRST_DROPPED.get(name, 0)):
        _, at = _argument(source, at, "[")
        argument, at = _argument(source, at)
        arguments.append(argument)
    if name in ("begin", "end"):
        return _environment(source, name, arguments[0], at)
    _, at = _argument(source, at, "[")
    return "", at


def _environment(source: str, edge: str, name: str, at: int) -> tuple[str, int]:
    if edge == "begin":
        for _ in range(_SPECIFIED.get(name, 0)):
            _, at = _argument(source, at, "[")
            _, at = _argument(source, at)
        _, at = _argument(source, at, "[")
    is_close = edge == "begin" and name.startswith(_CLOSE)
    return ("\n" if is_close else "\n\n"), at


def _plain(source: str, match: re.Match[str]) -> tuple[str, int]:
    """What anything but a command says, and where the source goes on after it."""
    at = match.end()
    if match["verbatim"]:
        shown = match["inside"].strip("\n")
        return ("" if match["verbatim"] == "comment" else f"\n\n{_kept(shown)}\n\n"), at
    if formula := match["shown"] or match["inline"] or match["math"]:
        return _kept(formula.strip("$")), at
    if escape := match["escape"]:
        if escape in _ACCENTS:
            letter, at = _argument(source, at)
            if not letter:
                letter, at = source[at : at + 1], at + 1
            return _accented(letter, escape), at
        if escape == "\\":
            _, at = _argument(source, at, "[")
        return _ESCAPES.get(escape, escape), at
    if match["blank"]:
        return "\n\n", at
    if special := match["special"]:
        return _SPECIALS.get(special, ""), at
    return match["text"] or "", at


def _argument(source: str, at: int, opening: str = "{") -> tuple[str, int]:
    """An argument in braces or brackets and where it ends; "" and the same place if there is none."""
    begin = at
    while source[begin : begin + 1].isspace() and source[at:begin].count("\n") < 2:
        begin += 1
    closing = "}" if opening == "{" else "]"
    if source[begin : begin + 1] != opening:
        return "", at
    depth = 0
    for i in range(begin, min(len(source), begin + _LONGEST_ARGUMENT)):
        if source[i] in "{[}]" and source[i - 1 : i] != "\\":
            depth += (source[i] == opening) - (source[i] == closing)
            if depth == 0:
                return source[begin + 1 : i], i + 1
    return "", at


def _after_arguments(source: str, at: int) -> int:
    """Where all arguments from a place on have ended."""
    while True:
        before = at
        _, at = _argument(source, at, "[")
        _, at = _argument(source, at)
        if at == before:
            return at


def _accented(letter: str, accent: str) -> str:
    letter = {"\\i": "i", "\\j": "j"}.get(letter.strip(), letter)
    return unicodedata.normalize("NFC", letter[:1] + chr(_ACCENTS[accent])) + letter[1:]


def _kept(formula: str) -> str:
    """A formula or a listing as it is written, without its name."""
    return re.sub(r"\\label\{[^}]*\}", "", formula)


def _tidy(text: str) -> str:
    """Lines without space around them, nor before a stop where a citation was dropped."""
    lines = (re.sub(r" +(?=[.,;:)])", "", " ".join(line.split())) for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n") + "\n"
