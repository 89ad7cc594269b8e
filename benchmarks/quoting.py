"""How often the best quote answers, and how often an unanswerable question gets one all the same.

    python benchmarks/quoting.py FOLDER [--questions 500]

FOLDER holds SQuAD 2.0 paragraphs as corpus.jsonl and queries.jsonl (with `answerable`, `answers`,
`context_id`). Each question is asked of its own paragraph and three others of the same article, as
`rag/answering/quoting.py` does it with the embedded engine. "kept": right best quotes at or above a
score; "shown": best quotes at or above it that are wrong, or whose question has no answer there
(such questions were written to look answerable: a hard test).
"""

from __future__ import annotations

from rag import egress

egress.seal_environment()
egress.guard()

import argparse  # noqa: E402
import json  # noqa: E402
import random  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

from rag.answering.quoting import LEAST_SCORE, QuotingWriter  # noqa: E402
from rag.engine_choice import BoundEmbedder  # noqa: E402
from rag.engines.embedded import MODEL, EmbeddedEngine  # noqa: E402
from rag.types import Passage  # noqa: E402

THRESHOLDS = (0.5, 0.55, 0.6, LEAST_SCORE, 0.7, 0.75, 0.8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--questions", type=int, default=500)
    arguments = parser.parse_args()
    paragraphs = {row["id"]: row for row in _rows(arguments.folder / "corpus.jsonl")}
    questions = list(_rows(arguments.folder / "queries.jsonl"))
    random.Random(1).shuffle(questions)
    writer = QuotingWriter(BoundEmbedder(EmbeddedEngine(), MODEL, None), "embedded")
    right: list[float] = []
    wrong: list[float] = []
    for question in questions[: arguments.questions]:
        ranked = writer.rank(question["text"], _passages(question, paragraphs))
        score = ranked[0].score if ranked else 0.0
        answers = [answer.casefold() for answer in question["answers"]]
        hit = bool(ranked) and any(answer in ranked[0].text.casefold() for answer in answers)
        (right if hit else wrong).append(score)
    answerable = sum(q["answerable"] for q in questions[: arguments.questions])
    print(f"{answerable} answerable questions, best quote right for {len(right)}")
    print("score   right kept   wrong shown")
    for threshold in THRESHOLDS:
        kept, shown = _share(right, threshold), _share(wrong, threshold)
        print(f"{threshold:.2f}    {kept:10.3f}   {shown:11.3f}")


def _passages(question: dict[str, Any], paragraphs: dict[str, Any]) -> list[Passage]:
    own = paragraphs[question["context_id"]]
    others = [p for p in paragraphs.values() if p["title"] == own["title"] and p is not own]
    return [_passage(i, row) for i, row in enumerate([own, *others[:3]], start=1)]


def _passage(number: int, row: dict[str, Any]) -> Passage:
    text = row["text"]
    return Passage(
        number, row["id"], row["id"], row["title"], "", False, 1, "text", "text", 0, len(text),
        (row["title"],), text, 1.0,
    )  # fmt: skip


def _share(scores: list[float], threshold: float) -> float:
    return sum(score >= threshold for score in scores) / len(scores)


def _rows(path: Path) -> Any:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


if __name__ == "__main__":
    main()
