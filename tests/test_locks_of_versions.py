"""Every version is pinned with hashes, and no lock names a host."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ["requirements.lock", "requirements-dev.lock", "tests/models.lock"]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_host(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text
    assert "index-url" not in text


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pinned_version_has_hashes(lock: str) -> None:
    entries = re.split(r"\n(?=[a-zA-Z0-9])", (ROOT / lock).read_text().strip())
    for entry in entries:
        if not entry.startswith("#"):
            assert re.match(r"[\w.-]+==[^\s;]+", entry), entry[:80]
            assert "--hash=sha256:" in entry, entry[:80]


def test_both_locks_pin_the_same_versions_of_the_product() -> None:
    product, dev = (_pins(ROOT / lock) for lock in LOCKS[:2])
    assert product.items() <= dev.items()


def test_every_dependency_of_the_product_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    assert _names([*project["dependencies"], *extras["embedded"]]) <= _pinned(LOCKS[0])
    assert _names([name for extra in extras.values() for name in extra]) <= _pinned(LOCKS[1])


def test_the_two_command_set_up_runs_no_model_file() -> None:
    assert "xllamacpp" not in _pinned(LOCKS[0])


def _names(requirements: list[str]) -> set[str]:
    return {re.split(r"[<>=!~ ]", requirement)[0].lower() for requirement in requirements}


def _pinned(lock: str) -> set[str]:
    return {name for name, _ in _pins(ROOT / lock)}


def _pins(lock: Path) -> dict[tuple[str, str], str]:
    """Versions by name and marker: a package may be pinned twice for different Pythons."""
    found = re.findall(r"^([\w.-]+)==(\S+)( ; [^\\\n]*)?", lock.read_text(), re.MULTILINE)
    return {(name, marker.strip()): version for name, version, marker in found}
