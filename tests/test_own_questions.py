"""Questions made from a library: what is made, what survives, what a run of them says."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import DATA, NOWHERE

from rag.assistant import Assistant, open_assistant
from rag.config import Settings, load_settings
from rag.errors import UsageError
from rag.evaluation import report
from rag.evaluation.own import questions
from rag.evaluation.own.asking import evaluate_own, judge
from rag.evaluation.own.by_rule import by_heading, by_words
from rag.evaluation.own.changing import changed
from rag.evaluation.own.checks import as_question, is_copy, stands_alone
from rag.evaluation.own.making import holds, make
from rag.evaluation.own.questions import OwnQuestion
from rag.evaluation.runs import Runs
from rag.types import StoredChunk
from tests.program import Ran, run_here
from tests.scripted_ollama import MODEL, ScriptedOllama

GUIDE = """# Harbour guide

## Mooring at night

Yachts moor at the outer pontoon after dusk, and the lamp of the pontoon stays lit until sunrise in
every season. The harbour master, Edda Vosskamp, keeps a spare key of the pontoon gate in the office.

## Fees of the season 2024

A berth of ten metres costs 48 euros a night in the summer of 2024, electricity and water included,
and half of that from October until the end of March. Children under twelve sleep aboard for nothing.
"""
DEPTHS = """# Depths

## Soundings of the channel

The survey of the channel found four metres of water at the lowest spring tide, beside the wreck of
the trawler Marguerite even less. Deep ships therefore wait for the flood at the fairway buoy, where
the pilot comes aboard and explains the bends of the channel.
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small library, embedded and answered without a model."""
    root = tmp_path_factory.mktemp("harbour")
    files = root / "files"
    files.mkdir()
    (files / "guide.md").write_text(GUIDE)
    (files / "depths.md").write_text(DEPTHS)
    with closing(open_assistant(settings_of(root / "home"))) as assistant:
        list(assistant.ingest(assistant.plan([files])))
    return root / "home"


def settings_of(home: Path) -> Settings:
    return load_settings({"home": home, "engine": "embedded", "ollama_host": NOWHERE}, {})


@pytest.fixture
def settings(built: Path, tmp_path: Path) -> Settings:
    """Those of a copy of the small library that is the test's own."""
    return settings_of(shutil.copytree(built, tmp_path / "own-home"))


@pytest.fixture
def assistant(settings: Settings) -> Iterator[Assistant]:
    with closing(open_assistant(settings)) as assistant:
        yield assistant


@pytest.fixture
def server() -> Iterator[ScriptedOllama]:
    server = ScriptedOllama()
    yield server
    server.close()


# ----------------------------------------------------------------- making, by rule


def test_questions_by_rule_are_spread_over_the_documents_and_the_same_for_a_seed(
    samples: Assistant,
) -> None:
    made = list(make(samples, 24, 0, []))
    assert made == list(make(samples, 24, 0, []))
    assert made != list(make(samples, 24, 1, []))
    answerable = [q for q in made if q.answerable]
    assert len(answerable) == 18
    assert len({q.path for q in answerable}) >= 10, "of eleven documents nearly each has one"
    assert max(Counter(q.path for q in answerable).values()) <= 3


def test_each_quote_stands_on_the_page_that_is_named(samples: Assistant) -> None:
    for question in make(samples, 24, 0, []):
        document = samples.document(question.path)
        page = next(u for u in samples.units(document.id) if u.number == question.page)
        assert question.quote in page.text


def test_what_makes_a_question_unanswerable_is_nowhere_in_the_library(samples: Assistant) -> None:
    made = [q for q in make(samples, 24, 0, []) if not q.answerable]
    assert made
    texts = [
        f"{document.name} {document.title} {unit.text}".casefold()
        for document in samples.documents()
        for unit in samples.units(document.id)
    ]
    for question in made:
        assert question.absent in question.question
        assert not any(question.absent.casefold() in text for text in texts)


def test_a_second_making_takes_other_places(samples: Assistant) -> None:
    first = list(make(samples, 12, 0, []))
    second = list(make(samples, 12, 0, first))
    assert second
    assert not {q.id for q in first} & {q.id for q in second}


def chunk(text: str, headings: tuple[str, ...] = (), title: str | None = None) -> StoredChunk:
    return StoredChunk(
        1, "d", "/d.md", "d.md", title, "0", False, 1, "section", "1", 0, len(text), headings, text,
        b"",
    )  # fmt: skip


