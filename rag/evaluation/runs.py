"""What a run measured, kept as one JSON file each: to list, to read again, to compare with.

A run is of one dataset; it holds the scores of every question in every stage.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np

from rag.errors import UnknownRun, UsageError
from rag.evaluation import metrics
from rag.evaluation.metrics import Mean
from rag.paths import write_whole

OWN = "own"
"""The dataset of the questions made from a library."""
LAST = "last"
"""Stands for the newest earlier run of the same dataset."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question by one recipe: its scores, what was found first, and the seconds it took."""

    id: str
    question: str
    scores: dict[str, float]
    found: tuple[str, ...]
    seconds: float
    stages: dict[str, float]


@dataclass(frozen=True, slots=True)
class Stage:
    """All questions by one recipe, in the order of the dataset."""

    asked: tuple[Asked, ...]

    def values(self, metric: str) -> list[float]:
        return [one.scores[metric] for one in self.asked]

    def mean(self, metric: str) -> Mean:
        return metrics.mean(self.values(metric))

    def milliseconds(self, part: str | None = None) -> tuple[float, float]:
        """Median and 95th percentile of the time of one question, or of one part of it."""
        times = [one.seconds if part is None else one.stages.get(part, 0) for one in self.asked]
        median, high = np.percentile(times, [50, 95]) * 1000
        return float(median), float(high)


Outcome = Literal["right", "wrong", "silent", "failed"]
"""`right`: answered from a right page, or rightly not at all; `wrong`: answered from elsewhere, or
though the library has no answer; `silent`: not answered though it has; `failed`: an error, or an
answer that was withheld."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of one question that was asked as a person asks. `by`: the model, or quoting."""

    id: str
    question: str
    answerable: bool
    outcome: Outcome
    text: str
    by: str | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Run:
    """One evaluation of one dataset; the stages by name.

    `left_out`: how many questions could not be asked, by the reason.
    """

    dataset: str
    digest: str
    at: str
    model: str
    ingest_seconds: float
    stages: dict[str, Stage]
    answers: tuple[Answered, ...] = ()
    left_out: dict[str, int] = field(default_factory=dict)
    name: str = field(default="", compare=False)

    def mean(self, stage: str, metric: str) -> Mean:
        return self.stages[stage].mean(metric)


@dataclass(frozen=True, slots=True)
class Difference:
    """What a question scored before and now."""

    question: str
    before: Asked
    now: Asked

    def gain(self, metric: str) -> float:
        return self.now.scores[metric] - self.before.scores[metric]


def paired(now: Stage, before: Stage) -> list[Difference]:
    """The questions that both were asked. Raises `UsageError` where there is none."""
    known = {one.id: one for one in before.asked}
    pairs = [Difference(o.question, known[o.id], o) for o in now.asked if o.id in known]
    if not pairs:
        raise UsageError(
            "against", "The two runs have no question in common.", "Compare runs of one dataset."
        )
    return pairs


def mean_gain(pairs: list[Difference], metric: str) -> Mean:
    """The mean of the differences question by question, with its 95 % interval."""
    return metrics.mean([pair.gain(metric) for pair in pairs])


class Runs:
    """The stored runs of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, run: Run) -> str:
        """Store a run under a name of its own. Returns the name."""
        self._folder.mkdir(parents=True, exist_ok=True)
        stem = f"{run.dataset}-{run.at[:19].replace(':', '').replace('-', '')}"
        name, number = stem, 1
        while self._path(name).exists():
            number += 1
            name = f"{stem}-{number}"
        write_whole(self._path(name), json.dumps(asdict(run) | {"name": name}).encode())
        return name

    def names(self) -> list[str]:
        """The names of all runs, the oldest first."""
        paths = self._folder.glob("*.json") if self._folder.is_dir() else ()
        return [p.stem for p in sorted(paths, key=lambda p: p.stat().st_mtime_ns)]

    def load(self, name: str, dataset: str | None = None) -> Run:
        """A run by its name, by the path of its file, or `last`: the newest of the dataset.

        Raises `UnknownRun`.
        """
        if name == LAST:
            mine = [n for n in self.names() if dataset is None or self._of(n) == dataset]
            name = mine[-1] if mine else name
        for path in (self._path(name), Path(name)):
            if path.is_file():
                return _read(path, path.stat().st_mtime_ns)
        raise UnknownRun(name, f"There is no run {name}.", "rag evaluations list names them all.")

    def _of(self, name: str) -> str:
        return str(json.loads(self._path(name).read_text(encoding="utf-8"))["dataset"])

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"


@lru_cache(maxsize=16)
def _read(path: Path, mtime_ns: int) -> Run:
    """A run's file; pages ask for the same ones again and again."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        stages = {name: _stage(stage) for name, stage in values.pop("stages").items()}
        answers = tuple(Answered(**row) for row in values.pop("answers", ()))
        return Run(stages=stages, answers=answers, **values)
    except (ValueError, KeyError, TypeError) as error:
        raise UnknownRun(
            str(path), f"{path} is no run of rag evaluate ({error}).", "Name another."
        ) from error


def _stage(values: Mapping[str, list[dict[str, object]]]) -> Stage:
    rows = (row | {"found": tuple(row["found"])} for row in values["asked"])  # type: ignore[arg-type]
    return Stage(tuple(Asked(**row) for row in rows))  # type: ignore[arg-type]
