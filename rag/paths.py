"""Where things lie: the library's folder (RAG_HOME) and the files that ship with the program.

Knows nothing of what stands in the files.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from rag.errors import HomeNotWritable, NetworkHome

_ROOM = 64 * 2**10  # bytes
PACKAGE = Path(__file__).parent
# fmt: off
NETWORK_FILE_SYSTEMS = {"nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "afpfs", "webdav",
                        "davfs", "fuse.sshfs", "fuse.s3fs", "fuse.rclone", "afs", "ceph"}
# fmt: on


def bundled(name: str) -> Path:
    """A file or folder that ships with the program: `ui`, `data`, `Modelfile` or `models`.

    In a wheel they lie inside the package, in a checkout beside it.
    """
    inside = PACKAGE / "bundled" / name
    return inside if inside.exists() else PACKAGE.parent / name


def default_home() -> Path:
    """The platform's folder for user data."""
    return Path(platformdirs.user_data_dir("vouch", appauthor=False))


@dataclass(frozen=True, slots=True)
class Home:
    """The folder of one library and the names in it."""

    root: Path

    @property
    def database(self) -> Path:
        return self.root / "library.db"

    @property
    def writer_lock(self) -> Path:
        return self.root / "writer.lock"

    @property
    def settings(self) -> Path:
        return self.root / "rag.toml"

    @property
    def token(self) -> Path:
        return self.root / "token"

    @property
    def token_ratios(self) -> Path:
        return self.root / "token_ratios.json"

    @property
    def model_records(self) -> Path:
        return self.root / "models.jsonl"

    @property
    def runs(self) -> Path:
        """The evaluations that were kept."""
        return self.root / "evaluations" / "runs"

    @property
    def own_questions(self) -> Path:
        return self.root / "own-questions.jsonl"

    @property
    def uploads(self) -> Path:
        return self.root / "files"

    @property
    def digests(self) -> Path:
        return self.root / "model-digests.json"

    @property
    def taken_out(self) -> Path:
        """Where members of containers lie while they are read."""
        return self.root / "taken-out"

    @property
    def backups(self) -> Path:
        return self.root / "backups"

    @property
    def aside(self) -> Path:
        """Where a library file lies that another one has taken the place of."""
        return self.root / "aside"

    @property
    def keyword_index(self) -> Path:
        return self.root / "indexes" / "keyword"

    def vector_index(self, identity_key: str) -> Path:
        return self.root / "indexes" / "vector" / identity_key

    def prepare(self) -> None:
        """Make the folder and prove that it can be written.

        Raises `NetworkHome` on a network file system (locks and SQLite are unsafe there) and
        `HomeNotWritable` where a file cannot be made.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            kind = file_system(self.root)
            if kind.lower() in NETWORK_FILE_SYSTEMS:
                raise NetworkHome(
                    str(self.root),
                    f"The library folder {self.root} is on a network file system ({kind}).",
                    "Set RAG_HOME to a folder on a local disk.",
                )
            with tempfile.TemporaryFile(dir=self.root):
                pass
        except OSError as error:
            raise HomeNotWritable(
                str(self.root),
                f"The library folder {self.root} cannot be written: {error.strerror or error}.",
                "Give yourself write permission there, or set RAG_HOME to another folder.",
            ) from error


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file at once or not at all, on disk when it returns. Raises OSError.

    A new file is for its owner only; one that is replaced keeps its permissions.
    """
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as new:
        half = Path(new.name)
        try:
            new.write(content)
            new.flush()
            os.fsync(new.fileno())
            if path.exists():
                half.chmod(path.stat().st_mode)
        except OSError:
            half.unlink()
            raise
    half.replace(path)


def put_on_disk(path: Path) -> None:
    """fsync a file or a folder: what it holds is there after a power cut. Raises OSError."""
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot open a folder to fsync it
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_full(path: Path) -> bool:
    """Whether the disk that holds a file has no room left to speak of."""
    return shutil.disk_usage(path.parent).free < _ROOM


def file_system(path: Path) -> str:
    """The type of the file system that holds `path` ('' where the platform does not tell)."""
    import psutil

    real = os.path.realpath(path)
    best = ("", "")
    for part in psutil.disk_partitions(all=True):
        mount = part.mountpoint.rstrip(os.sep) or os.sep
        inside = real == mount or real.startswith(mount if mount == os.sep else mount + os.sep)
        if inside and len(mount) >= len(best[0]):
            best = (mount, part.fstype or "")
    return best[1]