RESIN = "The anchor resin cures within three hours where the masonry is colder than 5 °C."


def test_a_question_of_words_has_the_rarest_in_order_and_never_a_figure() -> None:
    uses = Counter({"anchor": 9, "hour": 9, "three": 9, "within": 9})
    drafted = by_words(chunk(f"Mind the gap. {RESIN}"), uses)
    assert drafted is not None
    assert drafted.question == "resin cures masonry colder"
    assert drafted.quote == RESIN


def test_rows_labels_and_headings_are_no_sentences_to_ask_of() -> None:
    row = "Petrel | tide gauge | with a mobile modem | for long ranges | 3,960 | on request only"
    label = "Distance to the water Footprint diameter Clearance from the wall Angle of the beam"
    assert by_words(chunk(row), Counter()) is None
    assert by_words(chunk(label), Counter()) is None


def test_a_heading_is_asked_with_the_title_above_it_and_without_its_number() -> None:
    drafted = by_heading(chunk(RESIN, ("Manual", "3.2 Setting the anchors"), "Petrel 4"))
    assert drafted is not None
    assert drafted.question == "Petrel 4: Setting the anchors"
    assert by_heading(chunk(RESIN, ("Summary",), "Petrel 4")) is None, "one word tells nothing"


# ----------------------------------------------------------------- made unanswerable


@pytest.mark.parametrize(
    ("question", "was"),
    [
        ("What did a berth cost in 2024?", "2024"),
        ("How long does a PT4-R run?", "PT4-R"),
        ("What is cured in 45 minutes?", "45"),
        ("Which key does Edda Vosskamp keep?", "Vosskamp"),
    ],
)
def test_what_tells_most_is_replaced_by_what_the_library_does_not_hold(
    question: str, was: str
) -> None:
    refused: list[str] = []

    def is_held(words: str) -> bool:
        refused.append(words)
        return len(refused) < 3

    change = changed(question, is_held)
    assert change is not None
    assert change.was == was
    assert change.now == refused[2], "the first two are held"
    assert change.question == question.replace(was, change.now)


def test_nothing_is_replaced_where_the_library_holds_it_all_or_nothing_is_a_name() -> None:
    assert changed("What did a berth cost in 2024?", lambda words: True) is None
    assert changed("Where is the key kept?", lambda words: False) is None
    assert changed("Welche Batterie braucht das Gerät und wie ist sie verpackt?",
                   lambda words: False) is None  # fmt: skip
    assert changed("Staff Handbook: Fire", lambda words: False, heading=True) is None


def test_a_library_holds_what_is_side_by_side_in_it(assistant: Assistant) -> None:
    assert holds(assistant, "Vosskamp")
    assert holds(assistant, "48 euros")
    assert not holds(assistant, "49 euros")
    assert not holds(assistant, "Lindqvist")


# ----------------------------------------------------------------- what a model asks


@pytest.mark.parametrize(
    ("written", "question"),
    [
        ("How long is it lit?", "How long is it lit?"),
        ('"Wann brennt die Lampe?"', "Wann brennt die Lampe?"),
        ("Here is one:\nHow long is it lit?", None),
        ("The lamp is lit until sunrise.", None),
        ("", None),
        ("?", None),
    ],
)
def test_only_one_question_on_one_line_is_taken(written: str, question: str | None) -> None:
    assert as_question(written) == question


@pytest.mark.parametrize(
    "question",
    [
        "What does this document say about berths?",
        "According to the passage, when is the lamp lit?",
        "Which value is given in the following table?",
        "What is mentioned above?",
        "Who wrote the report?",
        "How much do they cost?",
        "Was sagt dieser Text über Liegeplätze?",
        "Que dit ce document sur les quais ?",
    ],
)
def test_a_question_that_points_at_its_passage_does_not_stand_alone(question: str) -> None:
    assert not stands_alone(question)


def test_the_questions_that_people_wrote_of_the_samples_are_taken() -> None:
    rows = [json.loads(line) for line in (DATA / "questions.jsonl").read_text().splitlines()]
    for row in rows:
        assert as_question(row["question"]) and stands_alone(row["question"]), row["question"]
    answerable = [row for row in rows if row["answerable"]]
    copies = [row for row in answerable if is_copy(row["question"], row["quote"])]
    assert len(copies) <= len(answerable) / 10


def test_a_sentence_made_a_question_is_a_copy() -> None:
    assert is_copy("Does the anchor resin cure within three hours where masonry is colder than 5 °C?",
                   RESIN)  # fmt: skip
    assert not is_copy("How long must one wait for the resin in the cold?", RESIN)


