"""The command line of the product, and after it some seconds of silence in the same process.

    python -m isolation.idle SECONDS demo --no-serve , search warranty

A library that calls home does so in a thread, seconds after it was imported: a program that ended
at once would prove nothing. Prints the modules that matter as the last line of its output.
"""

from __future__ import annotations

import sys
import time

WATCHED = ("onnxruntime", "chromadb", "tantivy", "tokenizers")
THEN = ","


def main(seconds: float, arguments: list[str]) -> None:
    from rag.cli.main import main as rag
    from rag.indexes import publish

    publish.TAIL_AT_END = (0, 0.0, 0)  # Chroma is used for a library of any size
    while arguments:
        end = arguments.index(THEN) if THEN in arguments else len(arguments)
        sys.argv = ["rag", *arguments[:end]]
        arguments = arguments[end + 1 :]
        try:
            rag()
        except SystemExit as ended:
            if ended.code:
                raise
    time.sleep(seconds)
    print("imported:", *(name for name in WATCHED if name in sys.modules), flush=True)


if __name__ == "__main__":
    main(float(sys.argv[1]), sys.argv[2:])
