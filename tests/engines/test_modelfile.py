"""The Modelfile format: read, written, and every mistake named with its line."""

from __future__ import annotations

import random

import pytest

from rag.engines.modelfile import Modelfile, decode, parse, write
from rag.errors import BadModelfile
from rag.types import Message
from tests.engines.modelfiles import random_modelfile


def test_every_instruction_is_read() -> None:
    read = parse(
        '# a comment\nFROM llama3.1\nPARAMETER temperature 0.7\nPARAMETER num_ctx 8192\n'
        'PARAMETER use_mmap false\nTEMPLATE """{{ .System }}\n{{ .Prompt }}"""\nSYSTEM Be brief.\n'
        'ADAPTER ./lora.gguf\nLICENSE "MIT"\nLICENSE """Apache\n2.0"""\n'
        "MESSAGE user Is it open?\nMESSAGE assistant Yes: until five.\nREQUIRES 0.6.0\n"
        "RENDERER qwen3-coder\nPARSER qwen3-coder\n"
    )  # fmt: skip
    assert read == Modelfile(
        sources=("llama3.1",),
        adapters=("./lora.gguf",),
        template="{{ .System }}\n{{ .Prompt }}",
        system="Be brief.",
        parameters={"temperature": 0.7, "num_ctx": 8192, "use_mmap": False},
        messages=(Message("user", "Is it open?"), Message("assistant", "Yes: until five.")),
        licenses=("MIT", "Apache\n2.0"),
        requires="0.6.0",
        renderer="qwen3-coder",
        parser="qwen3-coder",
    )
    assert type(read.parameters["temperature"]) is float
    assert type(read.parameters["num_ctx"]) is int
    assert read.parameters["use_mmap"] is False


@pytest.mark.parametrize(
    ("value", "meaning"),
    [
        ("plain words  ", "plain words"),
        ("with # no comment", "with # no comment"),
        ('say "hello" twice', 'say "hello" twice'),
        ('"in quotes"', "in quotes"),
        ('" kept "', " kept "),
        ('"first\n\nlast"', "first\n\nlast"),
        ('"a "b" c"', 'a "b" c'),
        ('""""', None),
        ('"""one"""', "one"),
        ('"""a "quoted" word\nb"""   ', 'a "quoted" word\nb'),
        ('"""first"""more\nlast"""', 'first"""more\nlast'),
        ('"""\nSYSTEM inside\n# inside too\n"""', "\nSYSTEM inside\n# inside too\n"),
        ("'single'", "'single'"),
        ("café \u200cنمی‌خواهم\u00a0!", "café \u200cنمی‌خواهم\u00a0!"),
    ],
)
def test_values_are_read_with_and_without_quotation_marks(value: str, meaning: str | None) -> None:
    text = f"FROM x\nSYSTEM {value}\n"
    if meaning is None:
        with pytest.raises(BadModelfile, match="never closed"):
            parse(text)
    else:
        assert parse(text).system == meaning


def test_names_of_instructions_in_any_case_and_any_order() -> None:
    read = parse("system A.\nPaRaMeTeR\tseed\t7\n\tFrom   x\n")
    assert read == Modelfile(("x",), system="A.", parameters={"seed": 7})


def test_stop_may_stand_many_times_and_of_everything_else_the_last_counts() -> None:
    read = parse(
        'FROM a\nFROM b\nPARAMETER stop "\n"\nPARAMETER seed 1\nPARAMETER stop <end>\n'
        "PARAMETER seed 2\nSYSTEM one\nSYSTEM two\n"
    )
    assert read.sources == ("a", "b")  # the parts of a split model
    assert read.parameters == {"stop": ("\n", "<end>"), "seed": 2}
    assert read.system == "two"


