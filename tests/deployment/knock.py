"""The doors of a web app on this machine: python knock.py PORT COOKIE. Prints statuses as JSON.

A program without the project's imports: it is run by whatever Python the machine has.
"""

from __future__ import annotations

import http.client
import json
import sys

WEBSOCKET = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol": "streamlit",
}


def main(port: int, cookie: str) -> dict[str, int]:
    signed_in = {"Cookie": cookie}

    def status(path: str, headers: dict[str, str]) -> int:
        door = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        door.request("GET", path, headers=headers)
        return door.getresponse().status

    return {
        "a stranger": status("/", {}),
        "signed in": status("/", signed_in),
        "the page's own socket": status("/_stcore/stream", signed_in | WEBSOCKET),
        "under another name": status("/", signed_in | {"Host": f"vouch:{port}"}),
        "for another page": status("/", signed_in | {"Origin": "http://evil.test"}),
    }


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), sys.argv[2])))
