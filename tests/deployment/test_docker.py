"""The Dockerfile built and compose.yaml run by a real Docker Engine, on a machine of its own."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from . import knock, root
from .engine import Docker
from .machine import HERE, OUTSIDE

pytestmark = [pytest.mark.docker, pytest.mark.ollama, pytest.mark.slow]

REACHES = """
import json, socket, sys
reached = []
for target in sys.argv[1:]:
    host, port = target.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), timeout=2).close()
        reached.append(target)
    except OSError:
        pass
print(json.dumps(reached))
"""
GUARDED = """
import socket, sys
import rag.cli.main
from rag import egress
egress.guard(["ollama"])
socket.create_connection(("ollama", 11434), timeout=5).close()
try:
    socket.create_connection((sys.argv[1], 443), timeout=5)
except rag.errors.EgressRefused:
    print("refused")
"""
STATUS = """
from pathlib import Path
for line in Path("/proc/self/status").read_text().splitlines():
    print(line)
try:
    Path("/opt/vouch/x").touch()
except OSError as error:
    print(error.strerror)
"""


def address(stack: Docker) -> re.Match[str]:
    """The address in the log, as a person finds it: its port and its token."""
    said = stack.compose("logs", "vouch")
    found = list(re.finditer(r"http://127\.0\.0\.1:(\d+)/\?token=(\S+)", said))
    assert found, said
    return found[-1]


def knock_at_the_doors(stack: Docker) -> dict[str, int]:
    """The statuses of the app's doors, for a visitor on the machine."""
    port, token = address(stack).groups()
    command = [sys.executable, knock.__file__, port, f"vouch-{port}={token}"]
    return dict(json.loads(stack.machine.place.run(*command)))


def reaches(stack: Docker, service: str, *targets: str) -> list[str]:
    return list(json.loads(stack.python(service, REACHES, *targets)))


def heard_since(stack: Docker, before: list[str]) -> list[str]:
    time.sleep(0.2)  # a packet is written down after it was sent
    return stack.machine.heard()[len(before) :]


@pytest.fixture
def service_of_the_machine(stack: Docker) -> Iterator[str]:
    """A program that listens on the machine itself, and its address for a container."""
    bridge = stack.docker("network", "inspect", "vouch_desk", "--format",
                          "{{(index .IPAM.Config 0).Gateway}}").strip()  # fmt: skip
    listen = [sys.executable, "-m", "http.server", "8080"]
    with subprocess.Popen([*stack.machine.place.enter, *listen], stderr=subprocess.PIPE) as server:
        assert server.stderr
        try:
            while str(bridge) not in "".join(reaches(stack, "vouch", f"{bridge}:8080")):
                time.sleep(0.1)
            yield f"{bridge}:8080"
        finally:
            server.kill()


@pytest.fixture
def firewall(stack: Docker) -> Iterator[None]:
    stack.machine.place.run("nft", "--file", str(root.ROOT / "deploy" / "vouch.nft"))
    yield
    stack.machine.place.run("nft", "delete", "table", "inet", "vouch")


def test_both_are_well(stack: Docker) -> None:
    """Their own health checks say so."""
    for service in ("vouch", "ollama"):
        assert stack.inspect(service)["State"]["Health"]["Status"] == "healthy"


def test_the_logged_address_opens_the_app_on_the_machine_and_every_other_door_is_closed(
    stack: Docker,
) -> None:
    assert knock_at_the_doors(stack) == {
        "a stranger": 401,
        "signed in": 200,
        "the page's own socket": 101,
        "under another name": 421,
        "for another page": 403,
    }


def test_nothing_but_the_app_listens_on_the_machine_and_that_on_loopback(stack: Docker) -> None:
    listening = stack.machine.place.run("ss", "--no-header", "--listening", "--tcp", "--numeric")
    assert [line.split()[3] for line in listening.splitlines()] == ["127.0.0.1:8501"]


