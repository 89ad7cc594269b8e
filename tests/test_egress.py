"""Nothing leaves: the guard of this very process, and what it switches off before heavy imports."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

from rag import egress
from rag.errors import EgressRefused

OUTSIDE = "192.0.2.1"  # TEST-NET-1: leads nowhere, should the guard fail


def in_a_process(code: str, **environ: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_connection_to_another_machine_is_refused() -> None:
    with socket.socket() as one:
        one.setblocking(False)
        with pytest.raises(EgressRefused, match=OUTSIDE) as caught:
            one.connect((OUTSIDE, 80))
        assert "allow_hosts" in caught.value.hint
        with pytest.raises(EgressRefused):
            one.connect_ex((OUTSIDE, 443))
    with socket.socket(socket.AF_INET6) as one, pytest.raises(EgressRefused):
        one.connect(("2001:db8::1", 80))


def test_a_datagram_to_another_machine_is_refused() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        with pytest.raises(EgressRefused):
            one.sendto(b"x", (OUTSIDE, 53))
        with pytest.raises(EgressRefused):
            one.sendmsg([b"x"], [], 0, (OUTSIDE, 53))


def test_a_lookup_of_another_name_is_refused() -> None:
    for look_up in (socket.gethostbyname, socket.gethostbyname_ex):
        with pytest.raises(EgressRefused):
            look_up("example.invalid")
    with pytest.raises(EgressRefused):
        socket.getaddrinfo("example.invalid", 80)


def test_a_host_given_as_bytes_is_judged_as_its_text() -> None:
    assert socket.getaddrinfo(b"127.0.0.1", 80)
    with pytest.raises(EgressRefused):
        socket.getaddrinfo(b"example.invalid", 80)


@pytest.mark.parametrize("event", ["socket.gethostbyaddr", "socket.getnameinfo"])
def test_a_reverse_lookup_of_another_address_is_refused(event: str) -> None:
    address: object = OUTSIDE if event.endswith("addr") else (OUTSIDE, 80)
    with pytest.raises(EgressRefused):
        sys.audit(event, address)


def test_loopback_and_unix_sockets_are_fine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()
        port = server.getsockname()[1]
        socket.create_connection(("localhost", port)).close()
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind("here.sock")
        server.listen()
        client.connect("here.sock")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.sendto(b"x", ("127.0.0.1", 9))


@pytest.mark.parametrize(
    ("host", "is_ours"),
    [
        ("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("[::1]", True),
        ("localhost", True), ("LOCALHOST", True), ("app.localhost", True),
        ("127.0.0.1.example.org", False), ("localhost.example.org", False), ("10.0.0.1", False),
        ("::ffff:192.0.2.1", False), ("", False), ("notlocalhost", False),
    ],
)  # fmt: skip
def test_only_true_loopback_names_count_as_this_machine(host: str, is_ours: bool) -> None:
    assert egress.is_loopback(host) is is_ours


def test_an_allowed_host_is_let_through_and_its_neighbour_is_not() -> None:
    code = f"""
import sys
from rag import egress
from rag.errors import EgressRefused
egress.guard(["{OUTSIDE}"])
sys.audit("socket.connect", None, ("{OUTSIDE}", 80))
try:
    sys.audit("socket.connect", None, ("192.0.2.2", 80))
except EgressRefused:
    print("refused")
"""
    assert in_a_process(code) == "refused"


def test_no_environment_variable_switches_the_guard_off() -> None:
    code = """
import rag.cli.main, socket
from rag.errors import EgressRefused
try:
    socket.getaddrinfo("example.invalid", 80)
except EgressRefused:
    print("refused")
"""
    off = {"RAG_ALLOW_HOSTS": "example.invalid", "RAG_EGRESS": "0", "RAG_GUARD": "off"}
    assert in_a_process(code, **off) == "refused"


def test_proxies_and_telemetry_are_dropped_from_the_environment() -> None:
    environ = {"HTTP_PROXY": "http://p", "https_proxy": "http://p", "ALL_PROXY": "p",
               "CHROMA_SERVER_HOST": "x", "STREAMLIT_SERVER_ADDRESS": "0.0.0.0",
               "LANGSMITH_API_KEY": "k", "OLLAMA_API_KEY": "k", "NO_PROXY": "corp",
               "LANGSMITH_TRACING": "true", "PATH": "/bin"}  # fmt: skip
    egress.seal_environment(environ)
    assert environ == {**egress.SILENCED, "PATH": "/bin"}
    assert environ["ORT_DISABLE_TELEMETRY"] == "1"


@pytest.mark.parametrize("module", ["rag.cli.main", "rag.indexes.__main__", "rag.__main__"])
def test_every_program_is_sealed_before_any_heavy_import(module: str) -> None:
    code = f"""
import builtins, os, sys
HEAVY = {{"numpy", "onnxruntime", "chromadb", "tantivy", "ollama", "httpx", "streamlit",
          "pypdfium2", "tokenizers", "langchain_text_splitters"}}
original = builtins.__import__
def watched(name, *rest):
    if name.split(".")[0] in HEAVY:
        assert os.environ.get("ORT_DISABLE_TELEMETRY") == "1", name
        assert "HTTP_PROXY" not in os.environ, name
    return original(name, *rest)
builtins.__import__ = watched
sys.argv = ["rag", "--version"]
sys.stdin.close()
try:
    __import__("{module}")
except SystemExit:
    pass
assert os.environ.get("ORT_DISABLE_TELEMETRY") == "1"
assert "HTTP_PROXY" not in os.environ
from rag import egress
assert egress._installed
"""
    in_a_process(code, HTTP_PROXY="http://proxy.invalid:1")
