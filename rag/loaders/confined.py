"""Runs a foreign program under limits that it cannot lift, without a network where Linux allows it.

    python -m rag.loaders.confined SECONDS PROGRAM ARGUMENT…

SECONDS are of processor time. The program takes the place of this process. A file it opens may
name others on some server: with a network of its own, in which nothing is, they cannot be fetched.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from pathlib import Path

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

MEMORY = 4 << 30
LARGEST_FILE = 500 << 20
CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000


def main() -> None:
    seconds, *command = sys.argv[1:]
    if resource is not None:
        cpu = int(seconds)
        for kind, soft, hard in (
            (resource.RLIMIT_CPU, cpu, cpu + 1),  # SIGXCPU, which says why; SIGKILL after it
            (resource.RLIMIT_AS, MEMORY, MEMORY),
            (resource.RLIMIT_FSIZE, LARGEST_FILE, LARGEST_FILE),
            (resource.RLIMIT_CORE, 0, 0),
        ):
            # macOS knows RLIMIT_AS and refuses to set it; the other limits still hold
            with contextlib.suppress(OSError, ValueError):
                resource.setrlimit(kind, (soft, hard))
    leave_network()
    os.execvp(command[0], command)  # noqa: S606  # no shell is wanted


def leave_network() -> bool:
    """Move this process into a network without any connection. False where that is not allowed."""
    if sys.platform != "linux":
        return False
    uid, gid = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None)
    if libc.unshare(CLONE_NEWNET) == 0:  # for root
        return True
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0:
        return False
    for name, value in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {uid} 1"),
        ("gid_map", f"{gid} {gid} 1"),
    ):
        with contextlib.suppress(OSError):
            Path("/proc/self", name).write_text(value)
    return True


if __name__ == "__main__":
    main()
