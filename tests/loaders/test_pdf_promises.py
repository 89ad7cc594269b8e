"""What PDF pages promise, on every page of real files: no letter lost, no letter misplaced."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pypdfium2
import pypdfium2.raw as pdfium
import pytest

from rag.errors import LoadError
from rag.loaders.charmap import char_ranges, decode_map
from rag.loaders.loading import load
from rag.loaders.pdf_picture import highlight_rects
from rag.loaders.pdf_running import running_lines
from rag.loaders.pdf_text import RawPage, arranged, raw_page
from rag.text import sentences
from rag.types import Unit

Shared = Callable[[str], Path]
FEW = ("2303.08559v2", "698bba535087fa9a7f9009e172a7f763", "936c0e2c2e6c8e0c07c51bfaf7fd0a83")
PLACES = [
    pytest.param("few", id="few"),
    pytest.param("eval/mmlongbench/docs", id="mmlongbench", marks=pytest.mark.slow),
    pytest.param("eval/financebench/docs", id="financebench", marks=pytest.mark.slow),
    pytest.param("corpus/pdf", id="corpus", marks=pytest.mark.slow),
]
QUOTES = 4  # of each page, chosen at random
PAGES = 12  # of each document
OVERLAPPING = {
    "DSA-278777.pdf": "a circuit diagram: labels of pins lie over one another",
    "fdac8d1e9ef56519371df7e6532df27d.pdf": "a circuit diagram: labels of parts lie over one another",
    "JOHNSON_JOHNSON_2023_8K_dated-2023-08-30.pdf": "raised numbers of footnotes within a line",
    "pdfplumber__issue-848.pdf": "two texts are set over one another",
}
"""Files on which letters that are not of a quote stand where it does, and are marked with it."""


@pytest.fixture(scope="module", params=PLACES)
def paths(request: pytest.FixtureRequest, shared: Shared) -> list[Path]:
    if request.param == "few":
        return [shared(f"eval/mmlongbench/docs/{name}.pdf") for name in FEW]
    return sorted(shared(request.param).glob("*.pdf"))


def units(path: Path) -> list[Unit]:
    try:
        return [unit for unit in load(path).units if unit.char_map]
    except LoadError:
        return []


class Characters:
    """pdfium's characters of a page, asked one by one."""

    def __init__(self, page: pypdfium2.PdfPage) -> None:
        self._textpage = page.get_textpage()
        count = self._textpage.count_chars()
        self.codes = [pdfium.FPDFText_GetUnicode(self._textpage, i) for i in range(count)]

    def box(self, index: int) -> tuple[float, float, float, float]:
        return self._textpage.get_charbox(index)

    def within(self, rects: list[tuple[float, float, float, float]]) -> set[int]:
        """The drawn characters whose middle lies in one of some rectangles."""
        found = set()
        for index in range(len(self.codes)):
            left, bottom, right, top = self.box(index)
            x, y = (left + right) / 2, (bottom + top) / 2
            if self.is_drawn(index) and any(
                a - 0.01 <= x <= c + 0.01 and b - 0.01 <= y <= d + 0.01 for a, b, c, d in rects
            ):
                found.add(index)
        return found

    def is_drawn(self, index: int) -> bool:
        left, bottom, right, top = self.box(index)
        return left < right and bottom < top and not chr(self.codes[index]).isspace()

    def text(self, rects: list[tuple[float, float, float, float]]) -> str:
        return squeezed("".join(self._textpage.get_text_bounded(*rect) for rect in rects))


def squeezed(text: str) -> str:
    """A text without white space and hyphens, which stand for one another at the ends of lines."""
    hidden = set("-\u2010\u00ad\ufffe") | set(map(chr, range(32)))
    return "".join(c for c in "".join(text.split()) if c not in hidden)


def test_every_code_point_stands_for_its_own_character(paths: list[Path]) -> None:
    """The map is exact on every page: what it leads to is the same letter, and none comes twice."""
    checked = 0
    for path in paths:
        if not (found := units(path)):
            continue
        with pypdfium2.PdfDocument(path) as document:
            for unit in found:
                codes = Characters(document[unit.number - 1]).codes
                seen: set[int] = set()
                for text_start, source_start, length in decode_map(unit.char_map):
                    for step in range(length):
                        index = source_start + step
                        assert index not in seen
                        seen.add(index)
                        stored, code = unit.text[text_start + step], codes[index]
                        assert is_same(stored, code), (path.name, unit.number, stored, hex(code))
                        checked += 1
    assert checked > 100_000 or len(paths) > 20


def is_same(stored: str, code: int) -> bool:
    """Surrogates come as halves; pdfium marks a hyphen at the end of a line in its own ways."""
    if ord(stored) > 0xFFFF or stored == "\ufffd":
        return True
    if stored == "-":
        return code in (0x2D, 0x02, 0xFFFE, 0xAD, 0x2010)
    return ord(stored) == code or (
        stored == "\n" and code in (0x0A, 0x0D, 0x0B, 0x85, 0x2028, 0x2029)
    )


def test_what_is_marked_on_a_page_is_the_quote(paths: list[Path]) -> None:
    """All letters of a quote are marked, and no other but those that lie over them."""
    chooser = random.Random(3)
    quotes = 0
    overlapping: Counter[str] = Counter()
    for path in paths:
        found = [unit for unit in units(path) if unit.state == "read" and unit.text.strip()]
        for unit in chooser.sample(found, min(PAGES, len(found))):
            with pypdfium2.PdfDocument(path) as document:
                characters = Characters(document[unit.number - 1])
                spans = sentences(unit.text)
                for start, end in chooser.sample(spans, min(QUOTES, len(spans))):
                    rects = highlight_rects(path, unit.number, unit.char_map, [(start, end)])
                    quotes += 1
                    if characters.text(rects) == squeezed(unit.text[start:end]):
                        continue
                    marked, wanted = (
                        characters.within(rects),
                        wanted_of(unit, start, end, characters),
                    )
                    assert wanted <= marked, (path.name, unit.number, unit.text[start:end])
                    if marked != wanted:
                        overlapping[path.name] += 1
    assert quotes
    assert overlapping.keys() <= OVERLAPPING.keys(), (overlapping, quotes)
    assert overlapping.total() <= 10, (overlapping, quotes)


def wanted_of(unit: Unit, start: int, end: int, characters: Characters) -> set[int]:
    ranges = char_ranges(decode_map(unit.char_map), start, end)
    every = {i for first, count in ranges for i in range(first, first + count)}
    return {index for index in every if characters.is_drawn(index)}


def raw_pages(path: Path) -> Iterator[RawPage]:
    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError:
        return
    with document:
        for index in range(min(len(document), 200)):
            try:
                yield raw_page(document[index])
            except pypdfium2.PdfiumError:
                continue


def test_only_running_lines_and_what_nobody_sees_is_left_out(paths: list[Path]) -> None:
    """Columns move text, and nothing else of a page's letters goes than what a step names."""
    for path in paths:
        pages = list(raw_pages(path))
        for page, lines in zip(pages, running_lines(pages), strict=True):
            spans = [*page.hidden, *((line.start, line.end) for line in lines)]
            gone = Counter("".join(page.text[start:end] for start, end in spans))
            left, whole = Counter(arranged(page, lines).text), Counter(page.text)
            for white in (*map(chr, range(33)), "\xa0"):
                del left[white], gone[white], whole[white]
            assert left + gone == whole, path.name
