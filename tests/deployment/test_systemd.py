"""The units started by a real systemd: what the kernel then lets them do, and what not."""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines import ollama_server

from . import knock, root
from .boot import OLLAMA_UNIT, UNITS, Booted, boot, lay_out
from .engine import Docker
from .machine import OUTSIDE, Machine, new_machine

pytestmark = [pytest.mark.docker, pytest.mark.ollama, pytest.mark.slow]

SPEAK = f"""
import socket, sys
for kind, port in ((socket.SOCK_STREAM, sys.argv[1]), (socket.SOCK_DGRAM, sys.argv[2])):
    with socket.socket(socket.AF_INET, kind) as one:
        one.settimeout(2)
        try:
            one.connect(("{OUTSIDE}", int(port)))
            one.send(b"hello")
        except OSError as error:
            print(error)
"""
SPEAK_OUTSIDE = "/usr/bin/python3 /usr/bin/speak.py 80 81"
AS_OLLAMA = ["runuser", "-u", "ollama", "--", "env"]


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with new_machine(tmp_path_factory.mktemp("outside") / "log") as machine:
        yield machine


@pytest.fixture(scope="module")
def booted(image: Docker, machine: Machine, documents: Path) -> Iterator[Booted]:
    """A machine with Vouch (as its image has it), Ollama, and our units."""
    ollama = ollama_server.binary()
    if ollama is None:
        pytest.skip("the program ollama is not installed (CONTRIBUTING.md says how)")
    with tempfile.TemporaryDirectory(prefix="vouch-", dir=root.MEMORY) as name:
        folder = Path(name)
        lay_out(root.archive(), folder)
        made = image.docker("create", "vouch").strip()
        image.docker("cp", "--quiet", f"{made}:/opt/vouch", str(folder / "opt"))
        for source, place in (
            (Path(ollama), "usr/bin/ollama"),
            (UNITS / "vouch@.service", "etc/systemd/system/vouch@.service"),
            (UNITS / "ollama.service.d" / "local.conf",
             "etc/systemd/system/ollama.service.d/local.conf"),
            (root.ROOT / "deploy" / "pull-models", "usr/bin/pull-models"),
            (Path(knock.__file__), "usr/bin/knock.py"),
            (documents / "note.txt", "home/bert/note.txt"),
        ):  # fmt: skip
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            (folder / place).write_bytes(source.read_bytes())
            (folder / place).chmod(0o755)
        (folder / "usr/bin/speak.py").write_text(SPEAK)
        (folder / "etc/systemd/system/ollama.service").write_text(OLLAMA_UNIT)
        with boot(machine, folder) as booted:
            booted.run("systemctl", "start", "ollama")
            yield booted


def run_as_the_unit(booted: Booted, *commands: str) -> str:
    """What commands say that a unit of bert's runs, just as it would run the web app."""
    lines = ["[Service]", "Type=oneshot", "Restart=no", "ExecStart=",
             *(f"ExecStart=-{command}" for command in commands)]  # fmt: skip
    text = "\n".join(lines)
    place = "/run/systemd/system/vouch@bert.service.d"
    booted.run("sh", "-c", f"mkdir -p {place} && printf %s '{text}' > {place}/probe.conf")
    booted.run("systemctl", "daemon-reload")
    complaint = booted.run("systemctl", "start", "vouch@bert")
    said = booted.run("journalctl", "--unit=vouch@bert", "--output=cat")
    assert not complaint, complaint + said
    return said


def heard_since(machine: Machine, before: list[str]) -> list[str]:
    time.sleep(0.2)  # a packet is written down after it was sent
    return machine.heard()[len(before) :]


def test_the_web_app_of_a_person_runs_and_its_doors_are_closed(booted: Booted) -> None:
    booted.run("systemctl", "start", "vouch@anna")
    said = booted.wait_for("token=", "journalctl", "--unit=vouch@anna", "--output=cat")
    found = re.search(r"http://127\.0\.0\.1:(\d+)/\?token=(\S+)", said)
    assert found
    cookie = f"vouch-{found[1]}={found[2]}"
    statuses = json.loads(booted.run("python3", "/usr/bin/knock.py", found[1], cookie))
    assert list(statuses.values()) == [401, 200, 101, 421, 403]
    library = booted.run("stat", "--format=%U %a", "/var/lib/vouch/anna")
    assert library.split() == ["anna", "700"]
    booted.run("systemctl", "stop", "vouch@anna")
    assert "Result=success" in booted.run("systemctl", "show", "vouch@anna", "--property=Result")


def test_documents_are_read_and_answered_inside_the_unit(booted: Booted) -> None:
    """With every system call, memory protection and file that this needs."""
    rag = "/opt/vouch/bin/rag"
    said = run_as_the_unit(
        booted,
        f"{rag} ingest /home/bert/note.txt",
        f'{rag} ask "Where does the spare key of the boat house hang?"',
    )
    assert "1 added" in said
    assert "behind the clock" in said


def test_the_kernel_lets_nothing_of_the_unit_leave(booted: Booted, machine: Machine) -> None:
    before = machine.heard()
    said = run_as_the_unit(booted, SPEAK_OUTSIDE)
    assert "timed out" in said, "TCP"
    assert "Operation not permitted" in said, "UDP"
    assert heard_since(machine, before) == []
    assert booted.run(*SPEAK_OUTSIDE.split()) == "", "the control, outside the unit"
    assert f"packet to udp {OUTSIDE}:81" in heard_since(machine, before)


def test_the_unit_writes_nothing_but_its_library(booted: Booted) -> None:
    said = run_as_the_unit(booted, "/usr/bin/touch /home/bert/here")
    assert "Read-only file system" in said


def test_the_drop_in_leaves_ollama_to_this_machine_and_models_are_pulled_beside_it(
    booted: Booted, machine: Machine
) -> None:
    booted.wait_for("NAME", "ollama", "list")
    before = machine.heard()
    assert "Error" in booted.run("ollama", "pull", "llama3.1")
    assert heard_since(machine, before) == []
    models = "OLLAMA_MODELS=/usr/share/ollama/.ollama/models"
    pull = ["OLLAMA_HOST=127.0.0.1:11435", models, "sh", "/usr/bin/pull-models", "llama3.1"]
    assert "pull model manifest" in booted.run(*AS_OLLAMA, *pull)
    assert "dns registry.ollama.ai" in heard_since(machine, before), "the negative control"
