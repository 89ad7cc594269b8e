"""What every engine that writes promises, on real weights: a model file and a real Ollama alike."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from rag.engines.gguf.digest import Digests
from rag.engines.gguf.engine import GgufEngine
from rag.errors import ModelMissing
from rag.types import ChatDelta, ChatOptions, Engine, Message
from tests.engines.gguf_files import ModelFiles
from tests.engines.ollama_server import CHAT_MODEL
from tests.engines.streams import deltas as deltas_of
from tests.engines.streams import first as first_of

OPTIONS = ChatOptions(num_ctx=1024, num_predict=60, stop=("\n",))
PASSAGE = "[1] terms.pdf, page 7\n{}\n\nQuestion: {}"


def asking(passage: str, question: str) -> list[Message]:
    return [
        Message("system", "Answer from the passages."),
        Message("user", PASSAGE.format(passage, question)),
    ]


QUESTION = asking("The warranty lasts 36 months. It covers all parts.", "How long is the warranty?")
STORY = [Message("user", "Once upon a time there was a little lighthouse")]


@dataclass(frozen=True)
class Subject:
    """An engine under test and its chat model."""

    engine: Engine
    model: str

    def ask(self, messages: list[Message], **options: object) -> list[ChatDelta]:
        return deltas_of(self.engine.chat(self.model, messages, replace(OPTIONS, **options)))


@pytest.fixture(scope="module")
def gguf(tmp_path_factory: pytest.TempPathFactory, model_files: ModelFiles) -> Iterator[Subject]:
    store = tmp_path_factory.mktemp("digests") / "digests.json"
    with closing(GgufEngine(Digests(store), threads=1)) as engine:
        engine.load(str(model_files.chat), OPTIONS.num_ctx)
        yield Subject(engine, str(model_files.chat))


@pytest.fixture(params=["gguf", pytest.param("ollama", marks=pytest.mark.ollama)])
def writer(request: pytest.FixtureRequest) -> Subject:
    if request.param == "gguf":
        found: Subject = request.getfixturevalue("gguf")
        return found
    return Subject(request.getfixturevalue("ollama_engine"), CHAT_MODEL)


def text(deltas: list[ChatDelta]) -> str:
    return "".join(delta.text for delta in deltas)


def test_an_answer_comes_in_pieces_and_its_counts_with_the_last(writer: Subject) -> None:
    deltas = writer.ask(QUESTION)
    assert len(deltas) > 3
    assert "36 months" in text(deltas)
    assert [delta.done for delta in deltas] == [False] * (len(deltas) - 1) + [True]
    assert deltas[0].text and deltas[0].prompt_tokens is None
    assert 3 < (deltas[-1].output_tokens or 0) < 60
    assert not deltas[-1].stopped_by_length


def test_the_counted_prompt_holds_what_the_model_read(writer: Subject) -> None:
    document = Path(__file__).parents[2].joinpath("data/staff-handbook.md").read_text()[:1500]
    for messages in (QUESTION, asking(document, "Who?"), asking("Petrel 4 | £3,890\n" * 20, "?")):
        planned = writer.engine.count_prompt(writer.model, messages)
        read = writer.ask(messages, num_predict=1)[-1].prompt_tokens
        assert read is not None and planned.low <= read <= planned.high


def test_a_stop_string_ends_the_answer_and_is_no_part_of_it(writer: Subject) -> None:
    whole = text(writer.ask(QUESTION))
    assert text(writer.ask(QUESTION, stop=("months",))) == whole[: whole.index("months")]


def test_an_answer_that_reaches_its_longest_says_so(writer: Subject) -> None:
    last = writer.ask(STORY, num_predict=5, stop=())[-1]
    assert last.stopped_by_length
    assert last.output_tokens == 5


def test_a_seed_gives_the_same_words_again_and_another_seed_others(writer: Subject) -> None:
    sampled = {"temperature": 1.5, "num_predict": 24, "stop": ()}
    # Ollama keeps what it has read: the first time it computes the prompt in other portions, and
    # rounding may differ, so only the times after it are alike
    _, once, again = (text(writer.ask(STORY, seed=7, **sampled)) for _ in range(3))
    assert once == again
    assert text(writer.ask(STORY, seed=8, **sampled)) != once


def test_no_letter_is_torn_where_it_takes_several_tokens(writer: Subject) -> None:
    # hieroglyphs are no words of the model: it writes each as four tokens, one a byte
    deltas = writer.ask(
        asking("The sign over the door shows 𓂀, 𓃠 and 鱻.", "What does the sign show?")
    )
    assert "𓂀, 𓃠 and 鱻" in text(deltas)
    assert (deltas[-1].output_tokens or 0) > len(deltas)
    assert not any("\ufffd" in delta.text for delta in deltas)


def test_a_closed_answer_ends_at_once_and_the_next_question_is_answered(writer: Subject) -> None:
    long = writer.engine.chat(writer.model, STORY, replace(OPTIONS, num_predict=900, stop=()))
    first_of(long)
    long.close()  # type: ignore[attr-defined]
    long.close()  # type: ignore[attr-defined]
    started = time.monotonic()
    assert "36 months" in text(writer.ask(QUESTION))
    assert time.monotonic() - started < 15, "900 tokens take longer"


def test_a_second_question_waits_for_the_first_and_both_are_answered(writer: Subject) -> None:
    first = writer.engine.chat(writer.model, STORY, replace(OPTIONS, num_predict=40, stop=()))
    begun = [first_of(first)]
    second: list[ChatDelta] = []
    thread = threading.Thread(target=lambda: second.extend(writer.ask(QUESTION)))
    thread.start()
    begun += deltas_of(first)
    thread.join(60)
    assert begun[-1].done and (begun[-1].output_tokens or 0) > 5
    assert "36 months" in text(second)


def test_a_chat_model_that_is_not_there_is_named_with_a_hint(writer: Subject) -> None:
    for call in (
        lambda: writer.engine.count_prompt("none-such.gguf", QUESTION),
        lambda: writer.engine.model_info("none-such.gguf"),
        lambda: list(writer.engine.chat("none-such.gguf", QUESTION, OPTIONS)),
    ):
        with pytest.raises(ModelMissing, match=r"none-such\.gguf") as error:
            call()
        assert error.value.hint


def test_a_chat_model_says_what_it_is(writer: Subject) -> None:
    info = writer.engine.model_info(writer.model)
    assert (info.context_length, info.dims) == (32768, 640)
    assert len(info.digest) == 64
    assert (info.size or 0) > 200_000_000
    assert info.capabilities
    assert any(model.digest == info.digest for model in writer.engine.models())
