"""The process that builds generations and proves them (`python -m rag.indexes`).

Chroma takes longer to import than to build a small generation: where one will be due, the process
is begun ahead, while the last texts are embedded.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from rag.catalog.connection import Catalog
from rag.catalog.indexing import Generation
from rag.errors import DiskFull, LibraryDamaged
from rag.process import environment, module_command

_FULL = 64 * 2**20  # bytes free, below which a failure is put down to the disk


class Builder:
    """Builds generations of one catalog. `close` ends a process that was begun for nothing."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._begun: subprocess.Popen[str] | None = None

    def begin(self) -> None:
        """Have the process ready, if it is not yet."""
        self._begun = self._begun or subprocess.Popen(
            [*module_command("rag.indexes"), str(self._catalog.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )

    def build(self, identity: str, parent: Path, coming: Sequence[Generation]) -> None:
        """Build and prove generations of an identity, each in a folder of its name in `parent`.

        Raises `LibraryDamaged` where that fails, `DiskFull` where the disk is why.
        """
        jobs = [(str(parent / one.name), one.vectors, *one.commits) for one in coming]
        self.begin()
        process, self._begun = self._begun, None
        assert process is not None
        with process:
            try:
                _, said = process.communicate(json.dumps([identity, jobs]))
            except BaseException:
                process.kill()
                raise
        if process.returncode == 0:
            return
        if shutil.disk_usage(parent).free < _FULL:
            raise DiskFull(
                str(parent),
                "The disk is too full to build the vector index; all documents are safe.",
                "Make room and run the same command again.",
            )
        detail = (said.strip().splitlines() or [f"exit code {process.returncode}"])[-1]
        raise LibraryDamaged(
            str(parent),
            f"The vector index could not be built: {detail}.",
            "All documents are safe and searchable; run the same command again.",
        )

    def close(self) -> None:
        if self._begun is not None:
            with self._begun as process:
                process.kill()
            self._begun = None
