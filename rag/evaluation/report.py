"""Runs as tables: of one run, of its difference to another, of single questions. Pure.

A table is a list of rows of words; who prints it draws it.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

from rag.evaluation import metrics
from rag.evaluation.metrics import Mean
from rag.evaluation.runs import Answered, Difference, Outcome, Run, mean_gain, paired

SHOWN = ("ndcg@10", "recall@5", "recall@10", "recall@50", "mrr@10", "success@5", "success@10")
HEADINGS = {m: m.replace("recall", "R").replace("success", "hit") for m in SHOWN}
"""As they stand above columns: a line of 80 characters holds all."""
COMPARED = ("ndcg@10", "recall@10")  # with intervals; all are in the JSON
PRODUCT = "hybrid"
BESIDE = {"keyword": "keyword, beyond dense"}  # both run at once
OUTCOMES: tuple[Outcome, ...] = ("right", "wrong", "silent", "failed")
ANSWERABLE, UNANSWERABLE = "answerable", "not answerable"
Rows = list[list[str]]


def stages(run: Run) -> Rows:
    """A line a stage: its means, and the milliseconds of a question."""
    rows = [["stage", *HEADINGS.values(), "ms p50/95"]]
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
        rows.append([BESIDE.get(part, part), f"{median:.1f}", f"{high:.1f}"])
    return rows


def differences(now: Run, before: Run) -> Rows:
    """By how much each stage differs from the same stage of another run, question by question."""
    rows = [["stage", *(HEADINGS[metric] for metric in COMPARED), "questions"]]
    for name, stage in now.stages.items():
        if name in before.stages:
            pairs = paired(stage, before.stages[name])
            gains = [signed(mean_gain(pairs, metric)) for metric in COMPARED]
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


def answers(run: Run) -> Rows:
    """What became of the questions that were asked as a person asks, answerable or not."""
    rows = [["questions", "asked", "right", "wrong", "not answered", "failed", "s p50"]]
    for kind, asked in _kinds(run).items():
        shares = [_share(asked, outcome) for outcome in OUTCOMES]
        if kind == UNANSWERABLE:
            shares[2] = "–"  # not to be answered is right
        seconds = statistics.median(one.seconds for one in asked)
        rows.append([kind, str(len(asked)), *shares, f"{seconds:.1f}"])
    return rows


def answer_differences(now: Run, before: Run) -> Rows:
    """By how much the shares of right answers differ, among the questions that both were asked."""
    rows = [["questions", "right before", "right now", "difference", "both asked"]]
    earlier = {one.id: one for one in before.answers}
    for kind, asked in _kinds(now).items():
        pairs = [(float(earlier[o.id].outcome == "right"), float(o.outcome == "right"))
                 for o in asked if o.id in earlier]  # fmt: skip
        if pairs:
            was, is_now = (statistics.fmean(values) for values in zip(*pairs, strict=True))
            gain = metrics.mean([new - old for old, new in pairs])
            rows.append([kind, f"{was:.0%}", f"{is_now:.0%}", signed(gain), str(len(pairs))])
    return rows


def changed_answers(now: Run, before: Run, most: int) -> Rows:
    """The questions whose outcome is another one, and what is answered now."""
    earlier = {one.id: one for one in before.answers}
    rows = [["before", "now", "question", "answer now"]]
    for one in now.answers:
        if one.id in earlier and earlier[one.id].outcome != one.outcome and len(rows) <= most:
            answer = " ".join(one.text.split())[:120]
            rows.append([earlier[one.id].outcome, one.outcome, one.question, answer])
    return rows


def left_out(run: Run) -> Rows:
    """How many questions could not be asked, and why."""
    return [["because", "questions"], *([why, str(n)] for why, n in run.left_out.items())]


def written_by(run: Run) -> str:
    """Who answered: the chat model, or quoting; both where one went away."""
    return ", ".join(sorted({one.by for one in run.answers if one.by}))


def _kinds(run: Run) -> dict[str, list[Answered]]:
    kinds = {
        ANSWERABLE: [one for one in run.answers if one.answerable],
        UNANSWERABLE: [one for one in run.answers if not one.answerable],
    }
    return {kind: asked for kind, asked in kinds.items() if asked}


def _share(asked: Sequence[Answered], outcome: Outcome) -> str:
    count = sum(one.outcome == outcome for one in asked)
    return f"{count} ({count / len(asked):.0%})"


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    escaped = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    lines = [f"| {' | '.join(row)} |" for row in escaped]
    return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]])


def interval(mean: Mean) -> str:
    return f"{mean.value:.3f} [{mean.low:.3f}, {mean.high:.3f}]"


def signed(mean: Mean) -> str:
    return f"{mean.value:+.3f} [{mean.low:+.3f}, {mean.high:+.3f}]"
