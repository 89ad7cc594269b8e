"""Why a hit was found, and what was read of documents, in words: for the command line and the pages.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rag.types import Coverage, Hit, PageState, UnitState

STATES: dict[UnitState, str] = {
    "needs_ocr": "a picture without text",
    "garbled": "garbled text",
    "empty": "blank",
    "ocr": "read by OCR",
    "read": "read",
}
"""What became of a page, what is worst first."""


def why(hit: Hit) -> list[str]:
    """The scores and ranks of a hit, its words, and the document that named it, a line each."""
    lines = [f"score {hit.score:.3f} · {_by('meaning', hit.dense_rank, hit.dense_score)} · "
             f"{_by('words', hit.keyword_rank, hit.keyword_score)}"]  # fmt: skip
    if hit.words:
        lines.append(f"words of the question in it: {', '.join(hit.words)}")
    elif hit.words is not None:
        lines.append("none of the question's words is in it")
    if hit.named_in:
        lines.append(f"named in {hit.named_in}, which was found before it")
    return lines


def _by(search: str, rank: int | None, score: float | None) -> str:
    if score is None:
        return f"{search}: nothing"
    place = f"rank {rank}" if rank else "not among the best"
    return f"{search}: {place} ({score:.3f})"


def coverage(read: Coverage) -> str:
    """How much of the library answers can draw on: "read 38 of 40 files; 12 pages unread"."""
    text = f"read {read.documents_read:,} of {_count(read.documents, 'file')}"
    return f"{text}; {_count(read.pages_unread, 'page')} unread" if read.pages_unread else text


def by_ocr(confidence: int | None) -> str:
    """The mark on what stands on a page that OCR read; nothing for other pages."""
    return "" if confidence is None else f"{STATES['ocr']}, {confidence}% sure"


def page_states(pages: Sequence[PageState]) -> list[str]:
    """Which pages were not simply read, and why, a line for each state: "pages 3–5, 9: blank"."""
    lines = []
    for state, words in STATES.items():
        of_state = [page for page in pages if page.state == state]
        if of_state:
            kind = of_state[0].kind + ("s" if len(of_state) > 1 else "")
            sure = [page.ocr_confidence for page in of_state if page.ocr_confidence is not None]
            mean = f", {sum(sure) / len(sure):.0f}% sure" if sure else ""
            lines.append(f"{kind} {ranges(page.number for page in of_state)}: {words}{mean}")
    return lines


def ranges(numbers: Iterable[int]) -> str:
    """Ascending numbers with runs of them joined: "3–5, 9"."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1] = [runs[-1][0], number]
        else:
            runs.append([number])
    return ", ".join("–".join(map(str, run)) for run in runs)


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"
