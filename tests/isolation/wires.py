"""Network namespaces and wires between them, as a container engine makes them."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Place:
    """A network namespace, named by a process in it. Without one: our own."""

    pid: int | None = None

    @property
    def enter(self) -> list[str]:
        """What to put before a command that shall run there."""
        return [] if self.pid is None else ["nsenter", f"--net=/proc/{self.pid}/ns/net"]

    def run(self, *command: str) -> str:
        """The output of a command that must end well."""
        done = subprocess.run(
            [*self.enter, *command], capture_output=True, text=True, timeout=180, check=False
        )
        assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}{done.stderr[-3000:]}"
        return done.stdout


@contextmanager
def new_place() -> Iterator[Place]:
    """A namespace of its own, with nothing but a loopback."""
    with subprocess.Popen(["unshare", "--net", "sleep", "infinity"]) as holder:
        try:
            while Path(f"/proc/{holder.pid}/ns/net").samefile("/proc/self/ns/net"):
                time.sleep(0.01)
            place = Place(holder.pid)
            # else the kernel itself speaks on every new wire
            place.run("sysctl", "--quiet", "--write", "net.ipv6.conf.all.disable_ipv6=1")
            place.run("ip", "link", "set", "lo", "up")
            yield place
        finally:
            holder.kill()


def lay_wire(one: Place, its_address: str, other: Place, others_address: str) -> None:
    """Join two places by interfaces named `wire`."""
    peer = ["peer", "name", "wire", "netns", str(other.pid)]
    one.run("ip", "link", "add", "wire", "type", "veth", *peer)
    for place, address in ((one, its_address), (other, others_address)):
        place.run("ip", "address", "add", f"{address}/24", "dev", "wire")
        place.run("ip", "link", "set", "wire", "up")
