"""How well, and how fast, pages are read by OCR: pages of PDFs drawn as scans, held against their text.

    python -m benchmarks.ocr PDF:PAGE…         such as report.pdf:3 paper.pdf:1

The text layer of a page is the truth. Recall: the share of its words that were recognised; precision:
the share of those recognised that it has. Seconds are of processor time, drawing included.
"""

from __future__ import annotations

import argparse
import re
import resource
import tempfile
from collections import Counter
from pathlib import Path

from rag.loaders import tesseract
from rag.loaders.worker import ReaderProcess
from rag.text import fold


def words(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", fold(text)))


def measured(reader: ReaderProcess, page: str, folder: Path) -> tuple[float, float, int, float]:
    """Recall, precision, confidence and processor seconds of one page."""
    file, _, number = page.rpartition(":")
    path = Path(file)
    engine = tesseract.installed()
    assert engine is not None, "tesseract is not installed"
    truth = words(reader.load(path).units[int(number) - 1].text)
    before = _processor_seconds(reader)
    found = engine.recognise(reader.scan(path, int(number)), engine.chosen((), None), folder)
    seconds = _processor_seconds(reader) - before
    got = words(found.text)
    right = sum((truth & got).values())
    return right / truth.total(), right / max(got.total(), 1), found.confidence or 0, seconds


def _processor_seconds(reader: ReaderProcess) -> float:
    """Of the programs that have ended and of the reading process, which goes on."""
    import psutil

    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    reading = psutil.Process(reader.pid).cpu_times()
    return ended.ru_utime + ended.ru_stime + reading.user + reading.system


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("pages", nargs="+", metavar="PDF:PAGE")
    pages = parser.parse_args().pages
    with ReaderProcess() as reader, tempfile.TemporaryDirectory() as folder:
        rows = [measured(reader, page, Path(folder)) for page in pages]
    print("recall  precision  confidence  CPU-s  page")
    for page, (recall, precision, confidence, seconds) in zip(pages, rows, strict=True):
        print(
            f"{recall:6.3f}  {precision:9.3f}  {confidence:10}  {seconds:5.2f}  {Path(page).name}"
        )
    means = [sum(row[i] for row in rows) / len(rows) for i in range(4)]
    print(f"{means[0]:6.3f}  {means[1]:9.3f}  {means[2]:10.0f}  {means[3]:5.2f}  mean")


if __name__ == "__main__":
    main()
