"""`python -m rag.indexes DATABASE`: generations, each built in a process of its own
and proven in another one, which has seen nothing of the first. All are forks of this process where
that is safe: Chroma, which takes longer to import than to build a small generation, is imported once.

Reads [identity, [[folder, vectors, after, up to]]] as JSON, when Chroma is there: how many vectors
each is to hold, of which commits.
Exits 0 if all is well, else says on stderr what is not.
"""

from __future__ import annotations

from rag import egress

egress.seal_environment()
egress.guard()

from rag.process import die_with_parent  # noqa: E402

die_with_parent()  # before the imports: a second, in which a kill of the parent would go unnoticed

import json  # noqa: E402
import multiprocessing  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402
from collections.abc import Callable, Sequence  # noqa: E402
from itertools import islice  # noqa: E402
from pathlib import Path  # noqa: E402

from rag.hardware import available_memory  # noqa: E402
from rag.indexes import vector  # noqa: E402
from rag.indexes.building import build, probe  # noqa: E402

ROOM_FOR_TWO = 6 * 2**30  # bytes: a graph of 500,000 vectors takes two and a half gigabytes


def main() -> int:
    database = Path(sys.argv[1])
    vector.import_chroma()
    identity, wanted = json.load(sys.stdin)
    left = iter(wanted)
    roomy = (os.cpu_count() or 1) > 1 and available_memory() > ROOM_FOR_TWO
    multiprocessing.set_start_method("fork" if sys.platform == "linux" else "spawn")
    while some := list(islice(left, 1 + roomy)):
        jobs = [(database, identity, Path(folder), *rest) for folder, *rest in some]
        if not (_all_do(build, jobs) and _all_do(probe, jobs)):
            return 1
    return 0


def _all_do(step: Callable[..., None], jobs: Sequence[tuple[object, ...]]) -> bool:
    """Whether a step goes well for each, side by side."""
    children = [multiprocessing.Process(target=step, args=job, daemon=True) for job in jobs]
    for child in children:
        child.start()
    for child in children:
        child.join()
        if child.exitcode and child.exitcode < 0:
            print(f"ended by signal {-child.exitcode}", file=sys.stderr)
    return not any(child.exitcode for child in children)


if __name__ == "__main__":
    sys.exit(main())
