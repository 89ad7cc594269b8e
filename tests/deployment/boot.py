"""systemd as the first process of a machine: a clean root folder, our units, a person named anna.

The kernel's control groups are mounted there in their second version, so that systemd can really
hold a unit to addresses. (Where the machine of the tests has its memory controller in the first
version, limits of memory are not enforced in there.)
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import root
from .machine import OUTSIDE, Machine

UNITS = root.ROOT / "deploy" / "systemd"
OLLAMA_UNIT = """
[Unit]
Description=Ollama Service
After=network-online.target
[Service]
ExecStart=/usr/bin/ollama serve
User=ollama
Group=ollama
Restart=always
RestartSec=3
[Install]
WantedBy=multi-user.target
"""
"""As Ollama's installer writes it."""

JOIN = """
set -e
mount --make-rprivate /
mount -t cgroup2 cgroup2 "$1/sys/fs/cgroup"
mkdir "$1/sys/fs/cgroup/$2"
echo $$ > "$1/sys/fs/cgroup/$2/cgroup.procs"
exec unshare --cgroup --pid --uts --ipc --mount --fork --kill-child sh -c "$3" first "$1"
"""
"""Enters a control group of its own, which is all that systemd then sees of them."""
FIRST = """
set -e
umount "$1/sys/fs/cgroup"
mount --bind "$1" "$1"
cd "$1"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs dev
mkdir dev/shm
for name in null zero full random urandom; do
    touch "dev/$name"
    mount --bind "/dev/$name" "dev/$name"
done
pivot_root . mnt
umount --lazy /mnt
exec /usr/lib/systemd/systemd --system systemd.unit=multi-user.target
"""
LEAVE = """
mount --make-rprivate /
mount -t cgroup2 cgroup2 /mnt
find "/mnt/$1" -depth -type d -exec rmdir {} +
"""


@dataclass(frozen=True)
class Booted:
    """A running systemd, by its number outside."""

    pid: int

    def run(self, *command: str) -> str:
        """The output of a command on the booted machine; it may end as it likes."""
        enter = ["nsenter", f"--target={self.pid}", "--all"]
        done = subprocess.run(
            [*enter, *command], capture_output=True, text=True, timeout=180, check=False
        )
        return done.stdout + done.stderr

    def wait_for(self, word: str, *command: str, seconds: float = 90) -> str:
        """What a command says once it says this word."""
        deadline = time.monotonic() + seconds
        while word not in (said := self.run(*command)):
            assert time.monotonic() < deadline, said
            time.sleep(0.5)
        return said


@contextmanager
def boot(machine: Machine, folder: Path) -> Iterator[Booted]:
    """Boot the root folder on a machine."""
    group = folder.name
    command = ["unshare", "--mount", "sh", "-c", JOIN, "join", str(folder), group, FIRST]
    environment = {"container": "vouch", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    with subprocess.Popen(
        [*machine.place.enter, *command], env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as started:  # fmt: skip
        try:
            while not (children := _children(started.pid)):
                assert started.poll() is None
                time.sleep(0.05)
            booted = Booted(children[0])
            booted.wait_for("multi-user.target", "systemctl", "list-units", "--state=active")
            yield booted
        finally:
            started.kill()  # and with it everything in its namespaces
            subprocess.run(["unshare", "--mount", "sh", "-c", LEAVE, "leave", group], check=True)


def _children(pid: int) -> list[int]:
    return [int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def lay_out(archive: Path, folder: Path) -> None:
    """Unpack a root folder and add two people, and the user of Ollama."""
    subprocess.run(
        ["tar", "-C", str(folder), "--exclude=./wheels", "-xf", str(archive)], check=True
    )
    (folder / "etc/resolv.conf").write_text(f"nameserver {OUTSIDE}\n")
    folder.chmod(0o755)
    for arguments in (["anna"], ["bert"], ["--system", "-d", "/usr/share/ollama", "ollama"]):
        add = ["chroot", str(folder), "useradd", "--user-group", "--create-home", *arguments]
        subprocess.run(add, check=True)