LAMP = "How long does the light at the visitors' berths burn?"
QUOTE = "the lamp of the pontoon stays lit until sunrise in every season"


def written(settings: Settings, server: ScriptedOllama) -> Assistant:
    """The library with a chat model that says what the server is told to say."""
    flags = {"home": settings.home, "ollama_host": server.url}
    return open_assistant(load_settings(flags, {}))


def test_a_model_asks_and_is_kept_where_it_answers_back_with_a_checked_quote(
    settings: Settings, server: ScriptedOllama
) -> None:
    def act(prompt: str, attempt: int) -> list[str]:
        if "Question:" not in prompt:
            return [LAMP if "outer pontoon" in prompt else "What does this passage describe?"]
        return ["The lamp of the pontoon stays lit until sunrise in every season. [1]"]

    server.act = act
    with closing(written(settings, server)) as assistant:
        (question,) = [q for q in make(assistant, 4, 0, []) if q.answerable]
    assert (question.question, question.made_by) == (LAMP, MODEL)
    assert QUOTE in question.quote
    assert question.path.endswith("guide.md")


@pytest.mark.parametrize(
    "answer", ["This is not in your documents.", "The lamp burns for 900 hours. [1]"]
)
def test_a_question_that_the_model_cannot_answer_back_is_dropped(
    settings: Settings, server: ScriptedOllama, answer: str
) -> None:
    server.act = lambda prompt, attempt: [answer if "Question:" in prompt else LAMP]
    with closing(written(settings, server)) as assistant:
        assert not list(make(assistant, 4, 0, []))


# ----------------------------------------------------------------- the file


def own(question: str, **others: object) -> OwnQuestion:
    path, quote = str(others.pop("path", "/a.md")), str(others.pop("quote", "It is so."))
    found = OwnQuestion(questions.name(question), question, True, path, 1, quote, "me")
    return replace(found, **others)  # type: ignore[arg-type]


