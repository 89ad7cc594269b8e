"""Findings about what runs models: whether it is there, where, and how old. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from rag.config import elsewhere
from rag.doctor.facts import Facts, ServerFacts
from rag.doctor.words import Finding, Status, finding
from rag.engines.ollama.engine import CHAT_REFUSES_TO_CUT
from rag.engines.ollama.replies import version_of

LEAST = (0, 6, 4)
"""From 0.5.5 on models are created from structured requests, from 0.6.4 on a server says what a
model can do: without that an embedding model cannot be told from a chat model, nor one that thinks."""
TESTED = (0, 9, 6)


def findings(facts: Facts) -> Iterator[Finding]:
    if facts.server is not None:
        if facts.server.version is None:
            yield _no_server(facts, facts.server)
        else:
            yield finding("ollama", version=facts.server.version, host=facts.server.host)
            yield from _age(facts.server.version)
    if facts.weights is not None:
        yield finding("weights", model=facts.weights.model)
    else:
        status: Status | None = "problem" if facts.needs("embedded") else None
        yield finding("weights_missing", status)


def _no_server(facts: Facts, server: ServerFacts) -> Finding:
    status: Status | None = "problem" if facts.needs("ollama") else None
    host = server.host
    if server.elsewhere is not None:
        return finding("wrong_host", status, host=host, elsewhere=server.elsewhere)
    if server.fault == "silent":
        return finding("ollama_silent", status, host=host)
    if server.fault == "foreign":
        return finding("not_ollama", status, host=host, port=urlsplit(host).port)
    if not server.installed and elsewhere(facts.settings) is None:
        model = facts.settings.chat_model
        return finding("ollama_not_installed", status, host=host, model=model)
    return finding("ollama_not_running", status, host=host)


def _age(version: str) -> Iterator[Finding]:
    number = version_number(version)
    if number is None:
        return
    if number < LEAST:
        yield finding("ollama_old", version=version, least=_dotted(LEAST))
    elif number < TESTED:
        yield finding("ollama_untested", version=version, tested=_dotted(TESTED))
    if LEAST <= number < CHAT_REFUSES_TO_CUT:
        yield finding("ollama_cuts", version=version, refuses=_dotted(CHAT_REFUSES_TO_CUT))


def version_number(version: str) -> tuple[int, ...] | None:
    """None for a build that does not know its version: it calls itself 0.0.0."""
    number = version_of(version)
    return number if any(number) else None


def _dotted(number: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in number)