def test_documents_are_read_and_answered_by_the_models_in_the_other_container(
    stack: Docker,
) -> None:
    run = ["run", "--rm", "vouch", "rag"]
    results = stack.compose(*run, "ingest", "/documents", "--json").splitlines()
    assert json.loads(results[0])["outcome"] == "added"
    question = "Where does the spare key of the boat house hang?"
    said = stack.compose(*run, "ask", question, "--json", "--engine", "ollama")
    answer = json.loads(said)
    assert "behind the clock" in answer["text"]
    assert answer["receipt"]["chat_model"].startswith(stack.choices["VOUCH_CHAT_MODEL"])
    assert answer["receipt"]["embed_model"].startswith(stack.choices["VOUCH_EMBED_MODEL"])
    assert stack.machine.heard() == []


def test_no_container_has_any_right_and_only_the_library_can_be_written(stack: Docker) -> None:
    said = stack.python("vouch", STATUS)
    facts = dict(line.split(":\t", 1) for line in said.splitlines() if ":\t" in line)
    assert facts["Uid"].split() == ["1000"] * 4
    assert facts["NoNewPrivs"] == "1"
    assert int(facts["CapEff"], 16) == int(facts["CapBnd"], 16) == 0
    assert said.splitlines()[-1] == "Read-only file system"
    ollama = stack.docker("exec", "vouch-ollama-1", "cat", "/proc/1/status")
    assert "CapEff:\t0000000000000000" in ollama
    for service in ("vouch", "ollama"):
        host = stack.inspect(service)["HostConfig"]
        assert host["ReadonlyRootfs"] and host["Memory"] and host["PidsLimit"] and host["Init"]
        assert host["RestartPolicy"]["Name"] == "unless-stopped"


def test_no_gpu_is_hidden_where_nobody_chose_one(stack: Docker) -> None:
    """An empty CUDA_VISIBLE_DEVICES would hide them all."""
    said = stack.docker("exec", "vouch-ollama-1", "cat", "/proc/1/environ")
    names = [variable.partition("=")[0] for variable in said.split("\0")]
    assert "OLLAMA_HOST" in names
    assert not [name for name in names if name.startswith(("CUDA_", "ROCR_", "HSA_"))]


def test_the_guard_in_the_container_lets_ollama_through_and_nobody_else(stack: Docker) -> None:
    assert stack.python("vouch", GUARDED, OUTSIDE) == "refused\n"


def test_without_guard_and_firewall_no_name_is_asked_for_and_no_answer_comes_back(
    stack: Docker,
) -> None:
    before = stack.machine.heard()
    targets = [f"{OUTSIDE}:80", "somewhere.example:80", "ollama:11434"]
    assert reaches(stack, "vouch", *targets) == ["ollama:11434"]
    assert heard_since(stack, before) == [f"packet to tcp {OUTSIDE}:80"], "unanswered"


def test_with_the_firewall_nothing_leaves_the_containers(
    stack: Docker, service_of_the_machine: str, firewall: None
) -> None:
    """Not even to a program on the machine itself, which they reach without it."""
    before = stack.machine.heard()
    targets = [f"{OUTSIDE}:443", f"{HERE}:8080", service_of_the_machine, "ollama:11434"]
    assert reaches(stack, "vouch", *targets) == ["ollama:11434"]
    assert heard_since(stack, before) == []
    knock_at_the_doors(stack)


def test_pulling_models_reaches_out_and_fails_where_there_is_no_network(stack: Docker) -> None:
    """The negative control of the sink: this one network does lead outside."""
    before = stack.machine.heard()
    with pytest.raises(AssertionError, match="pull model manifest"):
        stack.compose("run", "--rm", "pull")
    assert "dns registry.ollama.ai" in heard_since(stack, before)


def test_it_ends_cleanly_and_comes_back_with_its_library_and_token(stack: Docker) -> None:
    before = address(stack).group()
    stack.compose("stop", "vouch")
    assert stack.inspect("vouch")["State"]["ExitCode"] == 0
    stack.compose("up", "--detach", "--wait", "--no-build")
    assert address(stack).group() == before
    status = stack.docker("exec", "vouch-vouch-1", "rag", "status", "--json")
    assert json.loads(status)["documents"] == 1
