"""The network of a machine: one wire leads outside, where a sink answers at every address.

What runs on it cannot touch the network of the machine that the tests run on.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.isolation.sink import READY
from tests.isolation.wires import Place, lay_wire, new_place

HERE, OUTSIDE = "192.0.2.2", "192.0.2.1"
LISTEN = """
import sys, threading
from pathlib import Path
from isolation.sink import Sink
Sink(Path(sys.argv[1]), interface="wire").open()
threading.Event().wait()
"""


@dataclass(frozen=True)
class Machine:
    """Where it is, and what is heard outside."""

    place: Place
    log: Path

    def heard(self) -> list[str]:
        """What has left the machine so far."""
        return self.log.read_text().splitlines()[1:]


@contextmanager
def new_machine(log: Path) -> Iterator[Machine]:
    with new_place() as here, new_place() as outside:
        lay_wire(here, HERE, outside, OUTSIDE)
        here.run("ip", "route", "add", "default", "via", OUTSIDE)
        outside.run("ip", "route", "add", "local", "0.0.0.0/0", "dev", "lo")
        log.touch()
        sink = [*outside.enter, sys.executable, "-c", LISTEN, str(log)]
        with subprocess.Popen(sink, cwd=Path(__file__).parents[1]) as listening:
            try:
                while READY not in log.read_text():
                    assert listening.poll() is None
                    time.sleep(0.05)
                yield Machine(here, log)
            finally:
                listening.kill()
