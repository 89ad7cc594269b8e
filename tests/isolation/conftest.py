"""The airlock, for every test that has to show that nothing leaves."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from .airlock import Airlock, unavailable

_unavailable = functools.cache(unavailable)


@pytest.fixture
def airlock(tmp_path: Path) -> Airlock:
    """Runs commands in a network namespace with the sink; skipped where there can be none."""
    if reason := _unavailable():
        pytest.skip(reason)
    return Airlock(tmp_path / "airlock")


@pytest.fixture
def namespaces() -> None:
    """For tests that make a namespace themselves."""
    if reason := _unavailable():
        pytest.skip(reason)
