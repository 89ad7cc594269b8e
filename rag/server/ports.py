"""Which port the server takes, and the address under which people open it."""

from __future__ import annotations

import os
import socket

from rag.config import Settings
from rag.errors import ServerError

ADDRESS = "127.0.0.1"
"""What a browser is told, wherever the server listens: a container's port is published there."""
TRIED = 50  # ports after the default one


def choose_port(settings: Settings) -> int:
    """The port to serve on: the one that was asked for, or a free one.

    Port 0 is any free one. The default gives way to the next free one, as another library's server
    may have it; a port that somebody named does not. Raises `ServerError` where none is free.
    """
    if settings.port == 0:
        return _any_free(settings.bind)
    named = settings.origins.get("port", "default") != "default"
    for port in range(settings.port, settings.port + (1 if named else TRIED)):
        if is_free(settings.bind, port):
            return port
    raise ServerError(
        str(settings.port),
        f"Port {settings.port} of {settings.bind} is taken by another program.",
        "Choose another one: --port 8600, or --port 0 for any free one.",
    )


def is_free(address: str, port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        if os.name != "nt":  # there the option would let a second program listen
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except (OSError, OverflowError):
            return False
    return True


def _any_free(address: str) -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        port: int = probe.getsockname()[1]
        return port
