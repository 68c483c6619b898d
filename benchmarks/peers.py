# SPDX-License-Identifier: BSD-3-Clause
"""The brokers that are compared: how each is started, and how publishers and subscribers join it.

All are used through their websocket listeners, on loopback, with one process that is bound to one
core. All carry the same readings; each in its own protocol.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Final, Self

from benchmarks import mqtt
from benchmarks.build import compiled, found
from benchmarks.generator import Newcomers, Publisher
from benchmarks.machine import end, on_core
from benchmarks.readings import Reading
from benchmarks.signed import Keys
from benchmarks.sockets import BINARY, Socket, masked_frame, upgrade_request
from pyaiot.messages.signing import Session

START_TIME: Final = 15.0
"""Seconds within which a server must listen."""

BATCH: Final = 256
"""Messages to a frame, as gateways of ours send them when there are so many."""

OUR_HELLO: Final = (
    b'{"type":"new","data":"client","features":["snapshot","batch","availability","result"]}'
)
ORIGINAL_HELLO: Final = b'{"type":"new","data":"client"}'


class PeerFailed(Exception):
    """A server could not be used."""


class Server(ABC):
    """One server, from its start to its end; use it as a context."""

    name: ClassVar[str]

    def __init__(self, core: int) -> None:
        self.port = free_port()
        self.pid = 0
        self._core = core
        self._process: subprocess.Popen[bytes] | None = None
        self._stack = ExitStack()
        self.folder = Path()

    @abstractmethod
    def command(self) -> Sequence[str | Path]:
        """What to run."""

    def __enter__(self) -> Self:
        folder = tempfile.TemporaryDirectory(prefix="pyaiot-benchmark-")
        self.folder = Path(self._stack.enter_context(folder))
        log = self.folder / "log"
        with log.open("wb") as output, on_core(self._core):
            self._process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
            )
        self.pid = self._process.pid
        try:
            self.wait()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._process is not None:
            end(self._process, 5)
        self._stack.close()

    @property
    def log(self) -> str:
        """What the server said."""
        return (self.folder / "log").read_text(errors="replace")

    def wait(self) -> None:
        """Until the server listens. Raises PeerFailed."""
        self.until(lambda: _listens(self.port), "does not listen")

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for `condition`. Raises PeerFailed with what the server said."""
        deadline = time.monotonic() + START_TIME
        while not condition():
            if self._process is None or self._process.poll() is not None:
                raise PeerFailed(f"{self.name} ended: {self.log[-2000:]}")
            if time.monotonic() > deadline:
                raise PeerFailed(f"{self.name} {what}: {self.log[-2000:]}")
            time.sleep(0.01)


class Peer(Server):
    """A broker, to be compared with others."""

    note: ClassVar[str] = ""

    @abstractmethod
    def publisher(self, readings: Sequence[Reading], gather: int = 1) -> Publisher:
        """Somebody who may send `readings`, `gather` of them in a frame."""

    @abstractmethod
    def subscriber(self) -> Socket:
        """Somebody who gets all readings."""


