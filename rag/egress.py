"""The guard: no connection of this process but to loopback and the hosts the user allowed.

Two halves. `seal_environment` switches off, by environment variables, what the packages we build
on would send (it must run before they are imported). `guard` installs an audit hook (PEP 578) that
refuses every connect, datagram and look-up elsewhere; a hook cannot be removed again.

The hook sees what Python code does, not what native code does (onnxruntime, Chroma, tokenizers):
that these are silent is proven by the test that runs everything in a network namespace.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
from collections.abc import Iterable, MutableMapping

from rag.errors import EgressRefused

SILENCED = {
    "ORT_DISABLE_TELEMETRY": "1",  # onnxruntime >= 1.29 phones home on mere import
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "ANONYMIZED_TELEMETRY": "False",
    "LANGSMITH_TRACING": "false",
    "LANGCHAIN_TRACING_V2": "false",
    "OTEL_SDK_DISABLED": "true",
    "TOKENIZERS_PARALLELISM": "false",
    "NO_PROXY": "127.0.0.1,localhost,::1",
}
DROPPED_PREFIXES = ("CHROMA_", "STREAMLIT_", "LANGSMITH_API", "LANGCHAIN_API")
DROPPED = {"http_proxy", "https_proxy", "all_proxy", "ftp_proxy", "ollama_api_key"}

_WATCHED = {
    "socket.connect",
    "socket.sendto",
    "socket.sendmsg",
    "socket.getaddrinfo",
    "socket.gethostbyname",
    "socket.gethostbyaddr",
    "socket.getnameinfo",
}
_allowed: set[str] = set()
_dropped: set[str] = set()
_installed = False


def seal_environment(environ: MutableMapping[str, str] = os.environ) -> None:
    """Switch off telemetry, hub look-ups, tracing and proxies. Call before heavy imports."""
    for name in list(environ):
        if name.lower() in DROPPED or name.startswith(DROPPED_PREFIXES):
            del environ[name]
            _dropped.add(name)
    environ.update(SILENCED)


def dropped() -> tuple[str, ...]:
    """The names of the variables that were taken out of this process; their values are not kept."""
    return tuple(sorted(_dropped))


def guard(allow_hosts: Iterable[str] = ()) -> None:
    """Refuse every connection of this process outside loopback and `allow_hosts`.

    Raises `EgressRefused` at the place that tried. Calling it again adds hosts.
    """
    global _installed
    _allowed.update(host.lower() for host in allow_hosts)
    if not _installed:
        _installed = True
        sys.addaudithook(_audit)


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine."""
    name = host.strip("[]").split("%")[0].lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _audit(event: str, args: tuple[object, ...]) -> None:
    if event not in _WATCHED:
        return
    host = _host_of(event, args)
    if host is not None and not is_loopback(host) and not _is_allowed(host):
        raise EgressRefused(
            host,
            f"A connection to {host} was refused: nothing may leave this machine.",
            "If that host is yours, name it in the setting allow_hosts.",
        )


def _host_of(event: str, args: tuple[object, ...]) -> str | None:
    """The host an audit event is about; None where it names no host (unix sockets, wildcards)."""
    look_up = event.startswith("socket.get")
    named = args[0] if look_up else args[1]  # a connection names its own socket first
    host = named[0] if isinstance(named, tuple) else named if look_up else None
    if isinstance(host, bytes | bytearray):
        host = host.decode("ascii", "replace")
    return host if isinstance(host, str) and host else None


def _is_allowed(host: str) -> bool:
    if host.lower() in _allowed:
        return True
    return any(host in _addresses(name) for name in _allowed)


def _addresses(name: str) -> set[str]:
    """The addresses of an allowed host name, looked up anew each time (they may change)."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        try:
            return {str(info[4][0]) for info in socket.getaddrinfo(name, None)}
        except OSError:
            return set()
    return {name}
