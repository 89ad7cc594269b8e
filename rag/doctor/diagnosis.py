"""From what was seen to findings. Pure: the same facts always give the same findings."""

from __future__ import annotations

from rag.doctor import about_engine, about_library, about_machine, about_models, about_network
from rag.doctor.facts import Facts
from rag.doctor.words import Finding


def diagnose(facts: Facts) -> tuple[Finding, ...]:
    """All findings, in the order of the words."""
    matters = (about_engine, about_models, about_library, about_machine, about_network)
    return tuple(finding for matter in matters for finding in matter.findings(facts))
