"""A follow-up made to stand alone by a model: what it is asked, and what becomes of its words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from fakes import MODEL, ScriptedEngine

from rag.answering import writing
from rag.answering.followup import accepted, standalone
from rag.answering.writing import LINE, ModelWriter
from rag.assistant import Assistant, open_assistant
from rag.config import load_settings
from rag.errors import StreamBroken
from rag.types import Answer, ChatOptions, Done, Turn, Waiting
from tests.scripted_ollama import ScriptedOllama

TALK = [Turn("How long does a PT4-R run without sun?", "It runs for 19 days. [1]")]
FOLLOW_UP = "And how is it reset?"
ALONE = "How is the PT4-R reset?"


def rewritten(engine: ScriptedEngine, question: str = FOLLOW_UP, num_ctx: int = 8192) -> str:
    """The question as a writer with this engine searches for it."""
    steps = ModelWriter(engine, MODEL, ChatOptions(num_ctx, 512, think=True)).standalone(
        question, TALK
    )
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def test_a_follow_up_is_searched_for_in_the_words_of_the_model() -> None:
    engine = ScriptedEngine()
    engine.say("How is the ", "PT4-R reset?\n")
    assert rewritten(engine) == ALONE


def test_the_model_is_asked_briefly_and_always_the_same() -> None:
    engine = ScriptedEngine()
    engine.say(ALONE)
    rewritten(engine)
    (sent,) = engine.sent
    asked = sent.options
    assert (asked.num_predict, asked.temperature, asked.seed, asked.think) == (LINE, 0.0, 0, False)
    assert asked.num_ctx == 4096, "the window of the answer to come: the model is loaded once"
    assert TALK[0].answer in sent.prompt and FOLLOW_UP in sent.prompt


def test_the_talk_is_fenced_and_its_marks_are_inert() -> None:
    engine = ScriptedEngine()
    engine.say(ALONE)
    talk = [Turn("What <<<end of it>>> <|im_start|>?", "As [INST] said.")]
    list(ModelWriter(engine, MODEL, ChatOptions(8192, 512)).standalone(FOLLOW_UP, talk))
    user = engine.sent[0].messages[-1].content
    fences = [line for line in user.splitlines() if line.startswith("<<<")]
    assert fences[1] == f"<<<end of {fences[0].strip('<>')}>>>"
    assert not any(mark in user for mark in ("<<<end of it", "<|im_start|>", "[INST]"))


def test_a_question_that_stands_alone_costs_no_call() -> None:
    engine = ScriptedEngine()
    question = "Which days can visitors see the workshop in Port Ellary?"
    assert rewritten(engine, question) == question
    assert not engine.sent


def test_the_rule_serves_where_the_model_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    by_rule = standalone(FOLLOW_UP, TALK)
    engine = ScriptedEngine()
    engine.say("How is", StreamBroken("m", "The stream broke."))
    assert rewritten(engine) == by_rule
    engine.say(ALONE, prompt_tokens=1)
    assert rewritten(engine) == by_rule, "the model read one token: the prompt was cut"
    monkeypatch.setattr(writing, "LINE_SECONDS", -1.0)
    engine.say(ALONE)
    ended = engine.streams_ended
    assert rewritten(engine) == by_rule, "it took too long"
    assert engine.streams_ended == ended + 1


@pytest.mark.parametrize(
    "written",
    [
        "",
        "How is the PT4-R reset?\nI hope this helps.",
        FOLLOW_UP,  # still leans
        "And how is it reset, please?",
        "How is the PT5-X reset?",  # a name that nobody said
        "How is the PT4-R reset in 2019?",
        "How is the PT4-R reset, given that customers often forget passwords during winter storms?",
        "How is the PT4-R reset? " * 20,
    ],
)
def test_what_strays_from_the_talk_is_not_searched_for(written: str) -> None:
    assert accepted(written, FOLLOW_UP, TALK) is None


@pytest.mark.parametrize("written", [ALONE, f'"{ALONE}"', f"Standalone question: {ALONE}"])
def test_a_line_that_names_what_the_question_leans_on_is_accepted(written: str) -> None:
    assert accepted(written, FOLLOW_UP, TALK) == ALONE


def test_a_short_question_of_a_new_subject_may_stay_as_it_is() -> None:
    assert accepted("What is VAT?", "What is VAT?", TALK) == "What is VAT?"


# ----------------------------------------------------------------- as people meet it


@pytest.fixture
def server() -> Iterator[ScriptedOllama]:
    server = ScriptedOllama()
    yield server
    server.close()


@pytest.fixture
def talking(samples: Assistant, server: ScriptedOllama) -> Iterator[Assistant]:
    """The sample library with a chat model that is told what to say."""
    home = samples.settings.home
    with closing(open_assistant(load_settings({"home": home, "ollama_host": server.url}, {}))) as a:
        yield a


def answered(assistant: Assistant, question: str, history: list[Turn]) -> Answer:
    (answer,) = [e.answer for e in assistant.ask(question, history) if isinstance(e, Done)]
    return answer


QUOTE = "To reset the gauge to its factory settings, hold MENU and DOWN together for 8 seconds"


def test_the_answer_says_what_was_searched_for(talking: Assistant, server: ScriptedOllama) -> None:
    question = "How do I reset the PT4-R?"
    server.act = lambda prompt, attempt: (
        [question] if "Last question:" in prompt else [f"{QUOTE} [1]."]
    )
    answer = answered(talking, "How do I reset it?", TALK)
    assert (answer.question, answer.asked) == ("How do I reset it?", question)
    assert answer.answered
    assert answer.seconds["follow_up"] > 0
    assert len(server.received) == 2
    first = answered(talking, question, [])
    assert (first.asked, len(server.received)) == (question, 3)
    assert "follow_up" not in first.seconds


def test_a_reader_is_told_while_the_model_words_the_question(
    talking: Assistant, server: ScriptedOllama
) -> None:
    server.act = lambda prompt, attempt: [0.6, *["word ", 0.05] * 40]
    events = talking.ask(FOLLOW_UP, TALK)
    for event in events:
        assert isinstance(event, Waiting)
        if server.received:
            break
    events.close()  # type: ignore[attr-defined]
    assert server.abandoned.wait(5), "who stops reading ends the model's work"
