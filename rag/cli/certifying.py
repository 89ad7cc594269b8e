"""The certificate of a removal as a file, for programs (JSON) or people (Markdown)."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rag.cli.console import err, styled
from rag.errors import TracesLeft, UsageError
from rag.paths import write_whole

if TYPE_CHECKING:
    from rag.proof import Certificate

FORMS = (".json", ".md")


def require_writable(path: Path) -> None:
    """Raises `UsageError` before anything is removed."""
    if path.suffix not in FORMS:
        raise UsageError(str(path), f"{path} ends in neither .json nor .md.", "Name it so.")
    if path.exists():
        raise UsageError(str(path), f"{path} is there already.", "Choose another name.")
    if not os.access(path.parent, os.W_OK):
        raise UsageError(str(path), f"{path} cannot be written.", "Choose another folder.")


def write(certificate: Certificate, path: Path) -> None:
    if path.suffix == ".json":
        text = json.dumps(to_json(certificate), indent=1, ensure_ascii=False) + "\n"
    else:
        text = "\n".join(_markdown(certificate)) + "\n"
    write_whole(path, text.encode())


def to_json(certificate: Certificate) -> dict[str, object]:
    shown = {"clean": certificate.clean, **asdict(certificate)}
    return {**shown, "remove_copies": certificate.command}


def tell(certificate: Certificate, path: Path) -> None:
    """Where it is and what else is to be done. Raises `TracesLeft` where anything was found."""
    if certificate.command:
        err.print(
            styled(
                f"Older copies of the library that still hold it: {len(certificate.copies)}.",
                "yellow",
            )
        )
        err.print(styled(f"To remove them: {certificate.command}"), soft_wrap=True)
    if not certificate.clean:
        raise TracesLeft(
            str(path),
            f"Something is left; {path} says what and where.",
            "End the programs that have the library open, and run rag ingest on any folder.",
        )
    err.print(styled(f"Nothing of it was found in the library: {path}"), soft_wrap=True)


def _markdown(certificate: Certificate) -> Iterator[str]:
    yield "# Certificate of removal"
    yield ""
    yield f"Made {certificate.made} by {certificate.program}, of the library `{certificate.library}`."
    yield ""
    result = "Nothing of it was found." if certificate.clean else "**Something was found.**"
    yield f"Result: {result}"
    yield ""
    yield "## Removed"
    yield ""
    for document in certificate.documents:
        yield (
            f"- `{document['path']}`, read {document['read_at']}, {document['chunks']} chunks, "
            f"SHA-256 `{document['sha256']}`"
        )
    yield ""
    yield "## What was looked for afterwards"
    yield ""
    yield "| what | where | looked for | found |"
    yield "|---|---|---|---|"
    for probe in certificate.probes:
        yield f"| {probe.looked_for} | {probe.where} | {probe.tried} | {len(probe.found)} |"
    for probe in certificate.probes:
        yield from (f"- {probe.looked_for}: `{found}`" for found in probe.found)
    yield ""
    yield "## Older copies of the library that still hold it"
    yield ""
    yield from ([f"- `{copy}`" for copy in certificate.copies] or ["None."])
    if certificate.command:
        yield from ("", "To remove them:", "", f"    {certificate.command}")
    yield from ("", "## Not looked at", "")
    yield from (f"- {place}" for place in certificate.not_covered)
