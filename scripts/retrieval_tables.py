"""Writes the tables of docs/retrieval.md from stored runs of `rag evaluate`.

    python scripts/retrieval_tables.py FOLDER

FOLDER is that of `--runs`. The newest run of each dataset counts. What stands between the markers of
the document is replaced; the rest stays.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from rag.evaluation.report import PRODUCT, interval, markdown, signed
from rag.evaluation.runs import Run, Runs, mean_gain, paired

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "retrieval.md"
BASE = "rank fusion"
METRIC = "ndcg@10"
INSIDE = " inside"


def main() -> None:
    kept = Runs(Path(sys.argv[1]))
    runs = {run.dataset: run for run in map(kept.load, kept.names())}
    languages = {name: run for name, run in runs.items() if "-lang-" in name}
    sets = {name: run for name, run in runs.items() if name not in languages}
    text = DOCUMENT.read_text(encoding="utf-8")
    tables = {
        "stages": stages(sets),
        "gains": gains(sets),
        "pages": pages(run for run in sets.values() if PRODUCT + INSIDE in run.stages),
        "languages": by_language(languages),
    }
    for name, rows in tables.items():
        block = f"<!-- {name} -->\n{markdown(rows)}\n<!-- end -->"
        text, found = re.subn(
            rf"<!-- {name} -->.*?<!-- end -->", lambda _, b=block: b, text, flags=re.S
        )
        assert found == 1, name
    DOCUMENT.write_text(text, encoding="utf-8")


def stages(sets: dict[str, Run]) -> list[list[str]]:
    names = [n for n in next(iter(sets.values())).stages if not n.endswith(INSIDE)]
    rows = [
        ["stage", *(f"{name} ({len(run.stages[PRODUCT].asked)})" for name, run in sets.items())]
    ]
    for stage in names:
        rows.append([stage, *(interval(run.mean(stage, METRIC)) for run in sets.values())])
    return rows


def gains(sets: dict[str, Run]) -> list[list[str]]:
    """Each stage against the one before it, and the product against rank fusion."""
    names = [n for n in next(iter(sets.values())).stages if not n.endswith(INSIDE)]
    later = names[names.index(BASE) :]
    pairs = [*zip(later[1:], later, strict=False), (PRODUCT, BASE)]
    rows = [["", *sets]]
    for stage, before in pairs:
        cells = [
            signed(mean_gain(paired(run.stages[stage], run.stages[before]), METRIC))
            for run in sets.values()
        ]
        rows.append([f"{stage} against {before}", *cells])
    return rows


def pages(runs: Iterable[Run]) -> list[list[str]]:
    wanted = ("recall@10", "success@5", "success@10")
    rows = [["set", *(f"{m}{where}" for where in ("", INSIDE) for m in wanted)]]
    for run in runs:
        cells = [
            f"{run.mean(stage, m).value:.3f}"
            for stage in (PRODUCT, PRODUCT + INSIDE)
            for m in wanted
        ]
        rows.append([run.dataset, *cells])
    return rows


def by_language(runs: dict[str, Run]) -> list[list[str]]:
    rows = [["language", "keyword", PRODUCT]]
    for name, run in sorted(runs.items()):
        cells = [f"{run.mean(stage, METRIC).value:.3f}" for stage in rows[0][1:]]
        rows.append([name.rsplit("-", 1)[-1], *cells])
    return rows


if __name__ == "__main__":
    main()
