"""The first process of an airlock: python inside.py LOG RESOLV_CONF COMMAND…

Started by airlock.py in network and mount namespaces of its own. Every IPv4 and IPv6 address is
made local, so that a connection to an address without a name ends in the sink as well.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from sink import Sink

NETWORK = (
    "ip link set lo up",
    "ip route add local 0.0.0.0/0 dev lo",
    "ip -6 route add local ::/0 dev lo",
)


def main(log: Path, resolver: str, command: list[str]) -> int:
    for line in NETWORK:
        done = subprocess.run(line.split(), capture_output=True, text=True)
        if done.returncode != 0 and " -6 " not in line:  # a kernel without IPv6 needs no route
            raise SystemExit(f"{line}: {done.stderr}")
    subprocess.run(["mount", "--bind", resolver, os.path.realpath("/etc/resolv.conf")], check=True)
    Sink(log).open()
    return subprocess.run(command).returncode


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:]))
