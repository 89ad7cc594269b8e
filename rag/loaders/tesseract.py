"""The text of a page's picture, by a `tesseract` found on the PATH (version 4 or newer).

It runs confined (confined.py), on one core, for at most a minute; what it writes is read as data of
a program that a crafted picture may have taken over. Knows nothing of documents.
"""

from __future__ import annotations

import csv
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from rag.errors import LoadError
from rag.loaders import confined, word_boxes
from rag.loaders.cleaning import clean
from rag.loaders.word_boxes import WHOLE, Word
from rag.types import Recognition

DPI = 200
"""Of the pictures that it reads."""
SECONDS = 60
"""Of processor and wall time, for one page."""
MAX_OUTPUT = 20_000_000
"""Bytes of what it finds on a page; a full newspaper page has half a megabyte."""
LANGUAGES = {
    "ar": "ara", "bn": "ben", "cs": "ces", "da": "dan", "de": "deu", "el": "ell", "en": "eng",
    "es": "spa", "fa": "fas", "fi": "fin", "fr": "fra", "he": "heb", "hi": "hin", "hu": "hun",
    "it": "ita", "ja": "jpn", "ko": "kor", "nl": "nld", "no": "nor", "pl": "pol", "pt": "por",
    "ro": "ron", "ru": "rus", "sv": "swe", "ta": "tam", "th": "tha", "tr": "tur", "uk": "ukr",
    "vi": "vie", "zh": "chi_sim",
}  # fmt: skip
"""What it calls the languages that we tell apart (language.py)."""
MOST_LANGUAGES = 3
"""At once: each is a model more to ask for every word."""
_NO_LANGUAGES = {"osd", "equ", "snum"}
_VERSION = re.compile(r"tesseract v?(\S+)")
_SPACELESS = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]{2}")
"""Two letters of scripts that set no spaces between words: it finds the words all the same."""
_KILLED = {"SIGKILL", "SIGTERM", "SIGINT", "SIGHUP"}


@dataclass(frozen=True, slots=True)
class Tesseract:
    """An installed tesseract. `languages`: those that it can read, by its own names."""

    program: str
    version: str
    languages: tuple[str, ...]

    def chosen(self, wanted: Sequence[str], language: str | None) -> tuple[str, ...]:
        """The languages to read a page in: those wanted that there are; if none, that of the
        document (a BCP 47 tag), then English, then whatever else is installed, three at most.
        """
        known = LANGUAGES.get((language or "").split("-")[0].lower(), "")
        by_rank = dict.fromkeys([known, "eng", *self.languages])
        usual = [name for name in by_rank if name in self.languages][:MOST_LANGUAGES]
        return tuple(name for name in wanted if name in self.languages) or tuple(usual)

    def engine(self, languages: Sequence[str]) -> str:
        """What a recognition is marked with: another version or language may read more."""
        return f"tesseract {self.version} {'+'.join(languages)}"

    def recognise(self, picture: bytes, languages: Sequence[str], folder: Path) -> Recognition:
        """Read a picture (PNG). A page that it fails on has no confidence; below `folder` lie its
        files meanwhile. Raises `LoadError` where something else than the page stopped it.
        """
        engine = self.engine(languages)
        with confined.place(folder) as place:
            try:
                (place / "page.png").write_bytes(picture)
                code = confined.run(
                    _command(self.program, languages), place, SECONDS, SECONDS,
                    OMP_THREAD_LIMIT="1",
                )  # fmt: skip
                found = _output(place / "page.tsv")
            except TimeoutError:
                return Recognition(engine, None)
            except OSError as error:
                raise _refused(self.program, error.strerror or str(error)) from error
        if code < 0 and signal.Signals(-code).name in _KILLED:
            raise _refused(self.program, "something ended it")
        return Recognition(engine, None) if code or found is None else _read(engine, found)


def installed() -> Tesseract | None:
    """What is on the PATH, None if nothing usable is."""
    program = shutil.which("tesseract")
    return _asked(program) if program else None


@cache
def _asked(program: str) -> Tesseract | None:
    """What a program says of itself."""
    version = _VERSION.match(_said(program, "--version"))
    listed = _said(program, "--list-langs").splitlines()[1:]
    languages = tuple(sorted(name for name in map(str.strip, listed) if _is_language(name)))
    return Tesseract(program, version[1], languages) if version and languages else None


