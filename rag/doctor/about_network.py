"""Findings about what might carry questions and documents away. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import replace

from rag.config import SETTINGS, elsewhere
from rag.doctor.about_engine import version_number
from rag.doctor.facts import Facts, ServerFacts
from rag.doctor.words import Finding, finding

CLOUD = (0, 12, 0)
"""The first with models on other machines; whether they are switched off is said from 0.16 on."""


def findings(facts: Facts) -> Iterator[Finding]:
    settings = facts.settings
    host = elsewhere(settings)
    if host is None:
        yield finding("sealed")
    elif host in settings.allow_hosts:
        local = next(s.default for s in SETTINGS if s.name == "ollama_host")
        yield finding("host_elsewhere", url=settings.ollama_host, local=local)
    else:
        yield finding("host_not_allowed", url=settings.ollama_host, host=host)
    if facts.server is not None and _may_be_cloud(facts.server):
        yield finding("cloud_features")
    proxies = [name for name in facts.dropped if name.lower().endswith("_proxy")]
    if proxies:
        names = f"{' and '.join(proxies)} {'is' if len(proxies) == 1 else 'are'}"
        yield replace(finding("proxies", names=names), command=shlex.join(["unset", *proxies]))


def _may_be_cloud(server: ServerFacts) -> bool:
    """Servers between the first with such models and the first that tells cannot do without."""
    if server.cloud is not None:
        return server.cloud
    number = version_number(server.version or "")
    return number is not None and number >= CLOUD
