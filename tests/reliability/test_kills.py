"""kill -9 in the middle of an ingestion: nothing committed is lost, nothing is answered wrongly.

After each kill the library is opened twice by fresh processes (a torn index may open once); the run
after the last kill completes, embeds only what has no vector yet, and ends as an undisturbed run.
The long form, with as many kills as one likes, is benchmarks/crash.py.
"""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest

from rag.ingest.ahead import FIRST_SLICE

from .conftest import Library
from .corpus import Corpus
from .crash import Known, completed, ingest, kill_once, rubbish, snapshot, trapped

SEED = int(os.environ.get("VOUCH_TEST_SEED") or random.SystemRandom().randrange(10**6))
RANDOM_AIMS = ("random", "graph")
PLACES_TRIED = (  # all of them are tried by benchmarks/crash.py --places
    "after_commit:3",
    "tantivy_committed",
    "generation_proven",
)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    corpus = Corpus(tmp_path_factory.mktemp("kills") / "docs")
    corpus.add_short(60)
    corpus.add_long(150)
    corpus.add_short(60)
    return corpus


def assert_unharmed(problems: list[str]) -> None:
    assert problems == [], f"VOUCH_TEST_SEED={SEED}: {problems}"


def test_kills_at_random_moments_lose_nothing_and_the_next_run_completes(
    corpus: Corpus, tmp_path: Path
) -> None:
    chance = random.Random(SEED)
    home = tmp_path / "home"
    seconds = 5.0  # of the first run; the others take less
    for aim in RANDOM_AIMS:
        known = Known(corpus.versions)
        kill = kill_once(home, corpus.folder, known, aim, chance, seconds)
        print(kill)
        assert_unharmed(kill.problems)
        corpus.rewrite(10)
        corpus.delete(5)
        corpus.add_short(20)
    mirror = tmp_path / "undisturbed"
    assert ingest(mirror, corpus.folder).code == 0
    known = Known(corpus.versions)
    _, problems = completed(home, corpus.folder, snapshot(mirror), known)
    assert_unharmed(problems)


def test_a_kill_in_a_long_document_costs_no_vector_that_was_stored(tmp_path: Path) -> None:
    corpus = Corpus(tmp_path / "docs")
    corpus.add_long(180)
    home, mirror = tmp_path / "home", tmp_path / "undisturbed"
    kill = trapped(home, corpus.folder, Known(corpus.versions), "vectors_stored")
    assert_unharmed(kill.problems)
    assert (kill.documents, kill.hit) == (0, f"{FIRST_SLICE} vectors before their chunks")
    assert ingest(mirror, corpus.folder).code == 0
    ended, problems = completed(home, corpus.folder, snapshot(mirror), Known(corpus.versions))
    assert_unharmed(problems)
    assert ended.summary["chunks_embedded"] == 180 - FIRST_SLICE


def test_a_kill_between_two_steps_loses_nothing(young: Library, tmp_path: Path) -> None:
    """At one place after the other on the same library, with new files each time."""
    for place in PLACES_TRIED:
        young.corpus.rewrite(3)
        young.corpus.add_short(22)
        kill = trapped(young.home, young.docs, young.known, place)
        print(kill)
        assert not kill.ended_before, f"the run never came to {place}"
        assert_unharmed(kill.problems)
    mirror = tmp_path / "undisturbed"
    assert ingest(mirror, young.docs).code == 0
    _, problems = completed(young.home, young.docs, snapshot(mirror), young.known)
    assert_unharmed(problems)


def test_the_next_holder_of_the_lock_removes_what_a_kill_left(young: Library) -> None:
    young.corpus.add_short(22)
    kill = trapped(young.home, young.docs, young.known, "generation_withdrawn")
    assert not kill.ended_before
    assert rubbish(young.home)
    assert ingest(young.home, young.docs).code == 0
    assert rubbish(young.home) == []


def test_a_kill_while_the_keyword_index_is_built_anew_leaves_no_half_index(
    young: Library,
) -> None:
    """What was indexed before the damage is found by keyword all the same, now and later."""
    shutil.rmtree(young.home / "indexes" / "keyword")
    young.corpus.add_short(1)
    kill = trapped(young.home, young.docs, young.known, "tantivy_filling")
    assert not kill.ended_before
    assert_unharmed(kill.problems)
    assert ingest(young.home, young.docs).code == 0
    assert young.problems() == []
