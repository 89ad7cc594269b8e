"""`rag ask`, `rag chat`, `rag search`: questions to answers and hits."""

from __future__ import annotations

import sys
from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer
from rich.live import Live
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rag.cli.console import err, one_line, out, print_json, styled
from rag.cli.flags import takes_settings
from rag.config import Settings
from rag.errors import VouchError
from rag.explain import by_ocr, coverage, why
from rag.types import Answer, Delta, Done, Hit, Scope, Turn, Waiting

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rag.assistant import Assistant
    from rag.types import AnswerEvent, SearchResult

_MARKS = {"supported": ("✓", "green"), "partly": ("~", "yellow"), "unsupported": ("✗", "red")}
_NEAREST = 3  # passages offered for reading where there is no answer

Collection = Annotated[
    list[str] | None, typer.Option(help="Look only in this collection; may be repeated.")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object.")]


def register(app: typer.Typer) -> None:
    for command in (ask, chat, search):
        app.command()(takes_settings(command))


def ask(
    settings: Settings,
    question: Annotated[str, typer.Argument(help="In quotes; - reads it from standard input.")],
    collection: Collection = None,
    json: Json = False,
) -> None:
    """Answer one question from the library, each sentence with its checked quote."""
    from rag.assistant import open_assistant

    if question == "-":
        question = sys.stdin.read()
    with closing(open_assistant(settings)) as assistant:
        events = assistant.ask(question, scope=_scope(collection))
        if not json:
            print_answer(stream_answer(events))
            return
        from rag.cli import contracts

        for event in events:
            if isinstance(event, Done):
                print_json(contracts.answer(event.answer))


def chat(settings: Settings, collection: Collection = None) -> None:
    """Ask question after question; a follow-up may lean on the question before it."""
    from rag.assistant import open_assistant

    with closing(open_assistant(settings)) as assistant:
        _converse(assistant, _scope(collection))


def search(
    settings: Settings,
    query: Annotated[str, typer.Argument(help="Words or a question.")],
    k: Annotated[int, typer.Option("-k", min=1, max=200, help="How many hits.")] = 10,
    collection: Collection = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show why each hit was found, and what limited.")
    ] = False,
    json: Json = False,
) -> None:
    """Find the passages that fit best, without an answer.

    A "quoted phrase" alone is taken exactly where it is found; in a question it counts more.
    """
    from rag.assistant import open_assistant

    with closing(open_assistant(settings)) as assistant:
        result = assistant.search(query, k, _scope(collection), explain=explain)
    if json:
        from rag.cli import contracts

        print_json(contracts.search_result(result))
        return
    for line in [*map(_sentence, result.filters), *([_times(result)] if explain else [])]:
        err.print(styled(line, "dim"), soft_wrap=True)
    for rank, hit in enumerate(result.hits, start=1):
        _print_hit(rank, hit, explain)
    if result.notice:
        err.print(styled(result.notice, "yellow"), soft_wrap=True)
    if not result.hits:
        out.print("Nothing was found.")


def stream_answer(events: Iterator[AnswerEvent]) -> Answer:
    """Follow an answer: its draft in a transient region of a terminal, nothing of it elsewhere."""
    draft = ""
    answer: Answer | None = None
    with Live(console=out, transient=True, auto_refresh=False) as live:
        for event in events:
            if isinstance(event, Waiting) and out.is_terminal and not draft:
                live.update(styled(f"{event.text} …", "dim italic"), refresh=True)
            elif isinstance(event, Delta) and out.is_terminal:
                draft += event.text
                live.update(
                    Text.assemble(("draft  ", "dim italic"), styled(draft, "dim")), refresh=True
                )
            elif isinstance(event, Done):
                answer = event.answer
    assert answer is not None, "a stream that ends without an error ends with Done"
    return answer