def advice() -> str:
    """How to install it on this platform."""
    commands = {
        "darwin": "brew install tesseract",
        "win32": "winget install tesseract-ocr.tesseract",
    }
    return commands.get(sys.platform, "sudo apt-get install tesseract-ocr")


def _is_language(name: str) -> bool:
    return bool(name) and name not in _NO_LANGUAGES and not name.startswith("script/")


def _said(program: str, flag: str) -> str:
    try:
        ended = subprocess.run([program, flag], capture_output=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (ended.stdout or ended.stderr).decode("utf-8", "replace")


def _command(program: str, languages: Sequence[str]) -> list[str]:
    return [program, "page.png", "page", "--dpi", str(DPI), "-l", "+".join(languages), "tsv"]


def _output(file: Path) -> str | None:
    """What it wrote; None where there is nothing, or no end to it."""
    if not file.exists() or file.stat().st_size > MAX_OUTPUT:
        return None
    return file.read_bytes().decode("utf-8", "replace")


def _refused(program: str, why: str) -> LoadError:
    return LoadError(program, f"tesseract could not read a page: {why}.", "It is tried again.")


class _Found(NamedTuple):
    """A word as it was found: the line it is in, its text, its confidence, its box."""

    block: tuple[int, int]
    line: int
    text: str
    confidence: float
    box: word_boxes.Box


def _read(engine: str, tsv: str) -> Recognition:
    """The page that a table of words describes: lines, paragraphs, boxes, the mean confidence."""
    try:
        found = list(
            _words(csv.DictReader(tsv.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))
        )
    except (ArithmeticError, KeyError, TypeError, ValueError):
        return Recognition(engine, None)
    if not found:
        return Recognition(engine, 0)
    text, words = _set(found)
    confidence = round(sum(word.confidence for word in found) / len(found))
    return Recognition(engine, confidence, text, word_boxes.encode(words))


def _words(rows: Iterable[dict[str, str]]) -> Iterator[_Found]:
    """The words of the table, whose first row is the page itself. Raises what a wrong table does."""
    width = height = 0
    for row in rows:
        left, top, wide, high = (int(row[name]) for name in ("left", "top", "width", "height"))
        if row["level"] == "1":
            width, height = wide, high
        text = clean(row["text"] or "").strip()
        if row["level"] != "5" or not text:
            continue
        box = (
            _share(left, width), _share(top, height),
            _share(left + wide, width), _share(top + high, height),
        )  # fmt: skip
        block = int(row["block_num"]), int(row["par_num"])
        confidence = min(max(float(row["conf"]), 0.0), 100.0)
        yield _Found(block, int(row["line_num"]), text[:WHOLE], confidence, box)


def _share(pixels: int, whole: int) -> int:
    return min(max(round(pixels * WHOLE / whole), 0), WHOLE)


def _set(found: Iterable[_Found]) -> tuple[str, list[Word]]:
    """Words as a text: a line for each line, an empty one between paragraphs, hyphens mended."""
    text = ""
    words: list[Word] = []
    for _, paragraph in groupby(found, key=lambda word: word.block):
        text += "\n\n" if text else ""
        for first, line in enumerate(groupby(paragraph, key=lambda word: word.line)):
            for place, word in enumerate(line[1]):
                if place:
                    text += "" if _is_spaceless(text[-1:], word.text[:1]) else " "
                elif first and _is_hyphenated(text, word.text):
                    text = text[:-1]
                    words[-1] = words[-1]._replace(end=len(text))
                elif first:
                    text += "\n"
                words.append(Word(len(text), len(text) + len(word.text), word.box))
                text += word.text
    return text, words


def _is_spaceless(before: str, after: str) -> bool:
    return _SPACELESS.match(before + after) is not None


def _is_hyphenated(text: str, following: str) -> bool:
    """Whether a word goes on in the next line: a letter and a hyphen, then a small letter."""
    return text[-2:-1].isalpha() and text[-1:] in "-\u2010\u00ad" and following[:1].islower()
