"""The last stage of a run: what waits for OCR is recognised and committed, document by document.

The results of files that have pages for it are held back until then, so that each file has one
result. What waits elsewhere in the library comes after the files of the run, and has none.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from rag.chunking import CHUNKER, Chunker
from rag.errors import LoadError
from rag.ingest.commit import Committer, Embedded
from rag.ingest.prepare import again
from rag.ingest.recognise import Recognised, Recogniser
from rag.locks import WriterLock
from rag.types import SEARCHABLE, Document, FileResult


@dataclass(frozen=True, slots=True)
class OcrStage:
    """`known`: the documents as they were before the run, by path."""

    recogniser: Recogniser
    committer: Committer
    chunker: Chunker
    known: Mapping[str, Document]

    def run(
        self, held: dict[str, FileResult], lock: WriterLock
    ) -> Iterator[Embedded | Recognised | FileResult]:
        """Recognise and commit. `held`: results by the id of their document; all are told."""
        queue = self.recogniser.waiting(held)
        ids = {waiting.document.id for waiting in queue}
        yield from (held.pop(id_) for id_ in [*held] if id_ not in ids)
        total, done = sum(len(waiting.pages) for waiting in queue), 0
        for waiting in queue:
            document, started, refused = waiting.document, time.perf_counter(), False
            yield Recognised(document.path, 0, done, total)
            try:
                for page in self.recogniser.pages(waiting, lock):
                    done += 1
                    yield Recognised(document.path, page, done, total)
            except LoadError:  # no page can be recognised now; the next run tries again
                refused = True
            yield from self._committed(document, held.pop(document.id, None), started)
            if refused:
                break
        yield from held.values()

    def _committed(
        self, document: Document, result: FileResult | None, started: float
    ) -> Iterator[Embedded | FileResult]:
        """Commit what OCR has made of a document; its result, if it is a file of the run."""
        loaded = self.recogniser.loaded(document)
        if loaded is not None:
            prepared = again(document)
            prepared.version = replace(prepared.version, chunker=CHUNKER)
            prepared.started = started
            prepared.take(loaded, self.chunker)
            for event in self.committer.finish(self.committer.begin([prepared]), collect=False):
                if isinstance(event, Embedded):
                    yield event
                elif result is not None:
                    result = self._both(result, event)
        if result is not None:
            yield result

    def _both(self, first: FileResult, second: FileResult) -> FileResult:
        """One result of the two commits of a file: what was new, or had another text, is told so."""
        before, outcome = self.known.get(second.path), second.outcome
        if outcome in SEARCHABLE:
            outcome = "updated" if before is not None and before.searchable else "added"
        return replace(
            second,
            outcome=outcome,
            chunks_embedded=first.chunks_embedded + second.chunks_embedded,
            seconds=first.seconds + second.seconds,
        )
