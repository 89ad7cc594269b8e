"""kill -9 while a library is embedded anew, and readers while it is, there and back.

Whatever the moment, one of the two models answers for all of the library, and the next run embeds
only what has no vector yet.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from rag.types import EmbeddingIdentity

from . import second_model
from .conftest import Library
from .crash import SMALL, ingest, rubbish
from .running import Ended, run
from .watched import watch

PLACES = (  # one after the other on the same library
    "before_commit:1",  # where it leads to is not written down yet
    "vectors_stored:2",
    "generation_proven",
    "generation_published",
    "before_commit:2",  # all is there but for the swap
)


def there(home: Path, kill: str = "") -> Ended:
    return reindex(home, "--embed-model", second_model.NAME, kill=kill)


def reindex(home: Path, *arguments: str, kill: str = "") -> Ended:
    environment = SMALL | ({"VOUCH_TEST_KILL": kill} if kill else {})
    command = ("reindex", *arguments, "--yes", "--json")
    return run(home, *command, driver=True, environment=environment)


def embedded_elsewhere(home: Path) -> int:
    """How many vectors there are of another model than the one that answers."""
    with closing(sqlite3.connect(home / "library.db")) as db:
        (own,) = db.execute("SELECT value FROM meta WHERE key = 'identity'").fetchone()
        key = EmbeddingIdentity.from_json(own).key
        sql = "SELECT count(*) FROM vectors WHERE identity != ?"
        return int(db.execute(sql, (key,)).fetchone()[0])


def test_a_kill_before_the_swap_costs_nothing_that_was_embedded(copied: Library) -> None:
    kept = []
    for place in PLACES:
        killed = there(copied.home, kill=place)
        assert killed.code == -9, f"the run never came to {place}: {killed.stderr}"
        assert copied.problems() == []
        kept.append(embedded_elsewhere(copied.home))
    assert 0 == kept[0] < kept[1] < kept[2] == kept[3] == kept[4]
    ended = there(copied.home)
    assert ended.code == 0, ended.stderr
    end = ended.lines[-1]
    assert (end["chunks"], end["chunks_embedded"]) == (kept[4], 0)
    assert end["current"]["model"] == second_model.NAME
    assert copied.problems() == []
    assert rubbish(copied.home, identities=2) == []


def test_a_kill_in_the_middle_of_embedding_costs_one_slice_at_most(copied: Library) -> None:
    killed = there(copied.home, kill="vectors_stored:2")
    assert killed.code == -9
    kept = embedded_elsewhere(copied.home)
    end = there(copied.home).lines[-1]
    assert end["chunks_embedded"] == end["chunks"] - kept < end["chunks"]


def test_a_kill_after_the_swap_leaves_the_new_model_answering_and_the_way_back_open(
    young: Library,
) -> None:
    assert there(young.home, kill="swapped").code == -9
    assert young.problems() == []
    assert reindex(young.home, "--rollback", kill="swapped").code == -9
    assert young.problems() == []
    back = reindex(young.home, "--rollback")
    assert (back.code, back.lines[-1]["chunks_embedded"]) == (0, 0)
    assert back.lines[-1]["current"]["model"] == second_model.NAME
    young.corpus.add_short(3)
    assert ingest(young.home, young.docs).code == 0
    assert young.problems() == []
    assert rubbish(young.home) == []


def test_readers_in_other_processes_are_answered_before_during_and_after(tmp_path: Path) -> None:
    watched = watch(tmp_path)
    assert there(watched.home).code == 0
    for _ in range(2):
        assert reindex(watched.home, "--rollback").code == 0
    watched.require_nothing_wrong()
