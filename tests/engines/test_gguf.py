"""Model files: exact counts, nothing cut, and every way in which a file or its process goes wrong."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from rag.engines.gguf import server
from rag.engines.gguf.digest import Digests
from rag.engines.gguf.engine import PLAIN_TEMPLATE, GgufEngine
from rag.engines.gguf.server import LlamaServer
from rag.errors import (
    BadSetting,
    EngineError,
    EngineTimeout,
    InputTooLong,
    ModelMissing,
    NotEnoughMemory,
    StreamBroken,
)
from rag.types import ChatDelta, ChatOptions, Message
from tests.engines.gguf_files import ModelFiles, header_only, with_facts
from tests.engines.streams import deltas
from tests.engines.streams import first as first_of

SHORT = ChatOptions(num_ctx=512, num_predict=8, stop=("\n",))
HELLO = [Message("user", "The capital of France is")]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[GgufEngine]:
    with closing(GgufEngine(Digests(tmp_path / "digests.json"), threads=1)) as engine:
        yield engine


@pytest.fixture
def altered(tmp_path: Path, model_files: ModelFiles) -> Iterator[Callable[..., Path]]:
    """Copies of the real model with other metadata; large, so they do not stay."""
    path = tmp_path / "altered.gguf"
    yield lambda **facts: with_facts(
        model_files.base, path, {name.replace("__", "."): value for name, value in facts.items()}
    )
    path.unlink(missing_ok=True)


def ask(engine: GgufEngine, path: Path, options: ChatOptions = SHORT) -> list[ChatDelta]:
    return deltas(engine.chat(str(path), HELLO, options))


def pid_of(engine: GgufEngine) -> int:
    assert engine._loaded is not None and engine._loaded.server.pid is not None
    return engine._loaded.server.pid


# --------------------------------------------------------------------------- counts and the window


def test_counts_are_exact_and_the_tokenizers_own(
    engine: GgufEngine, model_files: ModelFiles
) -> None:
    texts = ["Hello world", "", "𓃠"]
    counts = engine.count_tokens(str(model_files.base), texts)
    assert [(count.low, count.high) for count in counts] == [(2, 2), (0, 0), (4, 4)]


def test_a_prompt_is_answered_if_one_token_is_left_and_else_refused_whole(
    engine: GgufEngine, model_files: ModelFiles
) -> None:
    # 300 is no window of llama.cpp's own, which are multiples of 256: ours holds all the same
    path = str(model_files.base)
    words = 300 - engine.count_prompt(path, [Message("user", "")]).high
    fits = [Message("user", " ".join(["word"] * (words - 1)))]
    planned = engine.count_prompt(path, fits)
    assert planned.low == planned.high == 299
    last = deltas(engine.chat(path, fits, ChatOptions(300, 50)))[-1]
    assert (last.prompt_tokens, last.output_tokens, last.stopped_by_length) == (299, 1, True)
    with pytest.raises(InputTooLong, match="300 tokens"):
        next(
            iter(
                engine.chat(
                    path, [Message("user", " ".join(["word"] * words))], ChatOptions(300, 50)
                )
            )
        )


def test_a_prompt_that_llama_cpp_itself_refuses_is_an_input_too_long(
    engine: GgufEngine, model_files: ModelFiles
) -> None:
    engine.load(str(model_files.base), 256)
    assert engine._loaded is not None
    with pytest.raises(InputTooLong, match="window of 256"):
        engine._loaded.server.ask(
            "/v1/chat/completions", {"messages": [{"role": "user", "content": "word " * 300}]}
        )


def test_a_window_is_never_larger_than_the_models_own(
    engine: GgufEngine, altered: Callable[..., Path]
) -> None:
    path = altered(gemma3__context_length=512)
    engine.load(str(path), 100_000)
    assert engine._loaded is not None and engine._loaded.num_ctx == 512


# --------------------------------------------------------------------------- the template


def test_the_template_of_the_file_makes_the_prompt(
    engine: GgufEngine, model_files: ModelFiles
) -> None:
    assert engine.check(str(model_files.chat), 512) is None
    bare = engine.count_prompt(str(model_files.base), HELLO).high
    assert engine.count_prompt(str(model_files.chat), HELLO).high > bare + 200


def test_a_file_without_a_template_continues_plain_text_and_says_so(
    engine: GgufEngine, model_files: ModelFiles
) -> None:
    path = str(model_files.base)
    assert "has no chat template" in (engine.check(path, 512) or "")
    passage = "The warranty lasts 36 months.\n\nQuestion: How long does the warranty last?"
    messages = [Message("system", "Answer from the passages."), Message("user", passage)]
    answer = "".join(d.text for d in deltas(engine.chat(path, messages, ChatOptions(512, 40))))
    assert "36 months" in answer
    assert "\n\n" not in answer and "Question:" not in answer
    rendered = f"Answer from the passages.\n\n{passage}\nAnswer:"
    (plain,) = engine.count_tokens(path, [rendered])
    assert engine.count_prompt(path, messages).high == plain.high + 1  # and one that begins it
    assert "chat" not in PLAIN_TEMPLATE  # no marks of a template that it was never taught


def test_a_template_without_a_place_for_rules_gets_them_before_the_question(
    engine: GgufEngine, altered: Callable[..., Path]
) -> None:
    template = (
        "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
        "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
    )
    path = str(altered(tokenizer__chat_template=template))
    rules = [Message("system", "Obey the rules. " * 10), *HELLO]
    assert engine.count_prompt(path, rules).high > engine.count_prompt(path, HELLO).high + 30


# --------------------------------------------------------------------------- options


def test_what_was_asked_of_the_sampler_is_done(engine: GgufEngine, model_files: ModelFiles) -> None:
    def said(**options: Any) -> str:
        answer = ask(engine, model_files.base, replace(SHORT, stop=(), num_predict=12, **options))
        return "".join(delta.text for delta in answer)

    greedy = said()
    assert said(temperature=2.0, seed=3) != greedy
    assert said(temperature=2.0, seed=3, top_k=1) == greedy
    assert said(temperature=2.0, seed=3, top_p=0.0001) == greedy


def test_a_text_obeys_the_schema_that_was_asked_for(
    engine: GgufEngine, model_files: ModelFiles
) -> None:
    schema = {
        "type": "object",
        "properties": {"capital": {"enum": ["Paris", "Rome"]}},
        "required": ["capital"],
    }
    answer = ask(engine, model_files.base, ChatOptions(512, 40, format=schema))
    text = "".join(delta.text for delta in answer)
    assert json.loads(text)["capital"] in ("Paris", "Rome")


def test_the_last_piece_says_where_the_time_went(
    engine: GgufEngine, model_files: ModelFiles
) -> None:
    started = time.monotonic()
    timings = ask(engine, model_files.base)[-1].timings
    assert timings is not None
    assert 0 < timings.prompt + timings.generation < time.monotonic() - started


# --------------------------------------------------------------------------- what is no model


@pytest.mark.parametrize(
    ("facts", "tensors", "says"),
    [
        ({"general.type": "adapter"}, 1, "LoRA"),
        ({"general.type": "mmproj"}, 1, "mmproj"),
        ({"general.architecture": "clip"}, 1, "mmproj"),
        ({"general.type": "imatrix"}, 1, "no model"),
        ({"general.architecture": "llama"}, 0, "no model"),
        ({"general.architecture": "qwen3", "qwen3.pooling_type": 3}, 1, "embedding"),
        ({"general.architecture": "bert", "bert.attention.causal": False}, 1, "embedding"),
        ({"general.architecture": "llama", "split.count": 3}, 1, "one part of several"),
    ],
)
def test_a_gguf_file_that_is_no_whole_language_model_is_refused_with_what_it_is(
    engine: GgufEngine, tmp_path: Path, facts: dict[str, object], tensors: int, says: str
) -> None:
    path = header_only(tmp_path / "x.gguf", facts, tensors)
    with path.open("ab") as file:
        file.write(bytes(64))
    with pytest.raises(EngineError, match=says) as error:
        engine.check(str(path), 512)
    assert "x.gguf" in error.value.message and error.value.hint


GOOD = {"general.architecture": "llama", "llama.context_length": 512}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "cut off"),
        (b"%PDF-1.7 not a model", "no GGUF file"),
        (b"GGUF", "cut off"),
        (b"GGUF\x01\0\0\0" + bytes(40), r"version of GGUF \(1\)"),
        (b"GGUF\0\0\0\x03" + bytes(40), "version of GGUF"),  # from a big-endian machine
        (b"GGUF\x03\0\0\0" + b"\xff" * 16, "cut off|damaged"),
        (b"GGUF\x03\0\0\0" + b"\0" * 8 + b"\1" + b"\0" * 7 + b"\xff" * 60, "damaged"),
        (b"GGUF\x03\0\0\0" + b"\0" * 8 + b"\1" + bytes(15) + b"\x63" + bytes(60), "kind 99"),
    ],
)
def test_a_file_that_is_no_whole_gguf_is_refused_before_anything_is_started(
    engine: GgufEngine, tmp_path: Path, content: bytes, says: str
) -> None:
    path = tmp_path / "bad.gguf"
    path.write_bytes(content)
    with pytest.raises(EngineError, match=says) as error:
        ask(engine, path)
    assert "bad.gguf" in error.value.message and error.value.hint
    assert engine._loaded is None


@pytest.mark.parametrize("share", [0.001, 0.02, 0.3, 0.99])
def test_a_file_that_was_not_fetched_to_its_end_is_refused(
    engine: GgufEngine, tmp_path: Path, model_files: ModelFiles, share: float
) -> None:
    path = tmp_path / "cut.gguf"
    size = model_files.base.stat().st_size
    with model_files.base.open("rb") as file:
        path.write_bytes(file.read(int(size * share)))
    with pytest.raises(EngineError, match="cut off"):
        engine.check(str(path), 512)
    path.unlink()


def test_a_file_that_may_not_be_read_is_refused_with_the_reason(
    engine: GgufEngine, tmp_path: Path, unprivileged: Callable[[], object]
) -> None:
    path = header_only(tmp_path / "mine.gguf", GOOD)
    path.chmod(0)
    with unprivileged(), pytest.raises(EngineError, match="Permission denied"):  # type: ignore[attr-defined]
        engine.check(str(path), 512)


def test_without_the_extra_the_install_line_is_given(
    engine: GgufEngine, model_files: ModelFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModelMissing) as error:
        engine.check(str(model_files.base), 512)
    assert "vouch-rag[llama]" in error.value.hint
    assert not engine.health().ok


def test_a_model_file_embeds_nothing_and_says_what_does(engine: GgufEngine) -> None:
    for call in (lambda: engine.embed("a.gguf", ["x"], "query"), lambda: engine.identity("a.gguf")):
        with pytest.raises(EngineError, match=r"a\.gguf") as error:
            call()
        assert "nomic-embed-text" in error.value.hint


# --------------------------------------------------------------------------- memory


def test_a_window_that_does_not_fit_the_memory_is_refused_with_the_numbers(
    engine: GgufEngine, altered: Callable[..., Path]
) -> None:
    path = str(altered(gemma3__context_length=2_000_000_000))
    with pytest.raises(NotEnoughMemory) as error:
        engine.load(path, 1_000_000_000)
    numbers = re.search(r"needs ([\d,.]+) GB .* ([\d.]+) GB are free", error.value.message)
    assert numbers, error.value.message
    # three layers of 256 + 256 numbers of two bytes, and the mask of a batch
    assert float(numbers[1]) == pytest.approx(3 * 1024 + 1024, rel=0.01)
    assert 0 < float(numbers[2]) <= psutil.virtual_memory().total / 1e9
    assert "num_ctx" in error.value.hint
    assert engine._loaded is None
    engine.load(path, 512)
    unchecked = GgufEngine(engine._digests, memory_check=False)
    assert "no chat template" in (unchecked.check(path, 1_000_000_000) or "")


def test_memory_is_given_back_when_idle_and_the_next_question_is_answered(
    tmp_path: Path, model_files: ModelFiles
) -> None:
    digests = Digests(tmp_path / "digests.json")
    with closing(GgufEngine(digests, threads=1, keep_alive="1s")) as engine:
        assert ask(engine, model_files.base)[-1].done
        process = psutil.Process(pid_of(engine))
        loaded = process.memory_info().rss
        deadline = time.monotonic() + 20
        while process.memory_info().rss > loaded / 2 and time.monotonic() < deadline:
            time.sleep(0.2)
        assert process.memory_info().rss < loaded / 2
        assert ask(engine, model_files.base)[-1].done
        assert pid_of(engine) == process.pid


def test_a_keep_alive_that_is_no_time_is_a_bad_setting(
    tmp_path: Path, model_files: ModelFiles
) -> None:
    engine = GgufEngine(Digests(tmp_path / "digests.json"), keep_alive="soon")
    with pytest.raises(BadSetting, match="soon"):
        engine.load(str(model_files.base), 512)


# --------------------------------------------------------------------------- crashes


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"gemma3__block_count": 40}, "blk.18"),  # llama.cpp refuses it
        ({"tokenizer__chat_template": "{% if %}"}, "template"),
        ({"gemma3__rope__dimension_count": 1000}, "crashed .*GGML_ASSERT"),  # it aborts
    ],
)
def test_a_damaged_model_ends_in_an_error_that_names_file_and_cause(
    engine: GgufEngine,
    altered: Callable[..., Path],
    model_files: ModelFiles,
    facts: dict[str, object],
    says: str,
) -> None:
    path = altered(**facts)
    with pytest.raises(EngineError, match=says) as error:
        ask(engine, path)
    assert "altered.gguf" in error.value.message and error.value.hint
    assert ask(engine, model_files.base)[-1].done, "and the engine goes on"


def test_a_model_that_crashes_while_it_answers_is_a_broken_stream(
    engine: GgufEngine, altered: Callable[..., Path], model_files: ModelFiles
) -> None:
    path = altered(gemma3__context_length=0)
    with pytest.raises(StreamBroken, match="signal"):
        ask(engine, path)
    assert ask(engine, model_files.base)[-1].done


def test_a_process_killed_in_mid_answer_is_a_broken_stream_and_starts_again(
    engine: GgufEngine, model_files: ModelFiles
) -> None:
    stream = engine.chat(str(model_files.base), HELLO, ChatOptions(2048, 1500))
    first_of(stream)
    first = pid_of(engine)
    os.kill(first, signal.SIGKILL)
    with pytest.raises(StreamBroken, match="signal 9") as error:
        list(stream)
    assert "memory" in error.value.hint
    assert ask(engine, model_files.base)[-1].done
    assert pid_of(engine) != first


def test_a_process_that_stands_still_is_a_time_out(tmp_path: Path, model_files: ModelFiles) -> None:
    digests = Digests(tmp_path / "digests.json")
    with closing(GgufEngine(digests, threads=1, read_timeout=30)) as engine:
        engine.load(str(model_files.base), 512)
        assert engine._loaded is not None
        engine._loaded.server._http.timeout = 1
        os.kill(pid_of(engine), signal.SIGSTOP)
        with pytest.raises(EngineTimeout, match="too long"):
            ask(engine, model_files.base)


def test_a_template_that_never_ends_is_a_time_out_and_its_process_ends(
    tmp_path: Path, altered: Callable[..., Path]
) -> None:
    path = altered(tokenizer__chat_template="{% for i in range(10000000000) %}x{% endfor %}")
    digests = Digests(tmp_path / "digests.json")
    with closing(GgufEngine(digests, threads=1, load_timeout=5)) as engine:
        with pytest.raises(EngineTimeout, match=r"altered\.gguf"):
            engine.load(str(path), 512)
        assert not _children()


def test_a_question_called_off_while_the_prompt_is_read_lets_the_next_one_in(
    engine: GgufEngine, model_files: ModelFiles
) -> None:
    path = str(model_files.base)
    engine.load(path, 4096)
    long = [Message("user", "The harbour office opens at nine. " * 450)]
    assert engine.count_prompt(path, long).high > 3000
    assert engine._loaded is not None
    body = {"messages": [{"role": "user", "content": long[0].content}], "stream": True}
    reading = engine._loaded.server.stream(
        "/v1/chat/completions", {**body, "return_progress": True}
    )
    progress = next(reading)["prompt_progress"]
    assert progress["processed"] < progress["total"]
    reading.close()
    started = time.monotonic()
    assert ask(engine, model_files.base)[-1].done
    waited = time.monotonic() - started
    assert waited < 20, "the whole prompt takes longer"


# --------------------------------------------------------------------------- the process


def test_one_process_serves_until_it_is_closed_and_leaves_nothing(
    engine: GgufEngine, model_files: ModelFiles
) -> None:
    ask(engine, model_files.base)
    first = pid_of(engine)
    ask(engine, model_files.base, ChatOptions(256, 4))
    engine.count_tokens(str(model_files.base), ["x"])
    assert pid_of(engine) == first
    ask(engine, model_files.base, ChatOptions(1024, 4))
    assert pid_of(engine) != first, "a larger window is loaded anew"
    assert engine._loaded is not None
    folder = Path(engine._loaded.server._folder.name)
    assert folder.stat().st_mode & 0o777 == 0o700
    second = pid_of(engine)
    engine.close()
    engine.close()
    assert not psutil.pid_exists(first) and not psutil.pid_exists(second)
    assert not folder.exists()


def test_a_file_that_changed_under_its_name_is_loaded_anew(
    engine: GgufEngine, altered: Callable[..., Path]
) -> None:
    path = altered(general__name="one")
    ask(engine, path)
    first, digest = pid_of(engine), engine.model_info(str(path)).digest
    altered(general__name="another")
    ask(engine, path)
    assert pid_of(engine) != first
    assert engine.model_info(str(path)).digest != digest


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it ends when its pipe closes")
def test_the_process_dies_with_the_program(model_files: ModelFiles, tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path\n"
        "from rag.engines.gguf.engine import GgufEngine\n"
        "from rag.engines.gguf.digest import Digests\n"
        "engine = GgufEngine(Digests(Path(sys.argv[2])), threads=1)\n"
        "engine.load(sys.argv[1], 512)\n"
        "print(engine._loaded.server.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    command = [sys.executable, "-c", program, str(model_files.base), str(tmp_path / "d.json")]
    environment = {**os.environ, "PYTHONPATH": str(Path(server.__file__).parents[3])}
    environment["TMPDIR"] = tempfile.mkdtemp(dir=tmp_path)
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 5
    while psutil.pid_exists(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not psutil.pid_exists(pid)


def test_a_process_that_cannot_start_is_an_error_that_names_the_file(
    engine: GgufEngine, model_files: ModelFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_COMMAND", ("/no/such/python",))
    with pytest.raises(EngineError, match=model_files.base.name):
        engine.load(str(model_files.base), 512)


def test_lines_of_a_stream_end_where_bytes_say_so_only() -> None:
    chunks = ["data: a\u2028b\x85c\nda".encode(), b"ta: d", b"\n\n", "é".encode()[:1]]
    assert list(server._lines(chunks)) == ["data: a\u2028b\x85c".encode(), b"data: d", b""]


def test_every_failure_of_the_connection_is_one_of_ours(
    engine: GgufEngine, model_files: ModelFiles
) -> None:
    engine.load(str(model_files.base), 512)
    assert engine._loaded is not None
    running: LlamaServer = engine._loaded.server
    with pytest.raises(EngineError, match="could not answer"):
        running.ask("/v1/chat/completions", {"messages": "none"})
    running.close()
    with pytest.raises(StreamBroken):
        running.ask("/tokenize", {"content": "x"})


# --------------------------------------------------------------------------- the digest


def test_a_digest_is_computed_once_for_all_programs_and_again_for_another_file(
    tmp_path: Path,
) -> None:
    path, store = tmp_path / "m.gguf", tmp_path / "digests.json"
    path.write_bytes(b"one")
    first = Digests(store).of(path)
    assert first == "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    path.write_bytes(b"two")
    os.utime(path, ns=times)
    assert Digests(store).of(path) == first, "not read again: size and time are the same"
    path.write_bytes(b"three")
    assert Digests(store).of(path) != first


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b'{"m": 1}'])
def test_a_damaged_store_of_digests_costs_time_only(tmp_path: Path, content: bytes) -> None:
    path, store = tmp_path / "m.gguf", tmp_path / "digests.json"
    path.write_bytes(b"one")
    store.write_bytes(content)
    assert Digests(store).of(path).startswith("7692c3ad")
    assert Digests(tmp_path / "no" / "folder.json").of(path).startswith("7692c3ad")


def _children() -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process().children(recursive=True)
        if "rag.engines.gguf.child" in child.cmdline()
    ]
