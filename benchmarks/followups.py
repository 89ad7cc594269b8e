"""How often a follow-up finds the paragraph that answers it, in each of the forms it may be searched in.

    python benchmarks/followups.py FOLDER [--pairs 150] [--home HOME]

FOLDER holds SQuAD 2.0 paragraphs as corpus.jsonl and queries.jsonl (with `answerable`, `context_id`);
they go into a library in HOME. A pair is two questions of one article, the article's title in the
second replaced by a pronoun. The second is searched for as it is asked, as the rule makes it stand
alone, in both forms at once, which is what the product does without a chat model, and as it was
written: what a perfect chat model would make of it. "another article": questions that look like
follow-ups and are none, after a question on something else.
"""

from __future__ import annotations

from rag import egress

egress.seal_environment()
egress.guard()

import argparse  # noqa: E402
import json  # noqa: E402
import random  # noqa: E402
import re  # noqa: E402
from collections import defaultdict  # noqa: E402
from collections.abc import Iterator, Sequence  # noqa: E402
from itertools import pairwise  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

from rag.answering.followup import leans, standalone  # noqa: E402
from rag.assistant import open_assistant  # noqa: E402
from rag.config import load_settings  # noqa: E402
from rag.evaluation.dataset import read_dataset  # noqa: E402
from rag.evaluation.run import ingest_dataset  # noqa: E402
from rag.retrieval.fusion import both  # noqa: E402
from rag.types import Turn  # noqa: E402

HITS = 50
Row = dict[str, Any]
Pair = tuple[Row, Row, str]
"""Two questions, and the second as somebody asks it who has just asked the first."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pairs", type=int, default=150, help="of each kind")
    parser.add_argument("--home", type=Path, required=True)
    arguments = parser.parse_args()
    settings = load_settings({"home": arguments.home, "engine": "embedded"}, {})
    assistant = open_assistant(settings)
    names = ingest_dataset(assistant, read_dataset(arguments.folder), arguments.home / "records")
    for kind, pairs in _pairs(arguments.folder).items():
        ranks: dict[str, list[int]] = defaultdict(list)
        for first, second, asked in pairs[: arguments.pairs]:
            forms = {
                "as it is asked": asked,
                "by the rule": standalone(asked, [Turn(first["text"], "")]),
                "as it was written": second["text"],
            }
            found = {form: assistant.search(query, HITS).hits for form, query in forms.items()}
            found["in both forms"] = tuple(both(found["by the rule"], found["as it is asked"]))
            right = second["context_id"]
            for form, hits in found.items():
                places = list(dict.fromkeys(names[hit.chunk.path] for hit in hits))
                ranks[form].append(places.index(right) + 1 if right in places else 0)
        print(f"{kind}: {len(pairs[: arguments.pairs])} pairs")
        for form, found_at in ranks.items():
            shares = [sum(0 < rank <= k for rank in found_at) / len(found_at) for k in (1, 5, 10)]
            at = "   ".join(
                f"@{k} {share:.3f}" for k, share in zip((1, 5, 10), shares, strict=True)
            )
            print(f"  {form:20}{at}", flush=True)


def _pairs(folder: Path) -> dict[str, list[Pair]]:
    titles = {row["id"]: row["title"] for row in _rows(folder / "corpus.jsonl")}
    rows = [row for row in _rows(folder / "queries.jsonl") if row["answerable"]]
    questions: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        questions[row["context_id"]].append(row)
    kinds: dict[str, list[Pair]] = {"same paragraph": [], "next paragraph": []}
    for asked in questions.values():
        kinds["same paragraph"] += _leaning(pairwise(asked), titles)
    for here, there in pairwise(titles):
        if titles[here] == titles[there]:
            across = ((a, b) for a in questions[here][:2] for b in questions[there][:2])
            kinds["next paragraph"] += _leaning(across, titles)
    chance = random.Random(1)
    others = [(row, chance.choice(rows)) for row in rows]
    kinds["another article"] = [
        (a, b, b["text"])
        for a, b in others
        if titles[a["context_id"]] != titles[b["context_id"]] and leans(b["text"])
    ]
    for pairs in kinds.values():
        chance.shuffle(pairs)
    return kinds


def _leaning(asked_after: Iterator[tuple[Row, Row]], titles: dict[str, str]) -> list[Pair]:
    """The pairs whose second question names its article, with a pronoun for the name."""
    found = []
    for first, second in asked_after:
        asked = _with_pronoun(second["text"], titles[second["context_id"]])
        if asked is not None and leans(asked):
            found.append((first, second, asked))
    return found


def _with_pronoun(question: str, title: str) -> str | None:
    whole = re.sub(r"\s*\(.*\)", "", title)
    names: Sequence[str] = [whole, *(w for w in whole.split() if len(w) > 4 and w[0].isupper())]
    for name in names:
        match = re.search(rf"(?:\bthe )?\b{re.escape(name)}('s)?\b", question, re.IGNORECASE)
        if match:
            pronoun = "its" if match[1] else "it"
            text = question[: match.start()] + pronoun + question[match.end() :]
            return text[0].upper() + text[1:]
    return None


def _rows(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


if __name__ == "__main__":
    main()
