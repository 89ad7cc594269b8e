"""Metrics against trec_eval, datasets of both forms, and a report whose numbers are known."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
import pytrec_eval

from rag.config import load_settings
from rag.errors import PathNotFound, UsageError
from rag.evaluation import metrics
from rag.evaluation.dataset import read_dataset
from rag.evaluation.run import evaluate

TEXTS = {
    "ferry/1": ("Ferry", "The ferry leaves the northern pier at noon & returns at dusk."),
    "bakery": ("Bakery", "The bakery sells rye bread <fresh> on Saturdays."),
    "library": ("Library", "The public library lends books for four weeks."),
}


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """A text dataset whose every question has one right record."""
    folder = tmp_path / "towns"
    folder.mkdir()
    records = [{"id": i, "title": t, "text": x} for i, (t, x) in TEXTS.items()]
    queries = [
        {"id": "q1", "text": "When does the ferry leave the pier?"},
        {"id": "q2", "text": "Where is rye bread sold?"},
        {"id": "q3", "text": "Nobody judged this one."},
    ]
    (folder / "corpus.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))
    (folder / "queries.jsonl").write_text("".join(json.dumps(q) + "\n" for q in queries))
    (folder / "qrels.tsv").write_text("q\td\tr\nq1\tferry/1\t1\nq2\tbakery\t1\nq3\tbakery\t0\n")
    return folder


@pytest.mark.parametrize("seed", range(20))
def test_scores_are_those_of_trec_eval(seed: int) -> None:
    chance = random.Random(seed)
    documents = [f"d{i}" for i in range(60)]
    relevant = dict.fromkeys(chance.sample(documents, chance.randint(1, 15)), 1)
    ranking = chance.sample(documents, 50)
    wanted = {"ndcg_cut.10", "recall.5,10,50", "recip_rank", "success.5,10"}
    run = {"q": {d: float(100 - rank) for rank, d in enumerate(ranking)}}
    expected = pytrec_eval.RelevanceEvaluator({"q": relevant}, wanted).evaluate(run)["q"]
    assert metrics.ndcg(ranking, relevant, 10) == pytest.approx(expected["ndcg_cut_10"])
    for k in (5, 10, 50):
        assert metrics.recall(ranking, relevant, k) == pytest.approx(expected[f"recall_{k}"])
    for k in (5, 10):
        assert metrics.success(ranking, relevant, k) == expected[f"success_{k}"]
    assert metrics.reciprocal_rank(ranking, relevant, 50) == pytest.approx(expected["recip_rank"])


def test_an_interval_holds_its_mean_and_narrows_with_more_questions() -> None:
    few, many = [0.0, 1.0] * 10, [0.0, 1.0] * 1000
    for values in (few, many):
        found = metrics.mean(values)
        assert found.low <= found.value == 0.5 <= found.high
    narrow, wide = metrics.mean(many), metrics.mean(few)
    assert narrow.high - narrow.low < (wide.high - wide.low) / 5


def test_the_same_rankings_do_not_differ() -> None:
    difference = metrics.mean_difference([0.3, 0.7], [0.3, 0.7])
    assert (difference.low, difference.value, difference.high) == (0, 0, 0)


def test_unjudged_questions_are_left_out(dataset: Path) -> None:
    assert [query.id for query in read_dataset(dataset).queries] == ["q1", "q2"]


def test_a_report_has_the_scores_of_search_as_it_is(dataset: Path, tmp_path: Path) -> None:
    settings = load_settings({"home": tmp_path / "home", "engine": "embedded"}, {})
    report = evaluate(settings, read_dataset(dataset))
    for mode in ("keyword", "dense", "hybrid"):
        assert report.mean(mode, "ndcg@10").value == 1.0
    assert not (tmp_path / "home" / "library.db").exists(), "the user's own library is not touched"


def test_a_second_run_embeds_nothing(dataset: Path, tmp_path: Path) -> None:
    settings = load_settings({"home": tmp_path / "home", "engine": "embedded"}, {})
    first = evaluate(settings, read_dataset(dataset))
    second = evaluate(settings, read_dataset(dataset))
    assert second.scores == first.scores


def test_pages_of_pdfs_are_judged_by_their_number(tmp_path: Path) -> None:
    manual = Path(__file__).resolve().parent.parent / "data" / "petrel-4-manual.pdf"
    folder = tmp_path / "manuals"
    folder.mkdir()
    (folder / "docs.jsonl").write_text(json.dumps({"id": "manual", "file": str(manual)}))
    question = "How long does a PT4-R run on a full battery without any sun?"
    (folder / "queries.jsonl").write_text(
        json.dumps({"id": "q", "text": question, "doc": "manual"})
    )
    (folder / "qrels.tsv").write_text("q\td\tr\nq\tmanual#10\t1\n")
    settings = load_settings({"home": tmp_path / "home", "engine": "embedded"}, {})
    report = evaluate(settings, read_dataset(folder), inside=True)
    assert report.mean("hybrid", "mrr@10").value == 1.0


def test_a_folder_that_is_no_dataset_is_named(tmp_path: Path) -> None:
    with pytest.raises(PathNotFound):
        read_dataset(tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"queries\.jsonl"):
        read_dataset(tmp_path)