def test_line_ends_and_byte_order_marks_of_other_systems() -> None:
    text = 'FROM x\nSYSTEM """a\nb"""\n'
    for content in (
        text.encode(),
        text.encode("utf-8-sig"),
        text.encode("utf-16"),
        text.replace("\n", "\r\n").encode(),
        text.replace("\n", "\r").encode(),
    ):
        assert parse(decode(content)).system == "a\nb"


def test_parameters_that_ollama_passes_over_are_named_and_not_sent() -> None:
    read = parse("FROM x\nPARAMETER mirostat 2\nPARAMETER low_vram true\n")
    assert read.parameters == {}
    assert read.ignored == ("mirostat", "low_vram")


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        ("SYSTEM x\n", "has no FROM line", "FROM llama3.1"),
        ("", "has no FROM line", "FROM llama3.1"),
        ("FROM x\n\nPARAMETR seed 1\n", "Line 3 of the Modelfile: There is no instr", "PARAMETER?"),
        ("FROM x\nSTOP <end>\n", "Line 2 of the Modelfile", "PARAMETER stop <end>"),
        ("FROM x\nSYSTEM You are\nkind.\n", "Line 3 of the Modelfile", '"""'),
        ("FROM x\nPARAMETER temprature 1\n", "no parameter 'temprature'", "temperature?"),
        ("FROM x\nPARAMETER wibble 1\n", "no parameter 'wibble'", "num_ctx"),
        ("FROM x\nPARAMETER\n", "no parameter ''", "num_ctx"),
        (
            "FROM x\nPARAMETER num_ctx 8k\n",
            "num_ctx has the value 8k, which is not a whole",
            "whole",
        ),
        ("FROM x\nPARAMETER num_ctx 8_192\n", "not a whole number", "whole"),
        ("FROM x\nPARAMETER top_p nan\n", "not a number", "number"),
        ("FROM x\nPARAMETER seed 1 # fixed\n", "not a whole number", "line of its own"),
        ("FROM x\nPARAMETER use_mmap maybe\n", "not true or false", "true or false"),
        ("FROM x\nPARAMETER seed\n", "PARAMETER has no value", "PARAMETER temperature 0"),
        ('FROM x\nPARAMETER stop ""\n', "PARAMETER has no value", "For example"),
        ("FROM\n", "Line 1 of the Modelfile: FROM has no value", "FROM llama3.1"),
        ("FROM x\nREQUIRES latest\n", "Line 2 of the Modelfile: latest is no version", "0.14.0"),
        ("FROM x\nMESSAGE robot Hi\n", "'robot' is no role", "system, user and assistant"),
        ("FROM x\nMESSAGE user\n", "MESSAGE has no value", "MESSAGE user"),
        (
            'FROM x\nSYSTEM """a\nb"\n',
            "Line 2 of the Modelfile: The quotation mark",
            "end of a line",
        ),
        ('FROM x\nSYSTEM "a" b\n', "Line 2 of the Modelfile: The quotation mark", "may follow it"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_what_to_do(text: str, says: str, hint: str) -> None:
    with pytest.raises(BadModelfile) as error:
        parse(text)
    assert says in error.value.message
    assert hint in error.value.hint
    assert error.value.exit_code == 9


def test_weights_given_as_a_modelfile_are_told_apart_from_text() -> None:
    with pytest.raises(BadModelfile) as error:
        decode(b"GGUF\x03\x00\x00\x00\xff\xfe")
    assert "FROM ./" in error.value.hint
    with pytest.raises(BadModelfile, match="UTF-8"):
        decode("FROM é".encode("latin-1"))


def test_what_is_written_is_read_as_the_same() -> None:
    for _ in range(500):
        modelfile = random_modelfile(random)
        assert parse(write(modelfile)) == modelfile, write(modelfile)


def test_a_text_that_the_format_cannot_hold_is_refused_not_cut() -> None:
    for text in ('first"""\nsecond"', '"""\n"', '""" \n"a"'):
        with pytest.raises(BadModelfile, match="cannot hold"):
            write(Modelfile(("x",), system=text))