def test_what_a_person_wrote_stays_as_it_is_when_questions_are_added(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    by_hand = '{"question":  "Où est la clé?", "path": "/a.md", "quote": "La clé est là."}'
    path.write_text(by_hand)
    questions.add(path, [own("Why?")])
    assert path.read_text().splitlines()[0] == by_hand
    assert [q.question for q in questions.read(path)] == ["Où est la clé?", "Why?"]
    questions.add(path, [own("How?")], fresh=True)
    assert [q.question for q in questions.read(path)] == ["How?"]


def test_bad_lines_are_named_by_their_numbers_and_reasons(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    good = json.dumps({"question": "Why?", "answerable": False})
    bad = ["torn {", "[]", '{"answerable": false}', '{"question": "Where?"}', good]
    path.write_text("\n".join([good, "", *bad, "{\x00", '{"question": "Q", "kept": 1}']))
    with pytest.raises(UsageError) as caught:
        questions.read(path)
    message = caught.value.message
    for part in ("line 3: it is no JSON;", "line 4: it is no JSON object", "line 5: it has no question",
                 "line 6: an answerable question needs a path and a quote",
                 "line 7: the id", "and 2 more"):  # fmt: skip
        assert part in message


# ----------------------------------------------------------------- the run


def of_guide(assistant: Assistant) -> list[OwnQuestion]:
    path = next(d.path for d in assistant.documents() if d.name == "guide.md")
    return [
        own("What does a berth cost in summer?", path=path, quote="costs 48 euros a night"),
        own("Who has a spare key of the pontoon gate?", path=path, quote="Edda Vosskamp, keeps"),
        own("What does a berth cost in Lindqvist?", answerable=False, absent="Lindqvist"),
    ]


def test_a_run_measures_search_and_answers_of_the_library_itself(assistant: Assistant) -> None:
    before = assistant.status().sequence
    steps: list[tuple[int, int]] = []
    run = evaluate_own(assistant, of_guide(assistant), 5, lambda *step: steps.append(step))
    assert run.dataset == "own"
    assert run.mean("hybrid", "recall@5").value == 1.0
    key = next(one for one in run.answers if "key" in one.question)
    assert (key.outcome, key.by) == ("right", "quoting")
    assert [one.answerable for one in run.answers] == [True, True, False]
    assert steps[-1] == (9, 9)
    assert assistant.status().sequence == before, "nothing is ingested"
    assert report.answers(run)[2][:2] == ["not answerable", "1"]


def test_questions_that_cannot_be_judged_are_counted_and_left_out(assistant: Assistant) -> None:
    berth, key, stranger = of_guide(assistant)
    judged = judge(
        assistant,
        [
            berth,
            replace(key, id="1", path="/gone.md"),
            replace(key, id="2", quote="words that no longer stand there"),
            replace(key, id="3", keep=False),
            replace(stranger, id="4", absent="Vosskamp"),
        ],
    )
    assert [query.text for query in judged.queries] == [berth.question]
    assert not judged.unanswerable
    assert judged.left_out == {
        "document gone": 1, "quote gone": 1, "set aside": 1, "answerable by now": 1
    }  # fmt: skip


def test_a_quote_counts_wherever_a_copy_of_it_stands(settings: Settings, tmp_path: Path) -> None:
    copy = tmp_path / "copy of guide.md"
    copy.write_text(GUIDE.replace("# Harbour", "# Old harbour"))
    with closing(open_assistant(settings)) as assistant:
        list(assistant.ingest(assistant.plan([copy])))
        (query,) = judge(assistant, of_guide(assistant)[:1]).queries
    assert {Path(page).name.split("#")[0] for page in query.relevant} == {
        "guide.md", "copy of guide.md"
    }  # fmt: skip


def test_a_run_with_answers_is_read_again_and_compared(
    assistant: Assistant, tmp_path: Path
) -> None:
    run = evaluate_own(assistant, of_guide(assistant), 5)
    runs = Runs(tmp_path / "runs")
    read = runs.load(runs.save(run))
    assert read == run
    worse = replace(read, answers=tuple(replace(a, outcome="wrong") for a in read.answers))
    rows = report.answer_differences(worse, read)
    assert [row[2] for row in rows[1:]] == ["0%", "0%"]
    right = sum(one.outcome == "right" for one in run.answers)
    assert len(report.changed_answers(worse, read, 10)) == 1 + right


# ----------------------------------------------------------------- the command


Rag = Callable[..., Ran]


@pytest.fixture
def rag(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Rag:
    monkeypatch.setenv("RAG_HOME", str(settings.home))
    monkeypatch.setenv("RAG_ENGINE", "embedded")
    return lambda *arguments: run_here(["evaluate", *arguments], monkeypatch, capsys)


def test_questions_are_made_listed_asked_and_compared(rag: Rag, settings: Settings) -> None:
    assert "There are no questions yet" in rag("own", "--list").out
    made = rag("own", "--make", "--count", "4")
    assert made.code == 0
    assert "found by their words, not by what they mean" in " ".join(made.err.split())
    listed = rag("own", "--list", "--json").json
    assert Path(listed["file"]) == settings.library.own_questions
    assert {q["answerable"] for q in listed["questions"]} == {True, False}
    first = rag("own", "--answers", "2", "--json").json
    assert first["dataset"] == "own"
    assert first["modes"]["hybrid"]["recall@10"] == 1.0
    assert first["answers"]["by"] == "quoting"
    assert first["answers"]["unanswerable"]["asked"] == 1
    again = rag("own", "--answers", "2", "--against", "last", "--questions", "5")
    assert f"Against {first['run']}" in again.out
    assert "Answers by quoting" in again.out
    assert "Right answers" in again.out


def test_edits_survive_a_second_making_and_fresh_asks_first(rag: Rag, settings: Settings) -> None:
    rag("own", "--make", "--count", "2")
    path = settings.library.own_questions
    edited = path.read_text().replace('"keep": true', '"keep": false')
    path.write_text(edited)
    rag("own", "--make", "--count", "2")
    assert path.read_text().startswith(edited)
    refused = rag("own", "--make", "--fresh", "--json")
    assert (refused.code, refused.json["error"]["code"]) == (2, "usage")
    assert path.read_text().startswith(edited)
    rag("own", "--make", "--fresh", "--yes", "--count", "2")
    assert '"keep": false' not in path.read_text()


def test_without_questions_or_documents_what_to_do_is_said(rag: Rag, tmp_path: Path) -> None:
    ran = rag("own", "--json")
    assert ran.code == 2
    assert "rag evaluate own --make" in ran.json["error"]["hint"]
    empty = rag("own", "--make", "--json", "--home", str(tmp_path / "empty"))
    assert empty.json["error"]["code"] == "empty_library"
    assert rag("own", "--only", "lang=de").code == 2, "an option of a folder"
