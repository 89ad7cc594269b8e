"""Three readers in other processes, while a writer adds, changes and removes and generations come and
go.

Whatever the moment, a text that is there is found by both searches, and one that was reported as
gone is not. The long form is benchmarks/together.py.
"""

from __future__ import annotations

from pathlib import Path

from .watched import watch

SECONDS = 15.0
READERS = ("kept", "kept", "fresh")


def test_readers_always_find_what_is_there_and_never_what_was_removed(
    tmp_path: Path,
) -> None:
    watched = watch(tmp_path, READERS)
    said = watched.written_to(SECONDS)
    assert {"added", "updated", "removed"} <= said["outcomes"].keys()
    assert said["rounds"] > 1
    watched.require_nothing_wrong()
