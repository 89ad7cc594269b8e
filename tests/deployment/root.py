"""A clean root folder: Debian with Python, made by mmdebstrap, and the wheels of requirements.lock.

It stands in for the Python image that the Dockerfile starts from: registries of images are beyond
a test, those of Debian and Python are not. With the wheels inside, the image is built without a
network, as where there is none. Kept from run to run, as long as the lock stays the same.
"""

from __future__ import annotations

import hashlib
import os
import ssl
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements.lock"
SUITE = "trixie"
PACKAGES = "ca-certificates,python-is-python3,python3-venv,systemd"
WHEELS = "/wheels"
MEMORY = "/dev/shm"
"""Where roots are unpacked: hundreds of thousands of small files cost minutes on a busy disk."""
DOWNLOAD = (
    "python -m venv /tmp/venv && /tmp/venv/bin/pip download --quiet --require-hashes "
    f"--dest {WHEELS} --requirement /tmp/requirements.lock && rm -r /tmp/venv"
)


def archive() -> Path:
    """The root folder as a tar file."""
    made_of = LOCK.read_bytes() + "".join((SUITE, PACKAGES, DOWNLOAD)).encode()
    name = f"root-{hashlib.sha256(made_of).hexdigest()[:16]}.tar"
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vouch-ci"
    if not (cache / name).exists():
        cache.mkdir(parents=True, exist_ok=True)
        for old in cache.glob("root-*.tar"):
            old.unlink()
        _make(cache / f"{name}.tmp")
        (cache / f"{name}.tmp").rename(cache / name)
    return cache / name


def _make(target: Path) -> None:
    hooks = [f"upload {LOCK} /tmp/requirements.lock"]
    if certificates := ssl.get_default_verify_paths().cafile:
        hooks.append(f"upload {certificates} /etc/ssl/certs/ca-certificates.crt")
    hooks.append(f"chroot \"$1\" sh -c '{DOWNLOAD}'")
    subprocess.run(
        ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={PACKAGES}", "--format=tar",
         *(f"--customize-hook={hook}" for hook in hooks), SUITE, str(target)],
        check=True,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
