"""A tab's conversation, and answers that arrive from a thread of their own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from rag.assistant import Assistant
from rag.errors import QuestionTooLong
from rag.server.asking import Asking
from rag.types import Answer, AnswerEvent, Delta, Done, Retrieved, Timings, Waiting
from ui import words
from ui.chat import doing
from ui.conversation import Conversation, Source

QUESTION = "How long does the anchor resin need to harden at 5 °C?"


@pytest.fixture
def answer(samples: Assistant) -> Answer:
    events = list(samples.ask(QUESTION))
    assert isinstance(events[-1], Done)
    return events[-1].answer


def test_an_exchange_keeps_what_arrived_before_it_was_stopped() -> None:
    exchange = Conversation().begin("A question")
    for event in (Retrieved("A question", ()), Delta("Half an "), Delta("answer")):
        exchange.take(event)
    assert exchange.draft == "Half an answer"
    assert exchange.answer is None


def test_whoever_waits_in_line_is_told_the_place() -> None:
    exchange = Conversation().begin("A question")
    exchange.take(Retrieved("A question", ()))
    exchange.take(Waiting("queue", 2))
    assert "number 2 in line" in doing(exchange, 3.0) and "3 s" in doing(exchange, 3.0)
    exchange.take(Waiting("model"))
    assert "Reading" in doing(exchange, 4.0)
    exchange.take(Waiting("thinking"))
    assert "thinking" in doing(exchange, 5.0)
    exchange.take(Delta("Half"))
    assert doing(exchange, 6.0) == "Draft, not checked yet"


def test_the_receipt_says_how_fast_the_model_was(answer: Answer) -> None:
    taken = replace(answer.receipt, output_tokens=30, timings=Timings(1.2, 0.5, 2.0))
    sentence = words.receipt(replace(answer, receipt=taken))[-1]
    assert sentence.endswith("The model loaded in 1.2 s, read in 0.5 s, wrote 15 tokens/s.")


def test_the_history_has_answered_questions_only(answer: Answer) -> None:
    talk = Conversation()
    talk.begin("Answered").take(Done(answer))
    talk.begin("Stopped").take(Delta("Half"))
    assert [turn.question for turn in talk.history()] == ["Answered"]
    assert talk.history()[0].answer == answer.text


def test_a_new_chat_forgets_the_exchanges_and_closes_the_source(answer: Answer) -> None:
    talk = Conversation()
    talk.begin("A question")
    talk.open(answer.statements[0].citations[0])
    assert talk.source is not None
    talk.clear()
    assert (talk.exchanges, talk.source) == ([], None)


def test_a_citation_opens_at_its_quote_and_a_passage_as_a_whole(answer: Answer) -> None:
    citation = answer.statements[0].citations[0]
    source = Source.of(citation)
    assert (source.page, source.start, source.end) == (8, citation.start, citation.end)
    assert source.quote == citation.quote
    assert Source.of(answer.passages[0]).quote == ""


def test_events_arrive_in_order_in_batches() -> None:
    asking = Asking(lambda: (Delta(letter) for letter in "abc"))
    events = [event for batch in asking.batches(tick=0.01) for event in batch]
    assert events == [Delta("a"), Delta("b"), Delta("c")]


def test_a_page_is_awake_while_nothing_arrives() -> None:
    go = threading.Event()

    def stream() -> Iterator[AnswerEvent]:
        go.wait(10)
        yield Delta("late")

    batches = Asking(stream).batches(tick=0.01)
    assert [next(batches), next(batches)] == [[], []]
    go.set()
    assert [event for batch in batches for event in batch] == [Delta("late")]


def test_closing_an_abandoned_question_ends_its_stream() -> None:
    ended = threading.Event()

    def stream() -> Iterator[AnswerEvent]:
        try:
            while True:
                yield Delta("on and on ")
                ended.wait(0.01)
        finally:
            ended.set()

    asking = Asking(stream)
    next(asking.batches(tick=0.01))
    asking.close()
    assert ended.wait(5)


def test_what_asking_raises_reaches_the_page(samples: Assistant) -> None:
    with pytest.raises(QuestionTooLong):
        list(Asking(lambda: samples.ask("x" * 5000)).batches(tick=0.01))


def test_a_stream_that_breaks_gives_what_came_before(answer: Answer) -> None:
    def stream() -> Iterator[AnswerEvent]:
        yield Done(replace(answer, text="whole"))
        raise QuestionTooLong("q", "Too long.")

    seen = []
    with pytest.raises(QuestionTooLong):
        for batch in Asking(stream).batches(tick=0.01):
            seen += batch
    assert len(seen) == 1
