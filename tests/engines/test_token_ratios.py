"""Token counts narrowed by experience: only from prompts that were read whole, never below proof."""

from __future__ import annotations

from pathlib import Path

from rag.engines import wordpiece
from rag.engines.ollama.token_ratios import HIGHEST, LOWEST, TokenRatios

TEXT = "The harbour office opens at nine and closes at noon on working days. " * 20
N = wordpiece.count(TEXT)


def learnt(ratios: TokenRatios, ratio: float, times: int = 3) -> None:
    for _ in range(times):
        ratios.learn("d", TEXT, round(N * ratio) + 10, 20)


def test_without_experience_the_bounds_are_wide() -> None:
    count = TokenRatios().count("d", [TEXT])[0]
    assert count.low == int(N * LOWEST) and count.high >= N * HIGHEST


def test_experience_narrows_the_bounds_of_that_model_only() -> None:
    ratios = TokenRatios()
    learnt(ratios, 1.1)
    mine, other = (ratios.count(digest, [TEXT])[0] for digest in ("d", "e"))
    assert mine.low > other.low and mine.high < other.high
    assert mine.low <= N * 1.1 <= mine.high


def test_one_prompt_is_no_experience() -> None:
    ratios = TokenRatios()
    learnt(ratios, 1.1, times=2)
    assert ratios.count("d", [TEXT]) == TokenRatios().count("d", [TEXT])


def test_a_text_in_other_letters_keeps_the_wide_bounds() -> None:
    ratios = TokenRatios()
    learnt(ratios, 1.0)
    greek = "Το γραφείο του λιμανιού ανοίγει στις εννέα. " * 10
    assert ratios.count("d", [greek]) == TokenRatios().count("d", [greek])


def test_what_cannot_be_a_whole_prompt_teaches_nothing() -> None:
    ratios = TokenRatios()
    learnt(ratios, 0.2)
    learnt(ratios, 4.0)
    assert ratios.count("d", [TEXT]) == TokenRatios().count("d", [TEXT])


def test_experience_outlives_the_process_and_a_damaged_file_is_only_forgotten(
    tmp_path: Path,
) -> None:
    path = tmp_path / "token_ratios.json"
    learnt(TokenRatios(path), 1.1)
    assert TokenRatios(path).count("d", [TEXT])[0].high < N * 1.5
    path.write_text('{"d": [1, 2')
    assert TokenRatios(path).count("d", [TEXT]) == TokenRatios().count("d", [TEXT])
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
