"""The one ingestion of a server: which child process it is, and how it stands in numbers.

Knows nothing of pages; any of them may ask, at any time.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from rag.jobs import IngestJob, Progress


@dataclass(frozen=True, slots=True)
class Standing:
    """An ingestion in numbers. None: not known yet."""

    done: int
    total: int
    chunks_per_second: float | None
    seconds_left: float | None

    @property
    def share(self) -> float:
        """How much is done, from 0 to 1."""
        return min(self.done / self.total, 1.0) if self.total else 0.0


@dataclass(frozen=True, slots=True)
class Ingestion:
    """A job, what it reads in words for people, and when it began (monotonic seconds)."""

    job: IngestJob
    subject: str
    started: float

    @property
    def progress(self) -> Progress:
        return self.job.progress

    @property
    def standing(self) -> Standing:
        return standing(self.progress, time.monotonic() - self.started)


def standing(progress: Progress, seconds: float) -> Standing:
    """Numbers to show after so many seconds: files, or pages once OCR is at work.

    Unchanged files cost nothing and foretell nothing.
    """
    if progress.recognised is not None:
        return Standing(progress.recognised.done, progress.recognised.pages, None, None)
    files = [result for result in progress.results if result.container is None]
    done = len(files)
    unchanged = sum(result.outcome == "unchanged" for result in files)
    read, to_read = done - unchanged, progress.files - unchanged
    left = seconds / read * (to_read - read) if 0 < read <= to_read else None
    rate = progress.chunks_embedded / progress.embed_seconds if progress.embed_seconds else None
    return Standing(done, progress.files, rate, left)
