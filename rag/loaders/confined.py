"""Runs a foreign program under limits that it cannot lift, without a network where Linux allows it.

`run` starts it, in a process of this module whose place the program then takes:

    python -m rag.loaders.confined SECONDS PROGRAM ARGUMENT…

SECONDS are of processor time. A file it opens may name others on some server: with a network of its
own, in which nothing is, they cannot be fetched.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from rag.process import die_with_parent, environment, module_command

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

MEMORY = 4 << 30
LARGEST_FILE = 500 << 20
CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000


@contextmanager
def place(folder: Path | None) -> Iterator[Path]:
    """A folder for one program's files, below `folder` (None: the system's), gone afterwards."""
    if folder is not None:
        folder.mkdir(exist_ok=True, mode=0o700)
    with TemporaryDirectory(prefix="vouch-", dir=folder) as own:
        yield Path(own)


def run(
    command: Sequence[str], place: Path, cpu_seconds: int, wall_seconds: float, **variables: str
) -> int:
    """Run a program in `place`, its home, to the end, or end it with all that it started.

    Its exit code, -n for signal n. `variables`: of its environment. Raises TimeoutError for either
    limit, OSError where it cannot be started.
    """
    process = subprocess.Popen(
        [*module_command(__name__), str(cpu_seconds), *command],
        env=environment(HOME=str(place), TMPDIR=str(place), **variables),
        cwd=place,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        code = process.wait(wall_seconds)
    except subprocess.TimeoutExpired as late:
        raise TimeoutError(f"not done within {wall_seconds:g} s") from late
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if sys.platform == "win32":
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    out_of_time = getattr(signal, "SIGXCPU", 0)
    if out_of_time and code in (-out_of_time, 128 + out_of_time):
        raise TimeoutError(f"not done within {cpu_seconds} s of processor time")
    return code


def main() -> None:
    die_with_parent()
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
