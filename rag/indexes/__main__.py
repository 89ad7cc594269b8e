"""`python -m rag.indexes DATABASE IDENTITY FOLDER`: one generation, built in a process of its own
and proven in another one, which has seen nothing of the first. Both are forks of this process where
that is safe: Chroma, which takes longer to import than to build a small generation, is imported once.

Prints {"sequence", "vectors"} as JSON and exits 0 if all is well, else says on stderr what is not.
"""

from __future__ import annotations

from rag import egress

egress.seal_environment()
egress.guard()

import json  # noqa: E402
import multiprocessing  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

from rag.catalog import chunks, vectors  # noqa: E402
from rag.catalog.connection import Catalog  # noqa: E402
from rag.indexes import vector  # noqa: E402
from rag.process import die_with_parent  # noqa: E402

SAMPLES = 20


def build(database: str, identity: str, folder: str) -> None:
    die_with_parent()
    with Catalog(Path(database)).read() as db:
        count = vectors.count_live(db)
        vector.build(Path(folder), vectors.live(db, identity, vector.BATCH), count)
        print(json.dumps({"sequence": chunks.sequence(db), "vectors": count}))


def probe(database: str, identity: str, folder: str) -> None:
    die_with_parent()
    with Catalog(Path(database)).read() as db:
        count = vectors.count_live(db)
        keys, rows = next(vectors.live(db, identity, SAMPLES))
    sys.exit(vector.probe(Path(folder), count, list(zip(keys, rows, strict=True))))


def main() -> int:
    die_with_parent()
    vector.import_chroma()
    multiprocessing.set_start_method("fork" if sys.platform == "linux" else "spawn")
    for step in (build, probe):
        child = multiprocessing.Process(target=step, args=sys.argv[1:], daemon=True)
        child.start()
        child.join()
        if child.exitcode:
            if child.exitcode < 0:
                print(f"ended by signal {-child.exitcode}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
