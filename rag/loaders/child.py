"""The reading process: reads files for `worker.ReaderProcess` under limits it cannot lift.

Started as `python -m rag.loaders.child`; jobs come by standard input, answers go by what was
standard output. One gigabyte of address space, processor seconds per job, no file can be written,
no connection made. Without the module `resource` (Windows) only the parent's wall clock limits it.

Must never import numpy, onnxruntime or chromadb: their threads do not bear the memory limit.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rag import egress
from rag.errors import Damaged, LoadError
from rag.frames import Frame, receive, send
from rag.loaders.limits import too_much_text
from rag.loaders.loading import format_of, load, member, unreadable
from rag.loaders.protocol import pack_document, pack_error
from rag.process import die_with_parent, take_pipes
from rag.types import Unit

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

MEMORY = 1 << 30


def main() -> None:
    egress.seal_environment()
    egress.guard()
    questions, answers = take_pipes()
    die_with_parent()
    _limit_resources()
    while (question := receive(questions)) is not None:
        _allow_processor_seconds(question.message["cpu_seconds"])
        answer = _answer(question)
        try:
            send(answers, answer)
        except ValueError:
            send(answers, pack_error(too_much_text(Path(question.message["path"]))))


def _limit_resources() -> None:
    sys.dont_write_bytecode = True
    if resource is not None:
        _limit(resource.RLIMIT_CORE, 0)
        _limit(resource.RLIMIT_FSIZE, 0)
        _limit(resource.RLIMIT_AS, MEMORY)


def _limit(kind: int, value: int) -> None:
    # macOS knows RLIMIT_AS and refuses to set it; the other limits still hold
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(kind, (value, value))


def _allow_processor_seconds(seconds: int) -> None:
    """Be killed by SIGXCPU after so many more: the kernel ends even a loop in C."""
    if resource is not None:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        used = int(usage.ru_utime + usage.ru_stime) + 1
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (used + seconds, hard))


def _answer(question: Frame) -> Frame:
    """The answer to any question. Readers meet broken files: whatever they raise is an answer."""
    path = Path(question.message["path"])
    try:
        return _JOBS[question.message["job"]](path, question)
    except LoadError as error:
        return pack_error(error)
    except OSError as error:
        return pack_error(unreadable(path, error))
    except MemoryError:
        return Frame({"out_of_memory": True})
    except ImportError as error:
        return pack_error(
            LoadError(str(path), f"A package is missing: {error.name}.", "Install Vouch again.")
        )
    except BaseException as error:  # what a library in Rust panics with is no Exception
        return pack_error(
            Damaged(
                str(path),
                f"{path.name} is damaged: its reader failed with {type(error).__name__}.",
                "Open and save it again with the program that made it, and add that.",
            )
        )


def _load(path: Path, _: Frame) -> Frame:
    return pack_document(load(path))


def _format(path: Path, _: Frame) -> Frame:
    return Frame({"format": format_of(path)})


def _member(path: Path, question: Frame) -> Frame:
    return Frame({}, member(path, question.message["name"]))


def _render(path: Path, question: Frame) -> Frame:
    """A page of a file, marked: by its character map, or by the boxes of the words OCR found."""
    from rag.loaders import image, pdf_picture
    from rag.loaders.picture import as_png, longest_side, words_marked

    message = question.message
    number, dpi, spans = message["number"], message["dpi"], _spans(message)
    is_pdf = format_of(path) == "pdf"
    if is_pdf and not message["by_words"]:
        return Frame({}, pdf_picture.render_page(path, number, question.block, spans, dpi))
    if is_pdf:
        picture = pdf_picture.page_picture(path, number, dpi)
    else:
        picture = image.page_picture(path, number)
        picture.thumbnail((longest_side(dpi), longest_side(dpi)))
    return Frame({}, as_png(words_marked(picture, question.block, spans)))


def _scan(path: Path, question: Frame) -> Frame:
    """A page of a file as OCR wants it."""
    from rag.loaders import image, pdf_picture
    from rag.loaders.picture import as_png, for_ocr
    from rag.loaders.tesseract import DPI

    number = question.message["number"]
    if format_of(path) == "pdf":
        picture = for_ocr(pdf_picture.page_picture(path, number, DPI), enlarge=False)
    else:
        picture = for_ocr(image.page_picture(path, number), enlarge=True)
    return Frame({}, as_png(picture))


def _draw(path: Path, question: Frame) -> Frame:
    """A unit of any document, as its text stands in the question."""
    from rag.loaders.text_picture import render_text

    message = question.message
    unit = Unit(message["number"], message["kind"], message["label"], message["text"],
                tuple(message["headings"]))  # fmt: skip
    return Frame({}, render_text(unit, path.name, _spans(message), message["dpi"]))


def _spans(message: dict[str, Any]) -> list[tuple[int, int]]:
    return [(start, end) for start, end in message["spans"]]


_JOBS: dict[str, Callable[[Path, Frame], Frame]] = {
    "load": _load,
    "format": _format,
    "member": _member,
    "render": _render,
    "scan": _scan,
    "draw": _draw,
}

if __name__ == "__main__":
    main()
