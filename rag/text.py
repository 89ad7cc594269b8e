"""Words and sentences of plain text, by rules alone. Knows no language model and no document.

Sentence spans are exact code point offsets, so that a quote is always a slice of its source.
"""

from __future__ import annotations

import re
import unicodedata

Span = tuple[int, int]

_FOLDED = str.maketrans({
    "‘": "'", "’": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"',
    "‐": "-", "‑": "-", "–": "-", "—": "-", "−": "-", "\u00a0": " ", "\u00ad": None,
})  # fmt: skip

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")

_ABBREVIATIONS = frozenset(
    "al approx art bzw ca capt cf co corp dept dr ed eds eg eq est etc fig figs gen gov hon ie inc "
    "jr lt ltd max min mme mr mrs ms mt nr no nos op p pp para prof rep rev sec sen sgt sr st str "
    "tab tel usw viz vol vols vs z".split()
)
_END = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s|[\[【]\d)|[。！？]+[」』”）]*")
_ITEM = re.compile(r"\s*(?:[-*•‣▪◦·]\s|\(?[0-9]{1,3}[.)]\s|\(?[a-z][.)]\s|\|)")
_NUMERIC = re.compile(r"\d")
_WIDTH_LINES = 6  # lines before and after that tell how wide a paragraph is set
_FULL = 0.85  # share of that width from which a line counts as full

STOP_WORDS = frozenset(
    "a about above after again all also am an and any are as at be because been before being below "
    "between both but by can could did do does doing down during each few for from further had has "
    "have having he her here hers him his how i if in into is it its itself just me more most much "
    "must my no nor not now of off on once only or other our ours out over own same shall she "
    "should so some such than that the their theirs them then there these they this those through "
    "to too under until up very was we were what when where which while who whom whose why will "
    "with within without would you your yours tell give say says said please many long".split()
)


def fold(text: str) -> str:
    """Text as it is compared: compatibility form, plain quotes and dashes, no case."""
    return unicodedata.normalize("NFKC", text).translate(_FOLDED).casefold()


def words(text: str) -> list[str]:
    """The folded words of a text, numbers included."""
    return _WORD.findall(fold(text))


def content_words(text: str) -> list[str]:
    """The folded words that carry meaning, each cut to a crude stem so that endings agree."""
    return [stem(word) for word in words(text) if word not in STOP_WORDS]


def stem(word: str) -> str:
    """A word without the commonest English endings; the same word always gives the same stem."""
    if word.endswith("'s"):
        word = word[:-2]
    for ending, least in (("ies", 3), ("ing", 4), ("ed", 4), ("es", 4), ("s", 3)):
        if word.endswith(ending) and len(word) - len(ending) >= least and not word.endswith("ss"):
            word = word[: -len(ending)] + ("y" if ending == "ies" else "")
            break
    return word[:-1] if len(word) > 4 and word.endswith("e") else word


def sentences(text: str) -> list[Span]:
    """Spans of the sentences of a text, in order, without the white space around them.

    A line of its own (a heading, a list item, a table row) counts as a sentence; a line break
    inside a running paragraph does not end one.
    """
    spans = []
    for start, end in _blocks(text):
        position = start
        for stop in _stops(text, start, end):
            spans.append(_trim(text, position, stop))
            position = stop
        spans.append(_trim(text, position, end))
    return [(start, end) for start, end in spans if start < end]


def _blocks(text: str) -> list[Span]:
    """Spans of paragraphs: lines that run on are one block, a line of its own is a block."""
    lines = [(m.start(), m.end()) for m in re.finditer(r"[^\n]+", text)]
    lines = [line for line in lines if text[line[0] : line[1]].strip()]
    blocks: list[Span] = []
    for i, line in enumerate(lines):
        around = lines[max(0, i - _WIDTH_LINES) : i + _WIDTH_LINES]
        if i and _runs_on(text, lines[i - 1], line, max(end - start for start, end in around)):
            blocks[-1] = (blocks[-1][0], line[1])
        else:
            blocks.append(line)
    return blocks


def _runs_on(text: str, line: Span, following: Span, width: int) -> bool:
    """Whether a paragraph goes on from one line to the next; `width`: of the lines around."""
    if text.count("\n", line[1], following[0]) > 1:
        return False
    this, other = text[slice(*line)].strip(), text[slice(*following)].strip()
    if _ITEM.match(other) or " | " in this or " | " in other or _is_row(this) or _is_row(other):
        return False
    if other[0].islower() or this.endswith((",", "-", ";")):
        return True
    # the next word would have fitted: the line was ended on purpose (a heading, a caption)
    return len(this) + 1 + len(other.split(None, 1)[0]) > _FULL * width


def _is_row(line: str) -> bool:
    """Whether half the words of a line are figures, as in a table read out as text."""
    parts = line.split()
    return len(parts) > 2 and sum(bool(_NUMERIC.search(p)) for p in parts) * 2 >= len(parts)


def _stops(text: str, start: int, end: int) -> list[int]:
    """Positions inside a block at which a sentence ends."""
    stops = []
    for match in _END.finditer(text, start, end):
        if match.group()[0] in "。！？" or _ends_sentence(text, match, start, end):
            stops.append(match.end())
    return stops


def _ends_sentence(text: str, match: re.Match[str], start: int, end: int) -> bool:
    rest = text[match.end() : end].lstrip(" \n\t\"'“”‘’([")
    if rest and rest[0].islower():
        return False
    if match.group() != ".":
        return True
    before = text[max(start, match.start() - 12) : match.start()].rsplit(None, 1)
    word = (before[-1] if before else "").strip("(\"'“").casefold()
    return not (
        word.replace(".", "") in _ABBREVIATIONS
        or (len(word) == 1 and word.isalpha())
        or re.fullmatch(r"(?:[a-z]\.)+[a-z]", word)
        or (re.fullmatch(r"\d{1,2}", word) and text[start : match.start()].strip() == word)
    )  # fmt: skip


def _trim(text: str, start: int, end: int) -> Span:
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip()), end - (len(piece) - len(piece.rstrip()))


# --------------------------------------------------------------------------- tables
# Readers write each row of a table on one line, its cells between " | ", a caption above.

CELL = " | "
_FIGURE = re.compile(r"[^\w]*\d[\d\W]*")
_YEAR = re.compile(r"(?:19|20)\d\d")


def is_header_row(line: str) -> bool:
    """Whether a row of a table names its columns: at least two cells, none of them a figure."""
    cells = [cell.strip() for cell in line.split(CELL)]
    named = [cell for cell in cells if cell]
    return len(named) > 1 and not any(
        _FIGURE.fullmatch(cell) and not _YEAR.fullmatch(cell) for cell in named
    )


def table_above(text: str, position: int) -> tuple[str, ...]:
    """Caption (where there is one) and header row of the table that a position lies within.

    Nothing where the position is in no table, or not below its header row.
    """
    begin = text.rfind("\n\n", 0, position)
    begin = 0 if begin < 0 else begin + 2
    lines: list[str] = []
    while len(lines) < 3 and (end := text.find("\n", begin, position)) >= 0:
        lines.append(text[begin:end])
        begin = end + 1
    header = next((i for i, line in enumerate(lines) if CELL in line), None)
    if header is None or header > 1 or not is_header_row(lines[header]):
        return ()
    following = lines[header + 1] if header + 1 < len(lines) else text[begin:].split("\n", 1)[0]
    return tuple(lines[: header + 1]) if CELL in following else ()