def print_answer(answer: Answer) -> None:
    """The checked answer, its quotes with their places, and what it was made from."""
    if answer.asked != answer.question:
        out.print(styled(f"Searched for: {answer.asked}", "dim"))
    if answer.answered:
        _print_statements(answer)
    else:
        out.print(styled(answer.text, "bold"))
        _print_nearest(answer)
    out.print()
    out.print(styled(_footer(answer), "dim"))
    for notice in answer.notices:
        err.print(styled(notice, "yellow"))


def _print_statements(answer: Answer) -> None:
    for statement in answer.statements:
        mark, colour = _MARKS.get(statement.verdict, (" ", ""))
        _print_item(Text(mark, style=colour), styled(statement.text, "bold"))
        for citation in statement.citations:
            stale = " (the file could not be read anew since)" if citation.stale else ""
            place = _place(citation.name, citation.label, citation.ocr_confidence)
            _print_indented(styled(f"{place}{stale}", "cyan"), 4)
            _print_indented(styled(f"“{' '.join(citation.quote.split())}”"), 6)
        for reason in statement.reasons:
            _print_indented(styled(reason, "yellow"), 4)


def _print_nearest(answer: Answer) -> None:
    if not answer.passages:
        return
    out.print("The nearest passages, to read for yourself:")
    for passage in answer.passages[:_NEAREST]:
        place = _place(passage.name, passage.label, passage.ocr_confidence)
        _print_indented(styled(place, "cyan"), 2)
        _print_indented(_shortened(passage.text, 200), 4)


def _place(name: str, label: str, ocr_confidence: int | None) -> str:
    """Where something stands, and whether it was read off a picture there."""
    mark = by_ocr(ocr_confidence)
    place = one_line(f"{name}, {label}")
    return f"{place} ({mark})" if mark else place


def _print_item(mark: Text, text: Text) -> None:
    """A mark, and a text whose further lines stand under its first."""
    grid = Table.grid(padding=(0, 1))
    grid.add_row(mark, text)
    out.print(grid)


def _print_indented(text: Text, columns: int) -> None:
    out.print(Padding(text, (0, 0, 0, columns), expand=False))


def _shortened(text: str, most: int) -> Text:
    """A text on one line, cut after `most` characters."""
    line = " ".join(text.split())
    return styled(line[:most] + ("…" if len(line) > most else ""))


def _footer(answer: Answer) -> str:
    receipt = answer.receipt
    by = receipt.chat_model or "quoting (no language model)"
    passages = "1 passage" if receipt.passages_used == 1 else f"{receipt.passages_used} passages"
    seconds = sum(v for k, v in answer.seconds.items() if k != "first_word")
    covered = coverage(answer.coverage)
    return f"Answered by {by} from {passages}; the library {covered}. {seconds:.1f} s"


def _print_hit(rank: int, hit: Hit, explain: bool) -> None:
    chunk = hit.chunk
    place = _place(chunk.name, chunk.label, chunk.ocr_confidence)
    _print_item(Text(f"{rank:>3}.", style="bold"), styled(place, "cyan"))
    if explain:
        for line in why(hit):
            _print_indented(styled(line, "dim"), 5)
    _print_indented(_shortened(chunk.text, 300), 5)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


def _times(result: SearchResult) -> str:
    parts = [f"{name} {seconds * 1000:.0f} ms" for name, seconds in result.stages.items()]
    return f"{result.seconds * 1000:.0f} ms: {', '.join(parts)}."


def _converse(assistant: Assistant, scope: Scope) -> None:
    """Read questions until the end of input; an error ends its question, not the chat."""
    err.print("Ask, or end with Ctrl-D.", style="dim")
    history: list[Turn] = []
    while True:
        try:
            question = input("> " if sys.stdin.isatty() else "").strip()
        except EOFError:
            return
        if not question:
            continue
        try:
            answer = stream_answer(assistant.ask(question, history, scope))
        except VouchError as error:
            from rag.cli.console import print_error

            print_error(error, as_json=False)
            continue
        print_answer(answer)
        out.print()
        history.append(Turn(question, answer.text))


def _scope(collections: Sequence[str] | None) -> Scope:
    return Scope(collections=tuple(collections or ()))
