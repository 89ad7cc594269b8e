"""Vouch and an Ollama as two containers on an internal network, in an airlock.

    python -m isolation.neighbour FILE

The airlock is Vouch's container; its neighbour is a network namespace of its own at the other end
of a wire, where a scripted Ollama listens. /etc/hosts knows the name `ollama`, as Docker's resolver
would; every other name and address leads to the sink. Prints what happened as JSON: the answer to
a question about FILE, `reached` by code under the guard, and the app's `doors` for the neighbour.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

HERE, THERE = "10.66.0.1", "10.66.0.2"
OLLAMA = ["--ollama-host", "http://ollama:11434", "--allow-hosts", "ollama"]
QUESTION = "How long can a trial gauge be had?"
SERVE = """
import threading
from web.scripted_ollama import ScriptedOllama
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


@contextmanager
def neighbour() -> Iterator[list[str]]:
    """A namespace with a scripted Ollama, and what to put before a command that shall run there."""
    with subprocess.Popen(["unshare", "--net", "sleep", "infinity"]) as there:
        try:
            while os.path.samefile(f"/proc/{there.pid}/ns/net", "/proc/self/ns/net"):
                pass
            enter = ["nsenter", f"--net=/proc/{there.pid}/ns/net"]
            _lay_a_wire(there.pid, enter)
            serve = [*enter, sys.executable, "-c", SERVE]
            with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as server:
                try:
                    assert server.stdout and server.stdout.readline() == "ready\n"
                    yield enter
                finally:
                    server.kill()
        finally:
            there.kill()


def _lay_a_wire(pid: int, enter: list[str]) -> None:
    _run("ip", "link", "add", "here", "type", "veth", "peer", "there", "netns", str(pid))
    for where, name, address in (([], "here", HERE), (enter, "there", THERE)):
        _run(*where, "ip", "address", "add", f"{address}/24", "dev", name)
        _run(*where, "ip", "link", "set", name, "up")
    with tempfile.NamedTemporaryFile("w", suffix="hosts") as hosts:
        hosts.write(f"127.0.0.1 localhost\n{THERE} ollama\n")
        hosts.flush()
        _run("mount", "--bind", hosts.name, "/etc/hosts")


def main(file: str) -> dict[str, Any]:
    _rag("ingest", file, "--engine", "embedded")
    with neighbour() as enter:
        answer = json.loads(_rag("ask", QUESTION, "--json", "--engine", "ollama", *OLLAMA))
        elsewhere = ["ollama", THERE, "10.66.0.3", "192.0.2.66", "somewhere.example"]
        reached = json.loads(_run(sys.executable, "-c", REACH, *elsewhere))
        serve = [sys.executable, "-m", "rag", "serve", "--bind", "0.0.0.0", "--port", "0", *OLLAMA]
        with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as app:
            assert app.stdout
            port = next(m.group(1) for line in app.stdout if (m := re.search(r":(\d+)/", line)))
            doors = json.loads(_run(*enter, sys.executable, "-c", KNOCK, HERE, port))
            app.terminate()
    return {"answer": answer, "reached": reached, "doors": doors}


def _rag(*arguments: str) -> str:
    return _run(sys.executable, "-m", "rag", *arguments)


def _run(*command: str) -> str:
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=120)
    assert done.returncode == 0, command
    return done.stdout


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))
