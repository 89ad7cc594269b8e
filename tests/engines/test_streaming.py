"""Many answers at once from a server that is slow, busy and breaks off: none lost, none doubled."""

from __future__ import annotations

import asyncio
import resource
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from rag.engines.ollama import client, streaming
from rag.engines.ollama.client import Timeouts
from rag.engines.ollama.engine import OllamaEngine
from rag.engines.ollama.slots import Slots
from rag.errors import EngineBusy, EngineTimeout, StreamBroken, VouchError
from rag.types import ChatDelta, ChatEvent, ChatOptions, Message, Prompt, Reply, Waiting
from tests.scripted_ollama import MODEL, Fault, ScriptedOllama

OPTIONS = ChatOptions(num_ctx=2048, num_predict=60)


@pytest.fixture
def server() -> Iterator[ScriptedOllama]:
    server = ScriptedOllama()
    yield server
    server.close()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries follow after milliseconds."""
    monkeypatch.setattr(streaming, "BACKOFF", (0.01, 0.02, 0.04, 0.05, 0.05, 0.05))


def engine(server: ScriptedOllama, slots: int = 1, **timeouts: float) -> OllamaEngine:
    return OllamaEngine(server.url, slots=slots, timeouts=Timeouts(**timeouts))


def ask(engine: OllamaEngine, text: str) -> Iterator[ChatEvent]:
    return engine.chat(MODEL, [Message("user", text)], OPTIONS)


def said(events: Iterator[ChatEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, ChatDelta))


def until(condition: object, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def test_a_hundred_at_once_are_all_answered_once_each_and_take_their_turns(
    server: ScriptedOllama,
) -> None:
    def act(prompt: str, attempt: int) -> list[str | float | Fault]:
        number = int(prompt.split()[1])
        if attempt == 1 and number % 5 == 0:
            return [Fault.BUSY]
        if attempt <= 2 and number % 7 == 0:
            return [0.01, Fault.RESET]
        return [0.02, f"answer to {number}, ", 0.01, "the end"]

    server.act = act
    answers: dict[int, str] = {}
    with closing(engine(server, slots=4)) as ollama:

        def one(number: int) -> None:
            answers[number] = said(ask(ollama, f"question {number} end"))

        threads = [threading.Thread(target=one, args=(n,)) for n in range(100)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert answers == {n: f"answer to {n}, the end" for n in range(100)}
    assert set(server.answered.values()) == {1} and len(server.answered) == 100
    assert server.most_serving <= 4


def test_memory_stays_flat_over_a_thousand_answers(server: ScriptedOllama) -> None:
    server.act = lambda prompt, attempt: ["word "] * 20
    with closing(engine(server, slots=8)) as ollama:

        def run(count: int) -> None:
            prompts = [Prompt(f"question {n}", OPTIONS) for n in range(count)]
            for event in ollama.generate_many(MODEL, prompts):
                assert isinstance(event, Waiting) or isinstance(event[1], Reply)

        run(200)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        run(1000)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert after - before < 20_000, "KiB; a thousand answers of 100 bytes leave nothing behind"


def test_the_line_is_visible_and_moves(server: ScriptedOllama) -> None:
    server.act = lambda prompt, attempt: [0.3, "done"]
    positions: list[int] = []
    with closing(engine(server)) as ollama:
        first, second = ask(ollama, "first"), ask(ollama, "second")
        assert next(first) == Waiting("model")
        third = ask(ollama, "third")
        assert next(second) == Waiting("queue", 1)
        positions = [e.position for e in third if isinstance(e, Waiting) and e.stage == "queue"]
        assert said(first) == said(second) == "done"
    assert positions[0] == 2 and positions[-1] == 1
    assert positions == sorted(positions, reverse=True)


def test_who_gives_up_in_the_line_frees_the_place_and_sends_nothing(
    server: ScriptedOllama,
) -> None:
    server.act = lambda prompt, attempt: [0.5, "done"]
    with closing(engine(server)) as ollama:
        first, second, third = (ask(ollama, name) for name in ("first", "second", "third"))
        assert next(first) == Waiting("model")
        assert next(second) == Waiting("queue", 1)
        assert next(third) == Waiting("queue", 2)
        second.close()  # type: ignore[attr-defined]
        assert said(first) == said(third) == "done"
    assert server.attempts == {"first": 1, "third": 1}


def test_an_answer_is_ended_before_its_first_word(server: ScriptedOllama) -> None:
    server.act = lambda prompt, attempt: [0.5, "late", 0.5, "later", 0.5, "last"]
    with closing(engine(server)) as ollama:
        first = ask(ollama, "first")
        assert next(first) == Waiting("model")
        until(lambda: server.attempts["first"])
        started = time.monotonic()
        first.close()  # type: ignore[attr-defined]
        second = ask(ollama, "second")
        while next(second) != Waiting("model"):
            pass
        assert time.monotonic() - started < 0.4, "the place is free at once"
        second.close()  # type: ignore[attr-defined]
    until(server.abandoned.is_set)
    assert not server.answered


def test_silence_is_told_several_times_a_second(server: ScriptedOllama) -> None:
    server.act = lambda prompt, attempt: [1.1, "at last"]
    with closing(engine(server)) as ollama:
        events = list(ask(ollama, "x"))
    waits = [event for event in events if isinstance(event, Waiting)]
    assert 3 <= len(waits) <= 8
    assert said(iter(events)) == "at last"


def test_nothing_is_sent_again_once_a_word_has_come(server: ScriptedOllama) -> None:
    server.act = lambda prompt, attempt: ["Half of an", 0.05, Fault.RESET]
    with closing(engine(server)) as ollama, pytest.raises(StreamBroken, match="in the middle"):
        said(ask(ollama, "x"))
    assert server.attempts["x"] == 1


def test_a_server_that_stays_busy_is_said_to_be(server: ScriptedOllama) -> None:
    server.act = lambda prompt, attempt: [Fault.BUSY]
    with closing(engine(server)) as ollama, pytest.raises(EngineBusy) as error:
        said(ask(ollama, "x"))
    assert server.attempts["x"] == len(streaming.BACKOFF) + 1
    assert "OLLAMA_MAX_QUEUE" in error.value.hint


def test_loading_has_a_time_out_of_its_own_and_so_has_the_next_word(
    server: ScriptedOllama,
) -> None:
    server.act = lambda prompt, attempt: [0.6, "slow to begin"]
    with closing(engine(server, load=5, read=0.2)) as ollama:
        assert said(ask(ollama, "x")) == "slow to begin"
    server.act = lambda prompt, attempt: ["quick to begin", 1.0, "and then nothing"]
    with closing(engine(server, load=5, read=0.2)) as ollama, pytest.raises(EngineTimeout):
        said(ask(ollama, "y"))
    server.act = lambda prompt, attempt: [1.0, "too slow to begin"]
    with closing(engine(server, load=0.2, read=5)) as ollama, pytest.raises(EngineTimeout) as error:
        said(ask(ollama, "z"))
    assert "load_timeout" in error.value.hint
    assert server.attempts["z"] == 1, "a time-out is not tried again: it would double the wait"


def test_of_many_prompts_one_failure_is_a_result_among_the_others(server: ScriptedOllama) -> None:
    def act(prompt: str, attempt: int) -> list[str | float | Fault]:
        return ["half", Fault.RESET] if prompt == "p3" else [prompt.upper()]

    server.act = act
    with closing(engine(server, slots=3)) as ollama:
        prompts = (Prompt(f"p{n}", OPTIONS) for n in range(8))
        results = dict(e for e in ollama.generate_many(MODEL, prompts) if isinstance(e, tuple))
    assert sorted(results) == list(range(8))
    for n, result in results.items():
        assert isinstance(result, VouchError if n == 3 else Reply), n
        if isinstance(result, Reply):
            assert result.text == f"P{n}"


def test_closing_many_prompts_stops_the_rest(server: ScriptedOllama) -> None:
    server.act = lambda prompt, attempt: [0.1, "done"]
    with closing(engine(server, slots=2)) as ollama:
        events = ollama.generate_many(MODEL, [Prompt(f"p{n}", OPTIONS) for n in range(50)])
        next(e for e in events if isinstance(e, tuple))
        events.close()  # type: ignore[attr-defined]
        time.sleep(0.3)
        sent = len(server.received)
        time.sleep(0.3)
        assert len(server.received) == sent < 8


def test_the_thoughts_of_a_model_are_no_part_of_its_answer(server: ScriptedOllama) -> None:
    part = streaming.ollama.ChatResponse(
        message=streaming.ollama.Message(role="assistant", thinking="Let me see.")
    )
    assert streaming._said(part) == ("", "Let me see.")


def test_a_prompt_is_sent_with_its_window_and_must_not_be_cut(server: ScriptedOllama) -> None:
    server.act = lambda prompt, attempt: ["ok"]
    with closing(engine(server)) as ollama:
        said(ask(ollama, "x"))
        said(ollama.generate(MODEL, Prompt("y", OPTIONS, system="Be brief.")))
    for body in server.received:
        assert body["options"]["num_ctx"] == 2048
        assert body["truncate"] is False and body["shift"] is False
    assert server.received[1]["system"] == "Be brief."


def test_those_first_in_line_are_served_first() -> None:
    async def run() -> list[str]:
        slots, order = Slots(1), []

        async def one(name: str) -> None:
            with slots.ticket() as ticket:
                while ticket.position:
                    await ticket.moved()
                order.append(name)
                await asyncio.sleep(0.001)

        await asyncio.gather(*(one(name) for name in "abcdef"))
        return order

    assert asyncio.run(run()) == list("abcdef")


def test_who_looks_at_a_server_that_hangs_is_not_held_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "AT_ONCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener:  # it takes connections, and is silent
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with closing(OllamaEngine(url, timeouts=Timeouts(load=600))) as engine:
            assert not engine.health().ok
            for look in (engine.models, engine.running):
                with pytest.raises(EngineTimeout):
                    look()
