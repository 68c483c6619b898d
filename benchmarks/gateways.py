# SPDX-License-Identifier: BSD-3-Clause
"""What one gateway takes: nodes that come at once, and as many of their readings as go through.

The gateway has a core to itself; its nodes, the broker and Mosquitto share the other. What has
arrived is what the broker says that it has counted.
"""

import contextlib
import re
import selectors
import socket
import sys
import threading
import time
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import ClassVar, Final, Self

from aiocoap.message import Message
from aiocoap.numbers.codes import CONTENT
from aiocoap.numbers.types import ACK

from benchmarks import mqtt
from benchmarks.machine import memory, processor
from benchmarks.measures import MICRO, Bench, Figures, MeasureFailed
from benchmarks.peers import Broker, Mosquitto, Server, free_port
from benchmarks.sockets import Socket, masked_frame

AHEAD: Final = 500
"""Readings that may be under way: what the gateway's UDP socket holds without loss."""
PATIENCE: Final = 60.0

_LINKS: Final = b"</temperature>"
_VALUE: Final = "21.5°C"
_NON_POST: Final = b"\x50\x02"
"""The first bytes of a non-confirmable POST without a token (RFC 7252 section 3)."""


class Gateway(Server):
    """A gateway with its defaults, at a broker."""

    def __init__(self, core: int, script: str, broker: Broker, options: Sequence[str]) -> None:
        super().__init__(core)
        self._words: list[str | Path] = [
            Path(sys.executable).with_name(script),
            f"--broker-port={broker.port}",
            f"--key-file={broker.folder / 'keys'}",
            *options,
        ]

    def command(self) -> Sequence[str | Path]:
        """The command that users run."""
        return self._words

    def wait(self) -> None:
        """Until nodes can reach it, and it reaches the broker."""
        self.until(lambda: "listening on" in self.log and "Linked" in self.log, "does not listen")


class Nodes(ABC):
    """Many nodes of one protocol; use it as a context."""

    script: ClassVar[str]
    told: ClassVar[int] = 3
    """Readings of each that the broker gets when it comes: its value, and who it is."""

    def __init__(self, number: int, core: int) -> None:
        self.number = number
        self.port = free_port()
        self._core = core
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @abstractmethod
    def options(self) -> Sequence[str]:
        """How the gateway finds the nodes, or they find it."""

    @abstractmethod
    def announce(self) -> None:
        """All of them come, and tell one value at once, or when they are asked."""

    @abstractmethod
    def report(self, count: int) -> None:
        """One of them, in turn, has another reading; `count` is different each time."""


class CoapNodes(Nodes):
    """Each has a socket and a host of its own, and answers what it is asked."""

    script = "aiot-coap-gateway"

    def options(self) -> Sequence[str]:
        """They post to this port."""
        return ["--coap-host=127.0.0.1", f"--coap-port={self.port}"]

    def announce(self) -> None:
        """They post, and are asked for their resources."""
        self._selector = self._stack.enter_context(selectors.DefaultSelector())
        self._sockets = [self._socket(number) for number in range(self.number)]
        self._running = True
        answering = threading.Thread(target=self._answer)
        answering.start()
        self._stack.callback(answering.join)
        self._stack.callback(setattr, self, "_running", False)
        for number, sock in enumerate(self._sockets):
            sock.send(_NON_POST + b"\x00\x00" + b"\xb5alive\xffalive:bench-%d" % number)

    def report(self, count: int) -> None:
        """A post that nobody answers to."""
        head = _NON_POST + (count // self.number % 65_535 + 1).to_bytes(2, "big")
        value = b"\xb6server\xfftemperature:" + _VALUE.encode()
        self._sockets[count % self.number].send(head + value)

    def _socket(self, number: int) -> socket.socket:
        sock = self._stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
        sock.bind((f"127.1.{number // 250}.{number % 250 + 1}", 0))
        sock.connect(("127.0.0.1", self.port))
        self._selector.register(sock, selectors.EVENT_READ)
        return sock

    def _answer(self) -> None:
        while self._running:
            for key, _events in self._selector.select(0.05):
                sock = key.fileobj
                assert isinstance(sock, socket.socket)
                with contextlib.suppress(OSError):
                    asked = Message.decode(sock.recv(2048))
                    if asked.code.is_request():
                        known = asked.opt.uri_path == (".well-known", "core")
                        body = _LINKS if known else _VALUE.encode()
                        answer = Message(code=CONTENT, payload=body, _mtype=ACK)
                        answer.mid, answer.token = asked.mid, asked.token
                        sock.send(answer.encode())


class MqttNodes(Nodes):
    """They share a connection to Mosquitto, and never listen, as RIOT's do not."""

    script = "aiot-mqtt-gateway"

    def options(self) -> Sequence[str]:
        """Where Mosquitto is."""
        self._mosquitto = self._stack.enter_context(PlainMosquitto(self._core))
        return [f"--mqtt-port={self._mosquitto.port}"]

    def announce(self) -> None:
        """They say all that there is to say, unasked."""
        address = ("127.0.0.1", self._mosquitto.port)
        self._socket = self._stack.enter_context(socket.create_connection(address))
        self._socket.sendall(mqtt.connect("bench-nodes"))
        self._socket.recv(4, socket.MSG_WAITALL)
        body = b'{"value":"%b"}' % _VALUE.encode()
        self._readings = [
            mqtt.publish(f"node/bench-{number}/temperature", body) for number in range(self.number)
        ]
        for number in range(self.number):
            self._socket.sendall(mqtt.publish("node/check", b'{"id":"bench-%d"}' % number))
        # RIOT's wait for a second here: by then the gateway has asked each, in vain.
        time.sleep(0.2)
        for number, reading in enumerate(self._readings):
            listed = mqtt.publish(f"node/bench-{number}/resources", b'["temperature"]')
            self._socket.sendall(listed + reading)

    def report(self, count: int) -> None:
        """A message of QoS 0."""
        self._socket.sendall(self._readings[count % self.number])


class PlainMosquitto(Mosquitto):
    """Mosquitto with a listener for plain MQTT."""

    def command(self) -> Sequence[str | Path]:
        """With its defaults, but for its queues: it may not lose what it is given."""
        words = super().command()
        (self.folder / "mosquitto.conf").write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\nlog_type error\n"
            "max_queued_messages 0\n"
        )
        return words


