"""Looks at everything, then judges. Never raises for what is wrong, and writes nothing."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import replace

from rag.answering import budget
from rag.config import SETTINGS, Settings, elsewhere
from rag.doctor import library, model_file, needs, server
from rag.doctor.diagnosis import diagnose
from rag.doctor.facts import Facts, LibraryFacts, ServerFacts
from rag.doctor.words import Finding
from rag.engines.embedded import MODEL, EmbeddedEngine
from rag.engines.ollama.room import machine_of
from rag.errors import BadSetting, ModelMissing
from rag.loaders import tesseract
from rag.types import EmbeddingIdentity

USUAL_HOST = next(str(s.default) for s in SETTINGS if s.name == "ollama_host")


def examine(
    settings: Settings,
    *,
    wrong: Sequence[tuple[str, BadSetting]] = (),
    dropped: Sequence[str] = (),
    deep: bool = False,
    hosts: Sequence[str] = (USUAL_HOST,),
) -> tuple[Finding, ...]:
    """All findings, in the order in which they are shown.

    `wrong`: as `load_valid_settings` gives it; `dropped`: as `egress.dropped`; `hosts`: where else
    an Ollama may be; `deep`: the chat model is tried out, and the whole database checked.
    """
    found = library.look(settings.library, deep)
    asked, file = _ask(settings, found, hosts), settings.model_file
    facts = Facts(
        settings=settings,
        library=found,
        weights=_weights(),
        server=asked,
        file=model_file.look(file, settings.num_ctx) if file is not None else None,
        machine=machine_of(settings.ollama_host) if asked is not None else None,
        wrong=tuple(wrong),
        dropped=tuple(dropped),
        ocr=tesseract.installed(),
        python=platform.python_version(),
        system=platform.platform(),
    )
    return diagnose(_with_trial(facts) if deep else facts)


def _ask(settings: Settings, found: LibraryFacts, hosts: Sequence[str]) -> ServerFacts | None:
    """What Ollama says; None where nothing needs one, or where it may not be asked."""
    identity = found.identity
    embeds = identity is not None and identity.engine == "ollama"
    writes = settings.engine != "embedded" and settings.model_file is None
    host = elsewhere(settings)
    if not (writes or embeds) or (host is not None and host not in settings.allow_hosts):
        return None
    embed = settings.embed_model if identity is None else identity.model if embeds else None
    return server.look(settings, settings.chat_model if writes else None, embed, hosts)


def _with_trial(facts: Facts) -> Facts:
    """Try the chat model in the window that a question would ask for, and see what is loaded then.

    Not one that does not fit into memory: the machine would swap.
    """
    settings, asked, chat = facts.settings, facts.server, facts.chat
    if chat is None or chat.info is None or (facts.fit and facts.fit.verdict == "too_large"):
        return facts
    need = needs.need(settings.passages, settings.num_predict, chat.overhead)
    most = min(settings.num_ctx, chat.info.context_length or settings.num_ctx)
    if settings.model_file is not None:
        window = budget.window(need.total, most, None)
        return replace(facts, trial=model_file.try_out(settings, settings.model_file, window))
    assert asked is not None, "the chat model is Ollama's"
    loaded = asked.loaded_chat.context_length if asked.loaded_chat else None
    trial = server.try_out(settings, budget.window(need.total, most, loaded))
    return replace(facts, trial=trial, server=replace(asked, running=server.running(settings)))


def _weights() -> EmbeddingIdentity | None:
    try:
        return EmbeddedEngine().identity(MODEL)
    except ModelMissing:
        return None
