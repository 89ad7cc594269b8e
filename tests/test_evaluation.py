"""Metrics against trec_eval, datasets of both forms, and a report whose numbers are known."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
import pytrec_eval

from rag.config import Settings, load_settings
from rag.engines.embedded import EmbeddedEngine
from rag.errors import PathNotFound, UnknownRun, UsageError
from rag.evaluation import metrics, report
from rag.evaluation.dataset import read_dataset
from rag.evaluation.report import SHOWN
from rag.evaluation.run import evaluate
from rag.evaluation.runs import Asked, Run, Runs, Stage, mean_gain, paired
from rag.retrieval.recipe import STAGES
from rag.types import Task, Vectors

TEXTS = {
    "ferry/1": ("Ferry", "The ferry leaves the northern pier at noon & returns at dusk."),
    "bakery": ("Bakery", "The bakery sells rye bread <fresh> on Saturdays."),
    "library": ("Library", "The public library lends books for four weeks."),
}


def write(path: Path, rows: Sequence[dict[str, object]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


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
    write(folder / "corpus.jsonl", records)
    write(folder / "queries.jsonl", queries)
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


def test_unjudged_questions_are_left_out(dataset: Path) -> None:
    assert [query.id for query in read_dataset(dataset).queries] == ["q1", "q2"]


def settings_of(tmp_path: Path) -> Settings:
    return load_settings({"home": tmp_path / "home", "engine": "embedded"}, {})


def test_every_stage_is_measured_as_the_product_searches(dataset: Path, tmp_path: Path) -> None:
    run = evaluate(settings_of(tmp_path), read_dataset(dataset))
    assert list(run.stages) == list(STAGES)
    for stage in run.stages.values():
        assert stage.mean("ndcg@10").value == 1.0
        assert [one.found[0] for one in stage.asked] == ["ferry/1", "bakery"]
    assert not (tmp_path / "home" / "library.db").exists(), "the user's own library is not touched"


def test_a_second_run_embeds_nothing(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = evaluate(settings_of(tmp_path), read_dataset(dataset))
    embedded: list[str] = []
    original = EmbeddedEngine.embed

    def watched(self, model: str, texts: Sequence[str], task: Task) -> Vectors:
        embedded.append(task)
        return original(self, model, texts, task)

    monkeypatch.setattr(EmbeddedEngine, "embed", watched)
    second = evaluate(settings_of(tmp_path), read_dataset(dataset))
    assert set(embedded) == {"query"}
    for name, stage in second.stages.items():
        assert stage.values("ndcg@10") == first.stages[name].values("ndcg@10")


def test_another_corpus_of_the_same_name_gets_a_library_of_its_own(
    dataset: Path, tmp_path: Path
) -> None:
    before = read_dataset(dataset)
    evaluate(settings_of(tmp_path), before, ["keyword"])
    (dataset / "corpus.jsonl").write_text('{"id": "bakery", "title": "", "text": "Rye bread."}')
    after = read_dataset(dataset)
    assert after.digest != before.digest
    run = evaluate(settings_of(tmp_path), after, ["keyword"])
    assert run.stages["keyword"].values("recall@10") == [0.0, 1.0]


def test_only_questions_and_records_with_a_value_are_taken(tmp_path: Path) -> None:
    write(tmp_path / "corpus.jsonl", [{"id": i, "text": i, "lang": i} for i in ("de", "en")])
    questions = [{"id": i, "text": i, "lang": i, "hard": i == "de"} for i in ("de", "en")]
    write(tmp_path / "queries.jsonl", questions)
    (tmp_path / "qrels.tsv").write_text("q\td\tr\nde\tde\t1\nen\ten\t1\n")
    german = read_dataset(tmp_path, {"lang": "de"})
    assert [q.id for q in german.queries] == [r.id for r in german.records] == ["de"]
    hard = read_dataset(tmp_path, {"hard": "true"})
    assert [q.id for q in hard.queries] == ["de"]
    assert len(hard.records) == 2, "records without the field stay"
    with pytest.raises(UsageError, match="no judged question left"):
        read_dataset(tmp_path, {"lang": "fr"})


# --------------------------------------------------------------------------- stored runs


def run_of(*ndcg: float, at: str = "2026-01-02T03:04:05+00:00", dataset: str = "towns") -> Run:
    """A run of one stage whose questions score so."""
    asked = tuple(
        Asked(
            f"q{i}",
            f"Question {i}?",
            dict.fromkeys(SHOWN, value),
            (f"d{i}",),
            0.01,
            {"dense": 0.01},
        )
        for i, value in enumerate(ndcg)
    )
    return Run(dataset, "0", at, "a-model", 1.0, {"keyword": Stage(asked), "hybrid": Stage(asked)})


def test_a_run_is_read_again_as_it_was_stored(tmp_path: Path) -> None:
    runs = Runs(tmp_path / "runs")
    name = runs.save(run_of(0.25, 1.0))
    assert runs.names() == [name]
    assert runs.load(name) == run_of(0.25, 1.0)
    assert runs.load(str(tmp_path / "runs" / f"{name}.json")).name == name


def test_two_runs_of_one_second_are_both_kept(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    assert runs.save(run_of(0.1)) != runs.save(run_of(0.2))
    assert len(runs.names()) == 2


def test_last_is_the_newest_run_of_the_dataset(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    runs.save(run_of(0.1))
    newest = runs.save(run_of(0.2, at="2026-01-03T00:00:00+00:00"))
    runs.save(run_of(0.3, dataset="villages", at="2026-01-04T00:00:00+00:00"))
    assert runs.load("last", "towns").name == newest


@pytest.mark.parametrize("content", [None, "torn {", '{"stages": {}, "other": 1}'])
def test_what_is_no_run_is_an_error_of_ours(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "odd.json").write_text(content)
    with pytest.raises(UnknownRun):
        Runs(tmp_path).load("odd")


def test_a_gain_on_every_question_has_an_interval_above_zero() -> None:
    before, now = run_of(*[0.2, 0.4, 0.6] * 10), run_of(*[0.3, 0.5, 0.7] * 10)
    gain = mean_gain(paired(now.stages["hybrid"], before.stages["hybrid"]), "ndcg@10")
    assert gain.value == pytest.approx(0.1)
    assert 0 < gain.low <= gain.high


def test_runs_are_compared_on_the_questions_they_share() -> None:
    now, before = run_of(1.0, 1.0, 1.0).stages["hybrid"], run_of(0.5).stages["hybrid"]
    assert [pair.before.id for pair in paired(now, before)] == ["q0"]
    with pytest.raises(UsageError, match="no question in common"):
        paired(now, Stage(()))


def test_the_questions_that_changed_most_come_first_and_the_unchanged_not_at_all() -> None:
    now, before = run_of(0.5, 0.5, 1.0), run_of(0.4, 0.5, 0.0)
    rows = report.questions(paired(now.stages["hybrid"], before.stages["hybrid"]), 5)
    assert [row[:3] for row in rows[1:]] == [
        ["0.000", "1.000", "Question 2?"],
        ["0.400", "0.500", "Question 0?"],
    ]


def test_tables_are_markdown_whatever_the_question_holds() -> None:
    assert report.markdown([["a|b"], ["c\nd"]]) == "| a\\|b |\n| --- |\n| c d |"


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
    run = evaluate(settings_of(tmp_path), read_dataset(folder), ["hybrid"])
    assert list(run.stages) == ["hybrid", "hybrid inside"]
    for stage in run.stages.values():
        assert stage.mean("mrr@10").value == 1.0
        assert stage.asked[0].found[0] == "manual#10"


def test_a_folder_that_is_no_dataset_is_named(tmp_path: Path) -> None:
    with pytest.raises(PathNotFound):
        read_dataset(tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"queries\.jsonl"):
        read_dataset(tmp_path)
