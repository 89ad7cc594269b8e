"""`rag generate --batch`: in order, resumable, one failure among the others, nothing overwritten."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from rag.batch import Begun, Written, run
from rag.cli.main import app
from rag.config import load_settings
from rag.engines.ollama import streaming
from rag.errors import InputTooLong, PathNotFound, UsageError
from rag.generation import Generator
from rag.types import Prompt
from tests.scripted_ollama import MODEL, Fault, ScriptedOllama, Step


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedOllama]:
    monkeypatch.setattr(streaming, "BACKOFF", (0.01,))
    server = ScriptedOllama()
    server.act = lambda prompt, attempt: [f"answer to {prompt.strip()}"]
    yield server
    server.close()


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "prompts.jsonl", tmp_path / "answers.jsonl"


def generator(server: ScriptedOllama, **flags: Any) -> Generator:
    return Generator(load_settings({"ollama_host": server.url, "num_parallel": 3, **flags}, {}))


def write(path: Path, *rows: dict[str, Any]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(row) for row in path.read_text().splitlines()]


def prompts(count: int) -> list[dict[str, Any]]:
    # a few words more: the scripted server counts a token for four letters of a prompt
    return [{"id": f"p{n}", "prompt": f"question number {n} of this run"} for n in range(count)]


def test_results_stand_in_the_order_of_the_prompts_whatever_ended_first(
    server: ScriptedOllama, files: tuple[Path, Path]
) -> None:
    write(files[0], *prompts(12))
    server.act = lambda prompt, attempt: [0.02 * (12 - int(prompt.split()[2])), prompt]
    with closing(generator(server)) as ours:
        events = list(run(ours, *files))
    assert [e for e in events if isinstance(e, Begun)] == [Begun(12, 0)]
    rows = read(files[1])
    assert [row["id"] for row in rows] == [f"p{n}" for n in range(12)]
    assert all(row["text"] == f"question number {n} of this run" for n, row in enumerate(rows))
    assert all(row["error"] is None and row["output_tokens"] == 60 for row in rows)


def test_a_failure_is_a_line_with_its_error_and_is_tried_again_by_the_next_run(
    server: ScriptedOllama, files: tuple[Path, Path]
) -> None:
    def act(prompt: str, attempt: int) -> list[Step]:
        broken = "number 2" in prompt and attempt == 1
        return ["half", Fault.RESET] if broken else ["whole"]

    server.act = act
    write(files[0], *prompts(5))
    with closing(generator(server)) as ours:
        list(run(ours, *files))
        first = read(files[1])
        assert [row["text"] for row in first] == ["whole", "whole", None, "whole", "whole"]
        assert first[2]["error"]["code"] == "stream_broken"
        events = list(run(ours, *files))
    assert events[0] == Begun(5, 4)
    assert [row["text"] for row in read(files[1])] == ["whole"] * 5
    assert sum(server.attempts.values()) == 6


def test_a_stopped_run_goes_on_where_it_left_off_even_with_a_torn_line(
    server: ScriptedOllama, files: tuple[Path, Path]
) -> None:
    write(files[0], *prompts(20))
    with closing(generator(server, num_parallel=1)) as ours:
        events = run(ours, *files)
        written = [next(e for e in events if isinstance(e, Written)) for _ in range(7)]
        events.close()  # type: ignore[attr-defined]
        assert len(written) == 7
        with files[1].open("a") as file:
            file.write('{"id": "p9", "text": "ha')
        assert next(iter(run(ours, *files))) == Begun(20, 7)
        list(run(ours, *files))
    rows = read(files[1])
    assert [row["id"] for row in rows] == [f"p{n}" for n in range(20)]
    assert max(server.answered.values()) <= 2, "only the one that was under way is asked twice"
    assert sum(server.answered.values()) <= 22


def test_line_breaks_of_unicode_inside_a_text_end_no_line(
    server: ScriptedOllama, files: tuple[Path, Path]
) -> None:
    text = "one\u2028two\x85three"
    row = json.dumps({"id": "a", "prompt": f"{text} in a prompt"}, ensure_ascii=False)
    files[0].write_text(row + "\n", encoding="utf-8")
    server.act = lambda prompt, attempt: [text]
    with closing(generator(server)) as ours:
        list(run(ours, *files))
        assert next(iter(run(ours, *files))) == Begun(1, 1), "it is there, and not written again"
    assert json.loads(files[1].read_text(encoding="utf-8"))["text"] == text


def test_a_line_is_named_by_its_number_in_the_file_empty_ones_counted(
    server: ScriptedOllama, files: tuple[Path, Path]
) -> None:
    files[0].write_text('\n{"id": "a", "prompt": "x"}\n\n{"id": "a", "prompt": "y"}\n')
    with closing(generator(server)) as ours, pytest.raises(UsageError, match="line 2 too") as error:
        list(run(ours, *files))
    assert "Line 4" in error.value.message


def test_a_changed_prompt_or_option_is_written_anew_the_rest_is_not(
    server: ScriptedOllama, files: tuple[Path, Path]
) -> None:
    rows = prompts(3)
    write(files[0], *rows)
    with closing(generator(server)) as ours:
        list(run(ours, *files))
        write(
            files[0], {**rows[0], "seed": 7}, {**rows[1], "prompt": "something else now"}, rows[2]
        )
        assert next(iter(run(ours, *files))) == Begun(3, 1)


def test_lines_of_other_prompts_stay_in_the_output(
    server: ScriptedOllama, files: tuple[Path, Path]
) -> None:
    with closing(generator(server)) as ours:
        write(files[0], *prompts(4))
        list(run(ours, *files))
        write(files[0], *prompts(4)[2:])
        list(run(ours, *files))
    assert [row["id"] for row in read(files[1])] == ["p2", "p3", "p0", "p1"]


def test_a_file_that_is_no_output_of_ours_is_not_written_to(
    server: ScriptedOllama, files: tuple[Path, Path]
) -> None:
    write(files[0], *prompts(1))
    for text in ("My diary\n", '{"id": "a", "name": "someone"}\n'):
        files[1].write_text(text)
        with closing(generator(server)) as ours, pytest.raises(UsageError, match="something else"):
            list(run(ours, *files))
        assert files[1].read_text() == text


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("nonsense", "not JSON"),
        ('["prompt"]', 'no text "prompt"'),
        ('{"text": "x"}', 'no text "prompt"'),
        ('{"prompt": "x", "temprature": 1}', "temprature"),
        ('{"prompt": "x", "seed": "one"}', "seed is 'one'"),
        ('{"prompt": "x", "stop": [1]}', r"stop is \[1\]"),
        ('{"id": "p0", "prompt": "x"}', "line 1 too"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_sent(
    server: ScriptedOllama, files: tuple[Path, Path], row: str, why: str
) -> None:
    write(files[0], *prompts(1))
    with files[0].open("a") as file:
        file.write(row + "\n")
    with closing(generator(server)) as ours, pytest.raises(UsageError, match=why) as error:
        list(run(ours, *files))
    assert "Line 2" in error.value.message
    assert not server.received and not files[1].exists()


def test_a_missing_file_of_prompts_is_named(
    server: ScriptedOllama, files: tuple[Path, Path]
) -> None:
    with closing(generator(server)) as ours, pytest.raises(PathNotFound, match=r"prompts\.jsonl"):
        list(run(ours, *files))


def test_a_prompt_over_the_window_is_refused_before_it_is_sent(
    server: ScriptedOllama, files: tuple[Path, Path]
) -> None:
    write(files[0], *prompts(2), {"id": "long", "prompt": "many words " * 3000})
    with closing(generator(server, num_ctx=4096)) as ours:
        list(run(ours, *files))
        with pytest.raises(InputTooLong, match="do not fit"):
            list(ours.write(Prompt("many words " * 3000, ours.options)))
    assert [row["error"] and row["error"]["code"] for row in read(files[1])] == [
        None, None, "input_too_long",
    ]  # fmt: skip
    assert len(server.received) == 2


def test_a_text_from_a_cut_prompt_is_withheld(server: ScriptedOllama) -> None:
    server.tokens_read = 40
    with closing(generator(server)) as ours, pytest.raises(InputTooLong, match=r"withheld.*cut"):
        list(ours.write(Prompt("many words " * 200, ours.options)))


def test_the_window_grows_in_steps_and_does_not_shrink_while_the_model_is_loaded(
    server: ScriptedOllama,
) -> None:
    with closing(generator(server, num_predict=16)) as ours:
        for words in (10, 1500, 10):
            list(ours.write(Prompt("many words " * words, ours.options)))
    windows = [body["options"]["num_ctx"] for body in server.received]
    assert windows == [2048, 8192, 8192]


def test_the_command_writes_the_file_and_says_what_became_of_it(
    server: ScriptedOllama, files: tuple[Path, Path]
) -> None:
    write(files[0], *prompts(3))
    command = ["generate", "--batch", str(files[0]), "--out", str(files[1]),
               "--concurrency", "2", "--ollama-host", server.url]  # fmt: skip
    result = CliRunner().invoke(app, command, catch_exceptions=False)
    assert result.exit_code == 0 and "3 written" in result.stdout
    again = CliRunner().invoke(app, [*command, "--json"], catch_exceptions=False)
    assert json.loads(again.stdout)["summary"]["earlier"] == 3
    server.act = lambda prompt, attempt: ["x", Fault.RESET]
    files[1].unlink()
    failed = CliRunner().invoke(app, command, catch_exceptions=False)
    assert failed.exit_code == 3 and "3 failed" in failed.stdout


def test_the_command_streams_one_text_or_gives_it_as_json(server: ScriptedOllama) -> None:
    server.act = lambda prompt, attempt: ["Once ", "upon\x1b[2J a time"]
    command = ["generate", "Tell a story about the sea", "--ollama-host", server.url]
    plain = CliRunner().invoke(app, command, catch_exceptions=False)
    assert plain.stdout == "Once upon[2J a time\n"
    asked = [*command, "--json", "--seed", "3", "--stop", "END", "--format", "json"]
    value = json.loads(CliRunner().invoke(app, asked, catch_exceptions=False).stdout)
    assert value["text"].startswith("Once upon") and value["model"] == MODEL
    sent = server.received[-1]
    assert sent["format"] == "json" and sent["options"]["stop"] == ["END"]
    assert sent["options"]["seed"] == 3
