"""`python -m rag.indexes build|probe DATABASE IDENTITY FOLDER`: one generation, in its own process.

`build` prints {"sequence", "vectors"} as JSON; `probe` prints nothing and exits 0 if all is well.
"""

from __future__ import annotations

from rag import egress

egress.seal_environment()
egress.guard()

import json  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

from rag.catalog import chunks, vectors  # noqa: E402
from rag.catalog.connection import Catalog  # noqa: E402
from rag.indexes import vector  # noqa: E402
from rag.process import die_with_parent  # noqa: E402

SAMPLES = 20


def build(catalog: Catalog, identity: str, folder: Path) -> None:
    with catalog.read() as db:
        count = vectors.count_live(db)
        vector.build(folder, vectors.live(db, identity, vector.BATCH), count)
        print(json.dumps({"sequence": chunks.sequence(db), "vectors": count}))


def probe(catalog: Catalog, identity: str, folder: Path) -> str | None:
    with catalog.read() as db:
        count = vectors.count_live(db)
        keys, rows = next(vectors.live(db, identity, SAMPLES))
    return vector.probe(folder, count, list(zip(keys, rows, strict=True)))


def main() -> int:
    die_with_parent()
    verb, database, identity, folder = sys.argv[1:]
    catalog = Catalog(Path(database))
    if verb == "build":
        build(catalog, identity, Path(folder))
        return 0
    problem = probe(catalog, identity, Path(folder))
    if problem:
        print(problem, file=sys.stderr)
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main())
