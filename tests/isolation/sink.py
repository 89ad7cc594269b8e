"""What stands at every address of an airlock: it lets things be said and writes them down.

Four ears: DNS on UDP 53 (every name is at 127.66.6.6), TCP 80, 443 and a proxy's 3128, and a raw
socket that sees every packet to an address that is not loopback's, whatever the port. Answering,
not refusing, shows what would have been said next.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
import threading
from pathlib import Path

ADDRESS = "127.66.6.6"
PROXY_PORT = 3128
PORTS = (80, 443, PROXY_PORT)
READY = "ready"
_IPV4, _IPV6 = 0x0800, 0x86DD


class Sink:
    """Listens in this network namespace; `log` gets one line for each thing heard.

    `interface`: where packets are watched.
    """

    def __init__(self, log: Path, interface: str = "lo") -> None:
        self._interface = interface
        self._log = log.open("a", buffering=1)
        self._writing = threading.Lock()

    def open(self) -> None:
        """Listen, then write that all is ready."""
        dns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        dns.bind(("0.0.0.0", 53))
        self._start(self._answer_names, dns)
        raw = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0003))
        raw.bind((self._interface, 0x0003))
        self._start(self._watch_packets, raw)
        for port in PORTS:
            self._start(self._accept_all, socket.create_server(("0.0.0.0", port)))
        self.write(READY)

    def write(self, line: str) -> None:
        with self._writing:
            self._log.write(line + "\n")

    def _start(self, listen: object, ear: socket.socket) -> None:
        threading.Thread(target=listen, args=(ear,), daemon=True).start()  # type: ignore[arg-type]

    def _answer_names(self, ear: socket.socket) -> None:
        while True:
            question, client = ear.recvfrom(4096)
            name, kind = _asked(question)
            self.write(f"dns {name}")
            ear.sendto(_answer(question, kind), client)

    def _accept_all(self, ear: socket.socket) -> None:
        while True:
            connection, _ = ear.accept()
            address, port = connection.getsockname()[:2]
            threading.Thread(
                target=self._hear, args=(connection, f"tcp {address}:{port}"), daemon=True
            ).start()

    def _hear(self, connection: socket.socket, where: str) -> None:
        connection.settimeout(5)
        try:
            said = connection.recv(2048)
        except OSError:
            said = b""
        connection.close()
        self.write(f"{where} {said[:300]!r}")

    def _watch_packets(self, ear: socket.socket) -> None:
        seen: set[str] = set()
        while True:
            packet, (_, protocol, *_) = ear.recvfrom(128)
            target = _target(packet, protocol)
            if target and target not in seen:
                seen.add(target)
                self.write(f"packet to {target}")


def _asked(question: bytes) -> tuple[str, int]:
    """The name and the type that a DNS question asks for."""
    labels = []
    place = 12
    while length := question[place]:
        labels.append(question[place + 1 : place + 1 + length].decode("ascii", "replace"))
        place += 1 + length
    return ".".join(labels), struct.unpack("!H", question[place + 1 : place + 3])[0]


def _answer(question: bytes, kind: int) -> bytes:
    """Our address for a question of type A, no address for any other."""
    is_a = kind == 1
    header = question[:2] + struct.pack("!HHHHH", 0x8180, 1, int(is_a), 0, 0)
    end = question.index(b"\0", 12) + 5
    record = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + socket.inet_aton(ADDRESS)
    return header + question[12:end] + (record if is_a else b"")


def _target(packet: bytes, protocol: int) -> str | None:
    """Where a packet goes, if that is outside loopback."""
    if protocol == _IPV4:
        address: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.IPv4Address(
            packet[16:20]
        )
        after, kind = packet[(packet[0] & 15) * 4 :], packet[9]
    elif protocol == _IPV6:
        address, after, kind = ipaddress.IPv6Address(packet[24:40]), packet[40:], packet[6]
    else:
        return None
    if address.is_loopback:
        return None
    names = {socket.IPPROTO_TCP: "tcp", socket.IPPROTO_UDP: "udp"}
    port = f":{struct.unpack('!H', after[2:4])[0]}" if kind in names else ""
    return f"{names.get(kind, f'protocol {kind}')} {address}{port}"
