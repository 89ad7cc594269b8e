"""Findings about models: whether they are there and of the right kind, and what can be asked of them.

Pure.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator
from dataclasses import replace

from rag.answering.budget import WINDOW_STEPS
from rag.config import SETTINGS, Settings
from rag.doctor import needs
from rag.doctor.facts import Facts, FileFacts, ModelFacts, Trial
from rag.doctor.words import Finding, Status, finding
from rag.engines.prefixes import prefixes_of
from rag.types import EmbeddingIdentity

SLOWER = 4
"""How much slower than in its trial a model may write: windows fill up, others want the machine."""

_DEFAULTS = {s.name: s.default for s in SETTINGS}


def findings(facts: Facts) -> Iterator[Finding]:
    server, settings = facts.server, facts.settings
    if facts.file is not None:
        yield from _file(facts, facts.file)
    elif settings.engine == "embedded":
        yield finding("quoting")
    elif server is not None and server.chat is not None:
        yield from _chat(facts, server.chat)
    if facts.chat is not None and facts.trial is not None:
        yield from _speed(facts, facts.chat, facts.trial)
    identity = facts.library.identity
    if identity is not None:
        yield from _library_model(facts, identity)
        yield from _other_model(facts, identity)
    elif server is not None and server.embed is not None and settings.engine != "embedded":
        yield from _new_library_model(settings, server.embed)


def _file(facts: Facts, file: FileFacts) -> Iterator[Finding]:
    settings = facts.settings
    if file.fault is not None:
        status: Status | None = "problem" if settings.engine == "embedded" else None
        told = {"message": file.fault.message, "advice": file.fault.hint}
        yield _other_name("model_file_unusable", settings, "chat_model", status=status, **told)
    else:
        yield finding("chat_model", model=file.model.name)
        yield from _window(settings, file.model)


def _chat(facts: Facts, chat: ModelFacts) -> Iterator[Finding]:
    settings = facts.settings
    status: Status | None = "problem" if settings.engine == "ollama" else None
    if chat.cloud:
        yield _other_name("cloud_model", settings, "chat_model")
    elif chat.alike:
        yield _other_name("chat_model_tag", settings, "chat_model", chat.alike[0], status)
    elif chat.info is None:
        yield finding("chat_model_missing", status, model=chat.name)
    elif chat.only_embeds:
        yield _other_name("chat_model_embeds", settings, "chat_model")
    else:
        if facts.fit is None or facts.fit.verdict != "too_large":
            yield finding("chat_model", model=chat.name)
        yield from _window(settings, chat)


def _other_name(
    code: str,
    settings: Settings,
    setting: str,
    better: str | None = None,
    status: Status | None = None,
    **facts: object,
) -> Finding:
    """A finding that is mended by naming another model: where the environment names one, there."""
    better = better or str(_DEFAULTS[setting])
    found = finding(code, status, model=getattr(settings, setting), better=better, **facts)
    if settings.origins.get(setting) != "environment":
        return found
    return replace(found, command=f"export RAG_{setting.upper()}={shlex.quote(better)}")


def _window(settings: Settings, chat: ModelFacts) -> Iterator[Finding]:
    need = needs.need(settings.passages, settings.num_predict, chat.overhead)
    own = (chat.info and chat.info.context_length) or max(need.total, settings.num_ctx)
    wanted = {"passages": settings.passages, "need": need.total}
    if settings.num_ctx < min(need.total, own):
        step = next((step for step in WINDOW_STEPS if step >= need.total), need.total)
        yield finding("num_ctx_small", window=settings.num_ctx, enough=min(step, own), **wanted)
    if own < need.total:
        fitting = need.passages_in(own)
        yield finding("model_window_small", model=chat.name, window=own, fitting=fitting, **wanted)
    if need.total <= min(settings.num_ctx, own):
        window = min(settings.num_ctx, own)
        yield finding("window", model=chat.name, window=window, **wanted)


def _speed(facts: Facts, chat: ModelFacts, trial: Trial) -> Iterator[Finding]:
    if trial.failure is not None:
        yield finding("model_fails", model=chat.name, reason=trial.failure.message)
        return
    if trial.reading is None or trial.writing is None:
        return
    speeds = {"reading": f"{trial.reading:.0f}", "writing": f"{trial.writing:.1f}"}
    yield finding("speed", model=chat.name, load=f"{trial.load:.1f}", **speeds)
    settings = facts.settings
    need = needs.need(settings.passages, settings.num_predict, chat.overhead)
    reading = 0 if facts.file else need.prompt / trial.reading  # llama.cpp says how far it has read
    first, word = trial.load + reading, SLOWER / trial.writing
    for code, seconds, timeout in (
        ("load_timeout_short", first, settings.load_timeout),
        ("read_timeout_short", word, settings.read_timeout),
    ):
        if seconds > timeout:
            shown = {"seconds": f"{seconds:.0f}", "timeout": f"{timeout:g}"}
            yield finding(code, model=chat.name, enough=math.ceil(2 * seconds), **shown)


def _library_model(facts: Facts, identity: EmbeddingIdentity) -> Iterator[Finding]:
    """Whether what embedded the library is there and the same."""
    if identity.engine != "ollama":
        if facts.weights is not None and facts.weights.key != identity.key:
            yield finding("embed_model_changed", model=identity.model)
        return
    embed = facts.server.embed if facts.server else None
    if embed is None:
        return  # the server does not answer, which is said already
    if embed.info is None:
        yield finding("embed_model_missing", model=identity.model)
    elif (embed.info.digest, *prefixes_of(identity.model)) != (
        identity.digest,
        identity.document_prefix,
        identity.query_prefix,
    ):
        yield finding("embed_model_changed", model=identity.model)
    else:
        yield finding("embed_model", model=identity.model)


def _other_model(facts: Facts, identity: EmbeddingIdentity) -> Iterator[Finding]:
    """Whether the library is, or is meant, to be embedded with another model."""
    settings, catalog = facts.settings, facts.library.catalog
    if catalog is not None and catalog.coming is not None:
        yield finding("reindex_unfinished", model=catalog.coming.model)
    elif (
        settings.engine != "embedded"
        and settings.origins.get("embed_model", "default") != "default"
    ):
        names = {name.removesuffix(":latest") for name in (settings.embed_model, identity.model)}
        if len(names) > 1:
            yield finding("embed_model_waits", wanted=settings.embed_model, model=identity.model)


def _new_library_model(settings: Settings, embed: ModelFacts) -> Iterator[Finding]:
    """Whether a library that is begun now would get the model that the settings name."""
    if embed.cloud:
        yield _other_name("cloud_model", settings, "embed_model")
    elif embed.info is None:
        status: Status | None = "problem" if settings.engine == "ollama" else None
        yield finding("embed_model_absent", status, model=embed.name)
    elif embed.only_writes:
        yield _other_name("embed_model_chats", settings, "embed_model")
    else:
        yield finding("embed_model", model=embed.name)