class WebsocketNodes(Nodes):
    """Each has a connection, as they must."""

    script = "aiot-ws-gateway"

    def options(self) -> Sequence[str]:
        """They connect to this port."""
        return [f"--gateway-port={self.port}"]

    def announce(self) -> None:
        """They connect, say who they are, and one value."""
        text = '{"type":"update","data":{"temperature":"%s"}}' % _VALUE  # noqa: UP031 - braces
        self._reading = masked_frame(text.encode())
        self._sockets: list[Socket] = []
        for number in range(self.number):
            sock = self._stack.enter_context(Socket(self.port))
            sock.upgrade("/node")
            sock.send(b'{"type":"new","id":"bench-%d"}' % number)
            sock.socket.sendall(self._reading)
            self._sockets.append(sock)

    def report(self, count: int) -> None:
        """A frame, which is the same each time."""
        self._sockets[count % self.number].socket.sendall(self._reading)


def gateway(bench: Bench, kind: type[Nodes]) -> Figures:
    """Nodes that come at once, and then report as much as goes through."""
    with (
        Broker(bench.cores.generator) as broker,
        kind(bench.scale.gateway_nodes, bench.cores.generator) as nodes,
        Gateway(bench.cores.server, nodes.script, broker, nodes.options()) as server,
    ):
        before = memory(server.pid)
        began = time.monotonic()
        nodes.announce()
        _until(lambda: _readings(broker) >= nodes.told * nodes.number)
        came = time.monotonic() - began
        grown = memory(server.pid) - before
        figures = _saturated(bench, broker, nodes, server)
    return {"came": came, "memory": grown / nodes.number / 1024, **figures}


def _saturated(bench: Bench, broker: Broker, nodes: Nodes, server: Gateway) -> Figures:
    start = _readings(broker)
    sent = 0
    arrived = 0
    marks = []
    deadline = time.monotonic() + bench.scale.warmup
    for seconds in (bench.scale.seconds, 0.0):
        before = arrived
        # Where so little time is given, a busy machine may let nothing through at first.
        while time.monotonic() < deadline + (PATIENCE if arrived == before else 0.0):
            for _ in range(AHEAD - (sent - arrived)):
                nodes.report(sent)
                sent += 1
            arrived = _readings(broker) - start
        marks.append((time.monotonic(), arrived, processor(server.pid)))
        deadline = time.monotonic() + seconds
    (t0, n0, p0), (t1, n1, p1) = marks
    if n1 <= n0:
        raise MeasureFailed("no readings arrived")
    return {
        "readings": (n1 - n0) / (t1 - t0),
        "cost": (p1 - p0) / (n1 - n0) * MICRO,
        "server": (p1 - p0) / (t1 - t0),
    }


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise MeasureFailed("the nodes did not all arrive")
        time.sleep(0.005)


def _readings(broker: Broker) -> int:
    url = f"http://127.0.0.1:{broker.port}/metrics"
    with urllib.request.urlopen(url, timeout=10) as answer:
        text = answer.read().decode()
    match = re.search(r"^pyaiot_broker_readings_total (\S+)$", text, re.MULTILINE)
    return int(float(match[1])) if match else 0
