"""The addresses in the output of strace. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

CALLS = "connect,sendto,sendmsg,sendmmsg"
COMMAND = ("strace", "-f", "-qq", "--seccomp-bpf", "-e", f"trace={CALLS}", "-o")
"""Before the file that gets the output, and the command."""
_IPV4 = re.compile(r'sa_family=AF_INET,.*?inet_addr\("([^"]+)"\)')
_IPV6 = re.compile(r'sa_family=AF_INET6,.*?inet_pton\(AF_INET6, "([^"]+)"')


def addresses(lines: Iterable[str]) -> list[str]:
    """Every internet address that a call named, in order."""
    return [found for line in lines for one in (_IPV4, _IPV6) for found in one.findall(line)]


def outside(lines: Iterable[str]) -> list[str]:
    """Those that are not loopback's."""
    return [a for a in addresses(lines) if not _loopback(ipaddress.ip_address(a))]


def _loopback(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)
