"""Runs as tables: of one run, of its difference to another, of single questions. Pure.

A table is a list of rows of words; who prints it draws it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rag.evaluation.metrics import Mean
from rag.evaluation.runs import Difference, Run, mean_gain, paired

SHOWN = ("ndcg@10", "recall@5", "recall@10", "recall@50", "mrr@10", "success@5", "success@10")
PRODUCT = "hybrid"
Rows = list[list[str]]


def stages(run: Run) -> Rows:
    """A line a stage: its means, and the milliseconds of a question."""
    rows = [["stage", *SHOWN, "ms p50/95"]]
    for name, stage in run.stages.items():
        means = [f"{stage.mean(metric).value:.3f}" for metric in SHOWN]
        median, high = stage.milliseconds()
        rows.append([name, *means, f"{median:.0f}/{high:.0f}"])
    return rows


def ladder(run: Run, metric: str = "ndcg@10", below: str = "rank fusion") -> Rows:
    """What each stage gives, and by how much it differs from plain rank fusion."""
    rows = [["stage", metric, f"against {below}"]]
    for name, stage in run.stages.items():
        base = below + name[len(name.removesuffix(" inside")) :]
        gain = mean_gain(paired(stage, run.stages[base]), metric) if base in run.stages else None
        rows.append([name, interval(stage.mean(metric)), signed(gain) if gain else "–"])
    return rows


def times(run: Run) -> Rows:
    """What the product's search spends where, in milliseconds."""
    stage = run.stages[PRODUCT]
    rows = [["part", "ms p50", "ms p95"]]
    for part in stage.asked[0].stages if stage.asked else ():
        median, high = stage.milliseconds(part)
        rows.append([part, f"{median:.1f}", f"{high:.1f}"])
    return rows


def differences(now: Run, before: Run) -> Rows:
    """By how much each stage differs from the same stage of another run, question by question."""
    rows = [["stage", *SHOWN, "questions"]]
    for name, stage in now.stages.items():
        if name in before.stages:
            pairs = paired(stage, before.stages[name])
            gains = [signed(mean_gain(pairs, metric)) for metric in SHOWN]
            rows.append([name, *gains, str(len(pairs))])
    return rows


def questions(pairs: Iterable[Difference], most: int, metric: str = "ndcg@10") -> Rows:
    """The questions that changed most: their scores before and now, and what was found first."""
    changed = [pair for pair in pairs if abs(pair.gain(metric)) > 1e-9]
    changed.sort(key=lambda pair: -abs(pair.gain(metric)))
    rows = [["before", "now", "question", "first before", "first now"]]
    for pair in changed[:most]:
        scores = [f"{one.scores[metric]:.3f}" for one in (pair.before, pair.now)]
        firsts = [" ".join(one.found[:3]) for one in (pair.before, pair.now)]
        rows.append([*scores, pair.question, *firsts])
    return rows


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    escaped = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    lines = [f"| {' | '.join(row)} |" for row in escaped]
    return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]])


def interval(mean: Mean) -> str:
    return f"{mean.value:.3f} [{mean.low:.3f}, {mean.high:.3f}]"


def signed(mean: Mean) -> str:
    return f"{mean.value:+.3f} [{mean.low:+.3f}, {mean.high:+.3f}]"
