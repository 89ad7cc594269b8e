"""`rag evaluate own`: questions made from the library itself, made, listed, and put to it."""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated

import typer

from rag.cli.console import err, out, print_json, progress_bar, require_confirmed, styled
from rag.cli.run_views import (
    Against,
    Json,
    Kept,
    Markdown,
    Questions,
    print_table,
    runs_of,
    show,
)
from rag.config import Settings
from rag.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rag.evaluation.own.questions import OwnQuestion
    from rag.evaluation.runs import Run


def evaluate_own(
    settings: Settings,
    make: Annotated[
        bool, typer.Option("--make", help="Make questions; those that are there stay.")
    ] = False,
    count: Annotated[
        int, typer.Option(min=1, max=2000, help="With --make: so many new ones at most.")
    ] = 50,
    seed: Annotated[
        int, typer.Option(help="With --make: the same seed chooses the same places.")
    ] = 0,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="With --make: throw away those that are there.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before that.")] = False,
    listed: Annotated[bool, typer.Option("--list", help="Show the questions.")] = False,
    answers: Annotated[
        int, typer.Option(min=0, help="Have so many of each kind answered too; 0: none.")
    ] = 20,
    against: Against = None,
    questions: Questions = 0,
    runs: Kept = None,
    json: Json = False,
    markdown: Markdown = False,
) -> None:
    """Measure search and answers on questions made from your own documents.

    First make them (--make), look through them (--list) and edit the file. Then run this before and
    after a change of models or settings: --against last. Your library is only read.
    """
    if make:
        _make(settings, count, seed, fresh, yes, json)
    elif listed:
        _list(settings, json)
    else:
        kept = runs_of(settings, runs)
        before = kept.load(against, "own") if against else None
        run = _measure(settings, answers)
        show(replace(run, name=kept.save(run)), before, questions, json, markdown)


def _make(settings: Settings, count: int, seed: int, fresh: bool, yes: bool, json: bool) -> None:
    from rag.assistant import open_assistant
    from rag.evaluation.own import questions
    from rag.evaluation.own.by_rule import HEADING, WORDS
    from rag.evaluation.own.making import make

    path = settings.library.own_questions
    if fresh:
        known: Sequence[OwnQuestion] = ()
        if path.exists() and not yes:
            _confirm(str(path))
    else:
        known = questions.read(path)
    made: list[OwnQuestion] = []
    with closing(open_assistant(settings)) as assistant, progress_bar() as progress:
        task = progress.add_task("Making", total=count, things="questions", rate="")
        for question in make(assistant, count, seed, known):
            # each is kept at once: a model may take a minute for it
            questions.add(path, [question], fresh=fresh and not made)
            made.append(question)
            progress.advance(task)
    if json:
        print_json({"file": str(path), "made": [asdict(question) for question in made]})
        return
    unanswerable = sum(not question.answerable for question in made)
    out.print(
        styled(f"Questions made: {len(made)}, of them not answerable: {unanswerable}. {path}"),
        soft_wrap=True,
    )
    if made:
        out.print("Look through them (rag evaluate own --list), then: rag evaluate own")
    if any(question.made_by in (HEADING, WORDS) for question in made):
        err.print(styled(_BY_RULE, "yellow"), soft_wrap=True)


_BY_RULE = (
    "They were made by rule, of the passages' own words: they show whether passages are found by "
    "their words, not by what they mean. With a chat model, real questions are made."
)


def _confirm(path: str) -> None:
    if not sys.stdin.isatty():
        raise UsageError("fresh", "Nobody is there to confirm this.", "Add --yes.")
    require_confirmed(f"Throw away the questions in {path}, with all edits?")


def _list(settings: Settings, json: bool) -> None:
    from rag.evaluation.own import questions

    path = settings.library.own_questions
    found = questions.read(path)
    if json:
        print_json({"file": str(path), "questions": [asdict(question) for question in found]})
        return
    if not found:
        out.print("There are no questions yet: rag evaluate own --make")
        return
    rows = [["id", "question", "answered by", "made by"]]
    for question in found:
        aside = "" if question.keep else "(set aside) "
        place = f"{question.path.rsplit('/', 1)[-1]}, {question.page}: “{question.quote}”"
        answer = place if question.answerable else "nothing"
        rows.append([question.id, aside + question.question, answer, question.made_by])
    print_table(f"{len(found)} questions, to edit in {path}", rows)


def _measure(settings: Settings, answers: int) -> Run:
    from rag.assistant import open_assistant
    from rag.evaluation.own import questions
    from rag.evaluation.own.asking import evaluate_own as measure

    found = questions.read(settings.library.own_questions)
    with closing(open_assistant(settings)) as assistant, progress_bar() as progress:
        task = progress.add_task("Asking", total=None, things="steps", rate="")
        return measure(
            assistant,
            found,
            answers,
            lambda done, total: progress.update(task, completed=done, total=total),
        )
