"""Looks at everything, then judges. Never raises for what is wrong, and writes nothing."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import replace

from rag.answering import budget
from rag.config import SETTINGS, Settings, elsewhere
from rag.doctor import library, needs, server
from rag.doctor.diagnosis import diagnose
from rag.doctor.facts import Facts, LibraryFacts, ModelFacts, ServerFacts
from rag.doctor.words import Finding
from rag.engines.embedded import MODEL, EmbeddedEngine
from rag.errors import BadSetting, ModelMissing
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
    asked = _server(settings, found, hosts)
    trial = None
    if (
        deep
        and asked is not None
        and asked.chat is not None
        and _may_be_tried(settings, asked.chat)
    ):
        trial = server.try_out(settings, _window(settings, asked.chat))
        asked = replace(asked, running=server.running(settings))
    return diagnose(
        Facts(
            settings,
            found,
            _weights(),
            asked,
            trial,
            tuple(wrong),
            tuple(dropped),
            platform.python_version(),
            platform.platform(),
        )
    )


def _server(settings: Settings, found: LibraryFacts, hosts: Sequence[str]) -> ServerFacts | None:
    """What Ollama says; None where nothing needs one, or where it may not be asked."""
    identity = found.catalog.identity if found.catalog else None
    embeds = identity is not None and identity.engine == "ollama"
    host = elsewhere(settings)
    if (settings.engine == "embedded" and not embeds) or (
        host is not None and host not in settings.allow_hosts
    ):
        return None
    model = settings.embed_model if identity is None else identity.model if embeds else None
    return server.look(settings, model, hosts)


def _may_be_tried(settings: Settings, chat: ModelFacts) -> bool:
    return settings.engine != "embedded" and chat.info is not None and not chat.only_embeds


def _window(settings: Settings, chat: ModelFacts) -> int:
    """The window that a question with all its passages would ask for."""
    assert chat.info is not None
    need = needs.need(settings.passages, settings.num_predict, chat.overhead)
    most = min(settings.num_ctx, chat.info.context_length or settings.num_ctx)
    return budget.window(need.total, most, None)


def _weights() -> EmbeddingIdentity | None:
    try:
        return EmbeddedEngine().identity(MODEL)
    except ModelMissing:
        return None
