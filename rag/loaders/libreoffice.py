"""Word and PowerPoint 97-2003 to today's formats, by a LibreOffice found on the PATH.

It runs confined (confined.py), with a profile of its own that is gone afterwards, on a copy of the
file: nothing beside the user's file is written or locked. Macros do not run, links are not
followed, and a proxy that is not there stands between it and any network.
"""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from rag.errors import Damaged, LoadError, TimedOut
from rag.loaders import confined

TARGETS = {"doc": "docx", "ppt": "pptx"}
"""What each old format is converted to."""
_NAMES = ("soffice", "libreoffice")
_BUILD = re.compile(r"^buildid=(.+)$", re.MULTILINE)
_SETTINGS = """\
<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
{items}
</oor:items>
"""
_ITEM = (
    '<item oor:path="/org.openoffice.{path}"><prop oor:name="{name}" oor:op="fuse">'
    "<value>{value}</value></prop></item>"
)
_PROFILE = (
    ("Office.Common/Security/Scripting", "DisableMacrosExecution", "true"),
    ("Office.Common/Security/Scripting", "BlockUntrustedRefererLinks", "true"),
    ("Office.Common/Security/Scripting", "MacroSecurityLevel", "3"),
    ("Office.Writer/Content/Update", "Link", "0"),
    ("Office.Calc/Content/Update", "Link", "2"),
    ("Office.Jobs/Jobs/org.openoffice.Office.Jobs:Job['UpdateCheck']/Arguments",
     "AutoCheckEnabled", "false"),
    ("Inet/Settings", "ooInetProxyType", "2"),
    *(("Inet/Settings", f"ooInet{kind}ProxyName", "127.0.0.1") for kind in ("HTTP", "HTTPS", "FTP")),
    *(("Inet/Settings", f"ooInet{kind}ProxyPort", "9") for kind in ("HTTP", "HTTPS", "FTP")),
)  # fmt: skip


@cache
def program() -> str | None:
    """The path of the program, None if there is none on the PATH."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


@cache
def version() -> str:
    """What is installed, without starting it: "LibreOffice 40(Build:2)", "" if nothing is."""
    found = program()
    if found is None:
        return ""
    with contextlib.suppress(OSError):
        file = Path(found).resolve().parent / "versionrc"
        if match := _BUILD.search(file.read_text("utf-8", "replace")):
            return f"LibreOffice {match[1].strip()}"
    return "LibreOffice"


@contextmanager
def converted(
    path: Path, format: str, folder: Path | None, cpu_seconds: int, wall_seconds: float
) -> Iterator[Path]:
    """The file in today's format, below `folder` (None: the system's) until the end of the block.

    Raises `TimedOut`, `Damaged`, and `LoadError` where the disk or the program fails.
    """
    with confined.place(folder) as place:
        source = place / f"document.{format}"
        target = place / "out" / f"document.{TARGETS[format]}"
        try:
            shutil.copyfile(path, source)
            _write_profile(place / "profile" / "user")
            command = _command(place, source, TARGETS[format])
            confined.run(command, place, cpu_seconds, wall_seconds)
        except TimeoutError as late:
            raise _timed_out(path) from late
        except OSError as error:
            why = error.strerror or str(error)
            raise LoadError(str(path), f"{path.name} could not be converted: {why}.") from error
        if not target.exists():
            raise Damaged(
                str(path),
                f"{path.name} is damaged: LibreOffice could not open it.",
                f"Save it as {TARGETS[format]} with the program that made it, and add that.",
            )
        # its content says what it is now; errors should call it what it is called
        yield target.rename(target.with_name(path.name))


def _command(place: Path, source: Path, target: str) -> list[str]:
    return [
        str(program()), f"-env:UserInstallation={(place / 'profile').as_uri()}", "--headless",
        "--norestore", "--nolockcheck", "--nodefault", "--convert-to", target,
        "--outdir", str(place / "out"), str(source),
    ]  # fmt: skip


def _write_profile(folder: Path) -> None:
    folder.mkdir(parents=True)
    items = "\n".join(_ITEM.format(path=p, name=n, value=v) for p, n, v in _PROFILE)
    (folder / "registrymodifications.xcu").write_text(_SETTINGS.format(items=items))


def _timed_out(path: Path) -> TimedOut:
    return TimedOut(
        str(path),
        f"{path.name} took LibreOffice too long to convert and was stopped.",
        "Save it in today's format and add that; it is tried again in the next run.",
    )
