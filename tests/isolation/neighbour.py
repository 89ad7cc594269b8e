"""Vouch and an Ollama as two containers on an internal network, in an airlock.

    python -m isolation.neighbour FILE

The airlock is Vouch's container; its neighbour is a network namespace of its own at the other end
of a wire, where a scripted Ollama listens. /etc/hosts knows the name `ollama`, as Docker's resolver
would; every other name and address leads to the sink. Prints what happened as JSON: the answer to
a question about FILE, `reached` by code under the guard, and the app's `doors` for the neighbour.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .wires import Place, lay_wire, new_place

HERE, THERE = "10.66.0.1", "10.66.0.2"
OLLAMA = ["--ollama-host", "http://ollama:11434", "--allow-hosts", "ollama"]
QUESTION = "How long can a trial gauge be had?"
SERVE = """
import threading
from scripted_ollama import ScriptedOllama
server = ScriptedOllama("0.0.0.0", 11434)
server.say(["You can have a trial gauge for four weeks [1]."])
print("ready", flush=True)
threading.Event().wait()
"""
REACH = """
import json, socket, sys
from rag import egress
from rag.errors import EgressRefused
egress.guard(["ollama"])
reached = {}
for host in sys.argv[1:]:
    try:
        socket.create_connection((host, 11434), timeout=5).close()
        reached[host] = True
    except EgressRefused:
        reached[host] = False
print(json.dumps(reached))
"""
KNOCK = """
import http.client, json, sys
here, port = sys.argv[1], int(sys.argv[2])
statuses = {}
for host in ("vouch", here, "127.0.0.1"):
    door = http.client.HTTPConnection(here, port, timeout=20)
    door.request("GET", "/", headers={"Host": f"{host}:{port}"})
    statuses[host] = door.getresponse().status
print(json.dumps(statuses))
"""


def main(file: str) -> dict[str, Any]:
    here = Place()
    rag = [sys.executable, "-m", "rag"]
    here.run(*rag, "ingest", file, "--engine", "embedded")
    with _ollama(here) as there:
        asked = here.run(*rag, "ask", QUESTION, "--json", "--engine", "ollama", *OLLAMA)
        elsewhere = ["ollama", THERE, "10.66.0.3", "192.0.2.66", "somewhere.example"]
        reached = here.run(sys.executable, "-c", REACH, *elsewhere)
        with _app([*rag, "serve", "--bind", "0.0.0.0", "--port", "0", *OLLAMA]) as port:
            doors = there.run(sys.executable, "-c", KNOCK, HERE, port)
    return {name: json.loads(said)
            for name, said in (("answer", asked), ("reached", reached), ("doors", doors))}  # fmt: skip


@contextmanager
def _ollama(here: Place) -> Iterator[Place]:
    """The neighbour, with its server and its name."""
    with new_place() as there, tempfile.NamedTemporaryFile("w", suffix="hosts") as hosts:
        lay_wire(here, HERE, there, THERE)
        hosts.write(f"127.0.0.1 localhost\n{THERE} ollama\n")
        hosts.flush()
        here.run("mount", "--bind", hosts.name, "/etc/hosts")
        serve = [*there.enter, sys.executable, "-c", SERVE]
        with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout and server.stdout.readline() == "ready\n"
                yield there
            finally:
                server.kill()


@contextmanager
def _app(command: list[str]) -> Iterator[str]:
    """The port of a running web app."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as app:
        try:
            assert app.stdout
            yield next(m.group(1) for line in app.stdout if (m := re.search(r":(\d+)/", line)))
        finally:
            app.terminate()


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))
