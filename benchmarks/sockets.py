# SPDX-License-Identifier: BSD-3-Clause
"""Websocket handshakes in plain blocking calls, for sockets that are then handed to the generator.

Nothing is read ahead: after each call the socket stands exactly behind the last frame that was
read, so another process can go on with it.
"""

import base64
import os
import socket
import struct
from collections.abc import Mapping
from typing import Final, Self

TEXT: Final = 1
BINARY: Final = 2
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10

TIMEOUT: Final = 20.0
"""Seconds for any single answer."""


class HandshakeFailed(Exception):
    """A server did not answer as it should."""


class Socket:
    """One websocket connection to a server on loopback, seen from its client."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def fd(self) -> int:
        """The descriptor."""
        return self.socket.fileno()

    def close(self) -> None:
        """Close without a goodbye."""
        self.socket.close()

    def upgrade(self, path: str, headers: Mapping[str, str] | None = None) -> dict[str, str]:
        """Make it a websocket; the answer's headers, with names in lower case."""
        self.socket.sendall(upgrade_request(self.port, path, headers or {}))
        status, *lines = self._head().decode("latin-1").split("\r\n")
        if " 101 " not in status:
            raise HandshakeFailed(f"{path}: {status}")
        pairs = (line.split(":", 1) for line in lines if ":" in line)
        return {name.lower(): value.strip() for name, value in pairs}

    def _head(self) -> bytes:
        while True:
            seen = self.socket.recv(8192, socket.MSG_PEEK)
            end = seen.find(b"\r\n\r\n")
            if end >= 0:
                return self._exactly(end + 4)
            if not seen or len(seen) == 8192:
                raise HandshakeFailed("no answer to the upgrade request")

    def send(self, payload: bytes, opcode: int = TEXT) -> None:
        """Send one frame."""
        self.socket.sendall(masked_frame(payload, opcode))

    def receive(self) -> tuple[int, bytes]:
        """The next frame that is no ping: its opcode and payload."""
        while True:
            first, second = self._exactly(2)
            size = second & 0x7F
            if size == 126:
                (size,) = struct.unpack("!H", self._exactly(2))
            elif size == 127:
                (size,) = struct.unpack("!Q", self._exactly(8))
            payload = self._exactly(size)
            opcode = first & 0x0F
            if opcode == CLOSE:
                raise HandshakeFailed(f"closed by the server: {payload!r}")
            if opcode != PING:
                return opcode, payload
            self.send(payload, PONG)

    def wait_for(self, part: bytes) -> bytes:
        """The first frame that holds `part`; what comes before is dropped."""
        while True:
            _opcode, payload = self.receive()
            if part in payload:
                return payload

    def settle(self) -> None:
        """Wait until the server has taken all that was sent (a pong comes after it)."""
        self.send(b"settle", PING)
        while True:
            opcode, payload = self.receive()
            if opcode == PONG and payload == b"settle":
                return

    def _exactly(self, size: int) -> bytes:
        if size < 65_536:
            data = self.socket.recv(size, socket.MSG_WAITALL) if size else b""
        else:
            data = b""
        chunks = [data]
        left = size - len(data)
        while left:
            chunk = self.socket.recv(min(left, 1 << 20))
            if not chunk:
                raise HandshakeFailed("the server closed the connection")
            chunks.append(chunk)
            left -= len(chunk)
        return b"".join(chunks)


def upgrade_request(port: int, path: str, headers: Mapping[str, str]) -> bytes:
    """The request of an opening handshake (RFC 6455 section 4.1)."""
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        "Sec-WebSocket-Version: 13",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def masked_frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """A frame as clients send them (RFC 6455 section 5.2)."""
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", 0x80 | opcode, 0x80 | size)
    elif size < 65_536:
        head = struct.pack("!BBH", 0x80 | opcode, 0xFE, size)
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, 0xFF, size)
    mask = os.urandom(4)
    whole = (mask * (size // 4 + 1))[:size]
    body = int.from_bytes(payload, "little") ^ int.from_bytes(whole, "little")
    return head + mask + body.to_bytes(size, "little")
