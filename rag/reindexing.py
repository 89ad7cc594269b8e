"""Another embedding model for a library: which one, what that takes, there and back.

`assistant.reindexing` for the front doors. The work itself is in rag/ingest/reindex.py, what the
settings mean for it in engine_choice.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rag.catalog import indexing
from rag.catalog.connection import Catalog
from rag.chunking import Chunker
from rag.engine_choice import Engines, Use
from rag.engines import wordpiece
from rag.errors import EmptyLibrary, IdentityMismatch, UsageError
from rag.ingest.reindex import Outlook, Reindex, ReindexEvent, discard_former, outlook
from rag.locks import Holder, WriterLock
from rag.paths import Home
from rag.types import EmbeddingIdentity

_COMMAND = "rag reindex"


class Reindexing:
    """Embeds an open library anew. Safe to use from many threads; writing takes the lock."""

    def __init__(self, catalog: Catalog, home: Home, engines: Engines) -> None:
        self._catalog = catalog
        self._home = home
        self._engines = engines

    def target(self, model: str | None = None) -> EmbeddingIdentity:
        """What the library is to be embedded with: the model named here, or in the settings.

        Where neither names one: that of an unfinished re-embedding, else the library's own as it is
        today. Raises `EmptyLibrary` before the first commit, `ModelMissing` and its like.
        """
        with self._catalog.read() as db:
            own = indexing.next_identity(db) or indexing.identity(db)
        if own is None:
            raise EmptyLibrary(
                str(self._home.root),
                "The library has nothing to embed anew.",
                "The first documents are embedded with the model of the settings: rag ingest FOLDER",
            )
        return self._engines.reindex_target(own, model)

    def rollback_target(self) -> EmbeddingIdentity:
        """What the library was embedded with before, where its vectors are kept and it still runs.

        Raises `UsageError`, `IdentityMismatch`, and `ModelMissing` and its like.
        """
        with self._catalog.read() as db:
            former = indexing.former_identity(db)
        if former is None:
            raise UsageError(
                "rollback",
                "There is nothing to go back to: no earlier vectors are kept.",
                "They are kept from a reindex until an ingestion has embedded something new.",
            )
        if self._engines.embedder(former).identity.key != former.key:
            raise IdentityMismatch(
                former.model,
                f"{former.model} has changed: the vectors kept from it cannot be searched.",
                "Bring the old model back, or free their room: rag reindex --discard-old",
            )
        return former

    def outlook(self, target: EmbeddingIdentity) -> Outlook:
        """What a re-embedding with a target has before it."""
        return outlook(self._catalog, target)

    def foretell(self, target: EmbeddingIdentity) -> float:
        """About how many seconds it will take, measured by embedding a few texts."""
        return self._parts(target).foretell()

    def run(
        self,
        target: EmbeddingIdentity,
        wait: bool = True,
        on_wait: Callable[[Holder | None], None] | None = None,
    ) -> Iterator[ReindexEvent]:
        """Embed everything with a target beside what answers, then swap: `Swapped` comes last.

        Closing the iterator stops it; the next run embeds only the rest. Raises `LibraryBusy` with
        `wait=False` while another process writes.
        """
        with WriterLock(self._home.writer_lock, _COMMAND).acquire(wait, on_wait) as lock:
            yield from self._parts(target).run(lock)

    def discard_former(self, wait: bool = True) -> EmbeddingIdentity | None:
        """Give up the way back and free its room. Returns what could have been gone back to."""
        with WriterLock(self._home.writer_lock, _COMMAND).acquire(wait) as lock:
            return discard_former(self._catalog, self._home, lock)

    def uses(self, model: str) -> frozenset[Use]:
        """What a model is good for; empty where its engine does not say. Raises `ModelMissing`."""
        return self._engines.uses(model)

    def _parts(self, target: EmbeddingIdentity) -> Reindex:
        embedder = self._engines.embedder(target)
        return Reindex(self._catalog, self._home, embedder, target, Chunker(wordpiece.count))
