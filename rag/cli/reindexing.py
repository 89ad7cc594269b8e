"""`rag reindex`, `rag models use`: another embedding model for the library, or another chat model."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from rag.cli.console import err, out, print_json, progress_bar, require_confirmed, styled
from rag.cli.flags import takes_settings
from rag.cli.ingesting import tell_waiting
from rag.config import Settings, write_setting
from rag.errors import EmptyLibrary, UsageError
from rag.types import EmbeddingIdentity

if TYPE_CHECKING:
    from rag.ingest.reindex import Outlook, ReindexEvent, Swapped
    from rag.reindexing import Reindexing

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
NoWait = Annotated[
    bool, typer.Option("--no-wait", help="Fail at once if another process is writing.")
]
Json = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]


def register(app: typer.Typer) -> None:
    app.command()(takes_settings(reindex))


def reindex(
    settings: Settings,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="Go back to what the library was embedded with.")
    ] = False,
    discard_old: Annotated[
        bool, typer.Option("--discard-old", help="Give up the way back and free its room.")
    ] = False,
    yes: Yes = False,
    no_wait: NoWait = False,
    json: Json = False,
) -> None:
    """Embed the library anew with the embedding model that the settings name.

    For example: rag reindex --embed-model bge-m3, or --engine embedded. Where no setting names one,
    it goes on with an interrupted reindex, or takes the library's own model as it is today. The
    library answers with the old vectors until the new ones are complete; interrupt it at any time.
    """
    from rag.assistant import open_assistant
    from rag.hardware import give_way

    if settings.gentle:
        give_way()
    if rollback and discard_old:
        raise UsageError("reindex", "--rollback and --discard-old exclude each other.", "Name one.")
    with closing(open_assistant(settings)) as assistant:
        reindexing = assistant.reindexing
        if discard_old:
            _tell_discarded(reindexing.discard_former(wait=not no_wait), json)
            return
        target = reindexing.rollback_target() if rollback else reindexing.target()
        _confirm(reindexing, target, ask=not yes)
        _carry_out(reindexing, target, wait=not no_wait, json=json)


def use(
    settings: Settings,
    name: Annotated[str, typer.Argument(help="The model, as its engine calls it.")],
    chat: Annotated[bool, typer.Option("--chat", help="To write answers.")] = False,
    embedding: Annotated[bool, typer.Option("--embedding", help="To search.")] = False,
    yes: Yes = False,
    no_wait: NoWait = False,
    json: Json = False,
) -> None:
    """Use a model from now on: to write answers, or to search, which embeds the library anew.

    What it is good for is asked of its engine. The choice is written into rag.toml.
    """
    from rag.assistant import open_assistant

    if chat and embedding:
        raise UsageError(name, "--chat and --embedding exclude each other.", "Name one.")
    with closing(open_assistant(settings)) as assistant:
        reindexing = assistant.reindexing
        if not _is_for_search(name, reindexing.uses(name), chat, embedding):
            _set(settings, "chat_model", name)
            _tell_chosen("chat_model", name, json)
            return
        try:
            target = reindexing.target(name)
        except EmptyLibrary:  # nothing to embed anew: the first ingestion takes it
            _set(settings, "embed_model", name)
            _tell_chosen("embed_model", name, json)
            return
        _confirm(reindexing, target, ask=not yes)
        _set(settings, "embed_model", name)
        _carry_out(reindexing, target, wait=not no_wait, json=json)


def _is_for_search(name: str, uses: frozenset[str], chat: bool, embedding: bool) -> bool:
    """Whether a model is to embed, not to write: by the flag, else by what it is good for."""
    if chat and uses == {"embedding"}:
        raise UsageError(
            name, f"{name} embeds texts; it cannot write answers.", "Choose one such as llama3.1."
        )
    if chat or embedding:
        return embedding
    if len(uses) != 1:
        known = "can do both" if uses else "does not say what it is good for"
        raise UsageError(name, f"{name} {known}.", "Say what for: --chat or --embedding")
    return uses == {"embedding"}


def _set(settings: Settings, setting: str, model: str) -> None:
    """Write the choice down, and say so where something stronger stands in its way."""
    write_setting(settings, setting, model)
    if settings.origins[setting] == "environment" and getattr(settings, setting) != model:
        stronger = f"RAG_{setting.upper()} is set in the environment and wins over rag.toml."
        err.print(styled(stronger, "yellow"), soft_wrap=True)


def _confirm(reindexing: Reindexing, target: EmbeddingIdentity, ask: bool) -> None:
    """Say what is about to happen and ask, where there is anything to embed or to give up."""
    ahead = reindexing.outlook(target)
    if not ahead.left and ahead.given_up is None:
        return
    if ask and not sys.stdin.isatty():
        raise UsageError("reindex", "Nobody is there to confirm this.", "Add --yes.")
    for line in _described(ahead, reindexing.foretell(target) if ask else None):
        err.print(styled(line), soft_wrap=True)
    if ask:
        require_confirmed("Go on?", True)


def _described(ahead: Outlook, seconds: float | None) -> Iterator[str]:
    yield f"The library's {ahead.chunks:,} chunks are embedded with {_named(ahead.current)}."
    if ahead.given_up is not None:
        yield f"The unfinished reindex with {_named(ahead.given_up)} is given up."
    if ahead.left:
        done = f" ({ahead.done:,} already are)" if ahead.done else ""
        time = f" That takes about {_duration(seconds)}." if seconds else ""
        yield (
            f"They are to be embedded with {_named(ahead.target)}{done}.{time} "
            "The library goes on answering meanwhile."
        )


def _carry_out(reindexing: Reindexing, target: EmbeddingIdentity, wait: bool, json: bool) -> None:
    with closing(reindexing.run(target, wait, tell_waiting)) as events:  # type: ignore[type-var]
        end = _show_progress(events)
    if json:
        from rag.cli import contracts

        print_json(contracts.reindexed(end))
        return
    done = f"{end.chunks_embedded:,} chunks embedded in {end.seconds:.1f} s"
    done = done if end.chunks_embedded else "nothing was left to embed"
    out.print(
        styled(f"The library is embedded with {_named(end.current)}; {done}."), soft_wrap=True
    )
    if end.former is not None:
        back = f"Back to {_named(end.former)}: rag reindex --rollback"
        err.print(styled(back, "dim"), soft_wrap=True)


def _show_progress(events: Iterator[ReindexEvent]) -> Swapped:
    """Draw a progress bar while it goes on. Returns the last event."""
    from rag.ingest.commit import Embedded
    from rag.ingest.reindex import Outlook, Publishing, Swapped

    with progress_bar() as progress:
        for event in events:
            if isinstance(event, Outlook):
                done = event.done
                task = progress.add_task(
                    "Embedding", total=event.chunks, completed=done, things="chunks", rate=""
                )
            elif isinstance(event, Embedded):
                rate = f"{event.chunks / event.seconds:.1f} chunks/s" if event.seconds else ""
                progress.update(task, completed=done + event.chunks, rate=rate)
            elif isinstance(event, Publishing):
                progress.update(task, description="Indexing")
            elif isinstance(event, Swapped):
                return event
    raise AssertionError("a run that ends without an error ends with the swap")


def _tell_discarded(former: EmbeddingIdentity | None, json: bool) -> None:
    if json:
        from dataclasses import asdict

        print_json({"discarded": asdict(former) if former else None})
    elif former is None:
        out.print("There was nothing to discard.")
    else:
        out.print(styled(f"The vectors of {_named(former)} are gone."), soft_wrap=True)


def _tell_chosen(setting: str, model: str, json: bool) -> None:
    if json:
        print_json({setting: model})
    else:
        out.print(styled(f"{setting} is {model} now."), soft_wrap=True)


def _named(identity: EmbeddingIdentity) -> str:
    return f"{identity.model} ({identity.engine})"


def _duration(seconds: float) -> str:
    for unit, length in (("hour", 3600), ("minute", 60)):
        if seconds >= 1.5 * length:
            return f"{round(seconds / length)} {unit}s"
    return f"{max(round(seconds), 1)} seconds"