class Broker(Peer):
    """`aiot-broker` with its defaults, signed gateways, and clients that ask for all features."""

    name = "aiot-broker"
    options: ClassVar[tuple[str, ...]] = ()

    def command(self) -> Sequence[str | Path]:
        """The command that users run, with keys of its own."""
        self.keys = Keys.written(self.folder / "keys")
        return [
            Path(sys.executable).with_name("aiot-broker"),
            f"--broker-port={self.port}",
            f"--key-file={self.folder / 'keys'}",
            *self.options,
        ]

    def publisher(self, readings: Sequence[Reading], gather: int = 1) -> Publisher:
        """A gateway that signs, and has announced its nodes."""
        sock = Socket(self.port)
        key, session = self.keys.join(sock)
        uids = dict.fromkeys(reading.uid for reading in readings)
        frames = _send_signed(sock, session, [announcement(uid) for uid in uids])
        sock.settle()
        return Publisher(
            sock,
            [reading.wire for reading in readings],
            gather=gather,
            wrap=(b'{"type":"batch","messages":[', b",", b"]}"),
            seal=(key, frames),
        )

    def subscriber(self) -> Socket:
        """A client of ours that has got the snapshot."""
        sock = Socket(self.port)
        sock.upgrade("/ws")
        sock.send(OUR_HELLO)
        sock.wait_for(b'"last":true')
        return sock

    def greeter(self) -> Socket:
        """A client of ours that has only just been welcomed."""
        sock = Socket(self.port)
        sock.upgrade("/ws")
        sock.send(OUR_HELLO)
        sock.receive()
        return sock

    def populate(self, readings: Sequence[Reading]) -> Socket:
        """A gateway that has announced nodes and told all these readings."""
        sock = Socket(self.port)
        _key, session = self.keys.join(sock)
        messages = [announcement(uid) for uid in dict.fromkeys(each.uid for each in readings)]
        messages += [each.wire for each in readings]
        _send_signed(sock, session, messages)
        sock.settle()
        return sock

    def newcomers(self, number: int, expect: int) -> Newcomers:
        """Clients that are not there yet."""
        return self._newcomers(number, expect, OUR_HELLO)

    def _newcomers(self, number: int, expect: int, hello: bytes) -> Newcomers:
        request = upgrade_request(self.port, "/ws", {})
        return Newcomers(self.port, number, request, masked_frame(hello), expect)


class OriginalClients(Broker):
    """`aiot-broker` with clients of the original pyaiot."""

    name = "aiot-broker, original clients"

    def subscriber(self) -> Socket:
        """A client that asks for nothing beyond the original's protocol."""
        return original_client(self.port)

    def newcomers(self, number: int, expect: int) -> Newcomers:
        """Clients that are not there yet."""
        return self._newcomers(number, expect, ORIGINAL_HELLO)


class Unsigned(Broker):
    """`aiot-broker` with gateways of the original pyaiot."""

    name = "aiot-broker, unsigned"
    options = ("--accept-unsigned",)

    def publisher(self, readings: Sequence[Reading], gather: int = 1) -> Publisher:
        """A gateway that cannot sign, nor send several messages in a frame."""
        sock = self.keys.join_unsigned(Socket(self.port))
        return original_gateway(sock, readings, gather)


class Original(Peer):
    """What the original pyaiot does for each message, on the same library (``original.py``)."""

    name = "the original's way"
    note = "Tornado, decoding and encoding each message, writing it to each client"

    def command(self) -> Sequence[str | Path]:
        """A stand-in of forty lines, without checks of any kind."""
        return [sys.executable, Path(__file__).with_name("original.py"), str(self.port)]

    def publisher(self, readings: Sequence[Reading], gather: int = 1) -> Publisher:
        """A gateway of the original; its token is not looked at."""
        sock = Socket(self.port)
        sock.upgrade("/gw")
        return original_gateway(sock, readings, gather)

    def subscriber(self) -> Socket:
        """A client of the original."""
        return original_client(self.port)


class Mosquitto(Peer):
    """Mosquitto, QoS 0, MQTT 3.1.1."""

    name = "Mosquitto"

    def command(self) -> Sequence[str | Path]:
        """With its defaults, but for a websocket listener and no log."""
        config = self.folder / "mosquitto.conf"
        # Debian's 2.0.11 does not start with websocket listeners alone.
        config.write_text(
            f"listener {free_port()} 127.0.0.1\n"
            f"listener {self.port} 127.0.0.1\nprotocol websockets\n"
            "allow_anonymous true\nlog_type error\nlog_type warning\n"
        )
        return [found("mosquitto") or "mosquitto", "-c", config]

    def publisher(self, readings: Sequence[Reading], gather: int = 1) -> Publisher:
        """An MQTT client; to gather is to put several packets into a frame."""
        sock = self._client()
        messages = [
            mqtt.publish(f"node/{each.uid}/{each.endpoint}", each.body) for each in readings
        ]
        return Publisher(sock, messages, BINARY, gather)

    def subscriber(self) -> Socket:
        """An MQTT client with one wildcard subscription."""
        sock = self._client()
        sock.send(mqtt.subscribe("node/#"), BINARY)
        sock.wait_for(mqtt.SUBSCRIBED)
        return sock

    def _client(self) -> Socket:
        sock = Socket(self.port)
        sock.upgrade("/mqtt", {"Sec-WebSocket-Protocol": "mqtt"})
        sock.send(mqtt.connect(f"bench-{os.urandom(6).hex()}"), BINARY)
        sock.wait_for(mqtt.CONNECTED)
        return sock


