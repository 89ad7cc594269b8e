"""compose.yaml as Compose itself reads it, against the specification. Nothing is started."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import pytest

from . import root
from .engine import compose_program

SERVICES = {
    None: {"vouch", "ollama"},  # what .env chooses
    "nvidia": {"vouch", "ollama-nvidia"},
    "amd": {"vouch", "ollama-amd"},
    "pull": {"vouch", "pull"},
}


def compose(*arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    program = compose_program()
    if program is None:
        pytest.skip("Docker Compose is not installed (see .ci/run)")
    return subprocess.run(
        [*program, *arguments], cwd=root.ROOT, input=text, capture_output=True, text=True,
        env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]}, check=False,
    )  # fmt: skip


def project(profile: str | None) -> dict[str, Any]:
    chosen = ["--profile", profile] if profile else []
    done = compose(*chosen, "config", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return dict(json.loads(done.stdout))


profiles = pytest.mark.parametrize("profile", SERVICES)


def test_a_word_that_the_specification_does_not_know_is_refused() -> None:
    """The negative control: Compose does check what it reads."""
    done = compose("--file", "-", "config", text="services: {a: {image: b, memlimit: 1g}}")
    assert done.returncode != 0
    assert "memlimit" in done.stderr


@profiles
def test_a_profile_starts_vouch_and_the_one_ollama_it_is_named_for(profile: str | None) -> None:
    assert set(project(profile)["services"]) == SERVICES[profile]


@profiles
def test_every_container_is_without_rights_and_within_limits(profile: str | None) -> None:
    for service in project(profile)["services"].values():
        assert service["read_only"] and service["init"]
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert int(service["mem_limit"]) > 0 and service["pids_limit"] > 0
        assert not service.get("privileged") and "network_mode" not in service


@profiles
def test_every_published_port_is_on_loopback_and_of_the_number_that_the_app_knows(
    profile: str | None,
) -> None:
    services = project(profile)["services"]
    ports = [
        (name, port) for name, service in services.items() for port in service.get("ports", [])
    ]
    assert [name for name, _ in ports] == ["vouch"]
    own = services["vouch"]["environment"]["RAG_PORT"]
    for _, port in ports:
        assert port["host_ip"] == "127.0.0.1"
        assert port["published"] == str(port["target"]) == own


@profiles
def test_no_network_but_that_of_pull_has_a_way_out(profile: str | None) -> None:
    found = project(profile)
    for name, service in found["services"].items():
        for network in service["networks"]:
            facts = found["networks"][network]
            masquerades = facts.get("driver_opts", {}).get(
                "com.docker.network.bridge.enable_ip_masquerade"
            )
            closed = facts.get("internal") or masquerades == "false"
            assert closed is (name != "pull"), f"{name} on {network}"
        assert (service.get("dns") == ["127.0.0.1"]) is (name != "pull")


def test_ollama_is_on_the_internal_network_alone() -> None:
    found = project(None)
    assert set(found["services"]["ollama"]["networks"]) == {"inside"}
    assert found["networks"]["inside"]["internal"] is True


def test_the_documents_cannot_be_written() -> None:
    volumes = project(None)["services"]["vouch"]["volumes"]
    [documents] = [volume for volume in volumes if volume["target"] == "/documents"]
    assert documents["read_only"] is True


def test_each_kind_of_gpu_is_handed_over() -> None:
    deploy = project("nvidia")["services"]["ollama-nvidia"]["deploy"]
    [device] = deploy["resources"]["reservations"]["devices"]
    assert (device["driver"], device["capabilities"]) == ("nvidia", ["gpu"])
    devices = project("amd")["services"]["ollama-amd"]["devices"]
    assert [device["source"] for device in devices] == ["/dev/kfd", "/dev/dri"]