class Nats(Peer):
    """NATS, without JetStream."""

    name = "NATS"

    def command(self) -> Sequence[str | Path]:
        """With its defaults, but for a websocket listener."""
        config = self.folder / "nats.conf"
        config.write_text(
            f"listen: 127.0.0.1:{free_port()}\n"
            f'websocket {{ listen: "127.0.0.1:{self.port}", no_tls: true, compression: false }}\n'
        )
        return [found("nats-server") or "nats-server", "-c", config]

    def publisher(self, readings: Sequence[Reading], gather: int = 1) -> Publisher:
        """A client of NATS; to gather is to put several messages into a frame."""
        messages = [
            b"PUB node.%b.%b %d\r\n%b\r\n"
            % (each.uid.encode(), each.endpoint.encode(), len(each.body), each.body)
            for each in readings
        ]
        return Publisher(self._client(), messages, BINARY, gather)

    def subscriber(self) -> Socket:
        """A client with one wildcard subscription."""
        sock = self._client()
        sock.send(b"SUB node.> 1\r\nPING\r\n", BINARY)
        sock.wait_for(b"PONG\r\n")
        return sock

    def _client(self) -> Socket:
        sock = Socket(self.port)
        sock.upgrade("/")
        sock.wait_for(b"INFO ")
        options = json.dumps({"verbose": False, "pedantic": False, "name": "bench"})
        sock.send(b"CONNECT %b\r\nPING\r\n" % options.encode(), BINARY)
        sock.wait_for(b"PONG\r\n")
        return sock


class Reference(Peer):
    """The program in C that does nothing but pass frames on (``reference.c``)."""

    way: ClassVar[str]

    def command(self) -> Sequence[str | Path]:
        """Chooses its ports itself."""
        return [compiled("reference"), self.way]

    def wait(self) -> None:
        """Until it has said its ports."""
        self.until(lambda: "\n" in self.log, "does not say its ports")
        self._publish, self.port = map(int, self.log.split())

    def publisher(self, readings: Sequence[Reading], gather: int = 1) -> Publisher:
        """A socket on which frames go out, without a handshake."""
        separated = (b"[", b",", b"]")
        messages = [each.wire for each in readings]
        return Publisher(Socket(self._publish), messages, gather=gather, wrap=separated)

    def subscriber(self) -> Socket:
        """A socket on which frames come in."""
        return Socket(self.port)


class EachReference(Reference):
    """One call of `send` for each message and client."""

    name = "C, one send each"
    way = "each"


class SharedReference(Reference):
    """One call of `send` for each client and turn of the event loop."""

    name = "C, shared sends"
    way = "shared"


def original_client(port: int) -> Socket:
    """A client as the original's page is one."""
    sock = Socket(port)
    sock.upgrade("/ws")
    sock.send(ORIGINAL_HELLO)
    sock.settle()
    return sock


def original_gateway(sock: Socket, readings: Sequence[Reading], gather: int) -> Publisher:
    """A gateway as the original's are."""
    if gather != 1:
        raise PeerFailed("the original's gateways send each message in a frame of its own")
    for uid in dict.fromkeys(reading.uid for reading in readings):
        sock.send(announcement(uid))
    sock.settle()
    return Publisher(sock, [reading.wire for reading in readings])


def _send_signed(sock: Socket, session: Session, messages: Sequence[bytes]) -> int:
    """Send `messages` in as few frames as a gateway of ours would; how many that were."""
    starts = range(0, len(messages), BATCH)
    for start in starts:
        together = b",".join(messages[start : start + BATCH])
        sock.send(session.seal(b'{"type":"batch","messages":[%b]}' % together))
    return len(starts)


def announcement(uid: str) -> bytes:
    """A node is there."""
    return b'{"type":"new","uid":"%b","dst":"all"}' % uid.encode()


def free_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
