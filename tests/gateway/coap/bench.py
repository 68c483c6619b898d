# SPDX-License-Identifier: BSD-3-Clause
"""CoAP nodes for the contract of adapters."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

from pyaiot.gateway.adapter import Naming
from pyaiot.gateway.coap.adapter import CoapAdapter
from tests.contracts.adapter import REFUSED, Bench, Node
from tests.gateway.coap import wire
from tests.gateway.coap.firmware import Firmware, firmware, free_port


def garbage(random: Random) -> list[bytes]:
    """Datagrams that are wrong in every way that one can think of."""
    deaf = wire.request(wire.POST, "alive", b"alive:x").encode()
    return [
        b"",
        b"\x00",
        b"\x40",
        b"\x40\x02\x00",
        b"\xff" * 40,
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x7f\x02\x12\x34" + b"t" * 15,  # a token that is too long
        b"\x48\x02\x12\x34tok",  # a token that is cut off
        b"\x40\x02\x12\x35\xff",  # a payload marker and no payload
        b"\x40\x02\x12\x36\xb5\xff\xfe\xfd\xfc\xfb\xffx",  # a path that is not UTF-8
        b"\x40\x02\x12\x37\xbd",  # an option that is cut off
        b"\x40\x02\x12\x38\xf0",  # a reserved delta
        b"\x40\x02\x12\x39\x0f",  # a reserved length
        b"\x40\x1f\x12\x40",  # a method that nobody knows
        b"\x40\xe1\x12\x41",  # a signal of CoAP over TCP
        b"\x60\x45\x12\x42\xffvalue",  # a response to nothing
        b"\x50\x45\x12\x43\x61\x01\xffvalue",  # a notification of nothing
        b"\x70\x00\x12\x44",  # a reset of nothing
        b"\x40\x00\x12\x45",  # a ping
        deaf[:-3] + bytes(4000),
        bytes(9000),
        wire.request(wire.POST, "server", b"\xff\xfe:\x00", mid=0x1246).encode(),
        wire.request(wire.POST, "server", b"no colon", mid=0x1247).encode(),
        wire.request(wire.POST, "server", b":", mid=0x1248).encode(),
        wire.request(wire.POST, "alive", b"alive:\x01\x02", mid=0x1249).encode(),
        wire.request(wire.POST, "alive", b"alive:" + b"u" * 900, mid=0x124A).encode(),
        wire.request(wire.POST, "alive", b"", mid=0x124B).encode(),
        wire.request(wire.POST, "alive", b"alive:y", mid=0x124C, query="port=99999").encode(),
        wire.request(
            wire.POST, "server", b"a:b", mid=0x124D, options=((wire.BLOCK1, b"\xff\xff\xff"),)
        ).encode(),
        wire.request(wire.POST, "server", b"a:b", mid=0x124E, options=((9, b"sec"),)).encode(),
        wire.request(wire.GET, "x", mid=0x124F, options=((35, b"coap://[::1]/"),)).encode(),
        wire.request(wire.POST, "alive", b"z", mid=0x1250, options=((14, b"9" * 900),)).encode(),
        wire.request(wire.DELETE, "server", mid=0x1251).encode(),
        *(random.randbytes(random.randrange(1, 300)) for _ in range(100)),
        *(b"\x40\x02" + random.randbytes(random.randrange(3, 60)) for _ in range(100)),
    ]


class CoapNode(Node):
    """A node that serves where it posts from."""

    def __init__(self, name: str, device: Firmware, token: str = "") -> None:
        self.name = name
        self.query = f"token={token}" if token else ""
        self.device = device

    @property
    def written(self) -> list[tuple[str, str]]:  # type: ignore[override]
        return [(name, body.decode()) for name, body in self.device.written]

    async def announce(self) -> None:
        self.device.post("alive", f"alive:{self.name}", query=self.query)

    async def reboot(self) -> None:
        self.device.post("alive", f"reset:{self.name}")

    async def post(self, endpoint: str, value: str) -> None:
        self.device.post("server", f"{endpoint}:{value}", query=self.query)

    async def freeze(self) -> None:
        self.device.frozen = True

    async def babble(self) -> None:
        for datagram in garbage(Random(7)):
            self.device.serving.send(datagram, self.device.gateway)


class CoapBench(Bench):
    protocol = "CoAP"
    naming = Naming.UNIQUE
    confirms = True
    reboots = True
    refuses = True
    carries_tokens = True

    def __init__(self) -> None:
        self._port = free_port()
        self._nodes_serve_at = free_port()

    def adapter(self) -> CoapAdapter:
        return CoapAdapter("127.0.0.1", self._port, node_port=self._nodes_serve_at)

    @asynccontextmanager
    async def node(
        self, name: str, resources: dict[str, str], token: str = ""
    ) -> AsyncIterator[Node]:
        async with firmware(self._port) as device:
            device.resources = {key: value.encode() for key, value in resources.items()}
            device.refused = {REFUSED: (wire.NOT_ALLOWED, b"no\nway")}
            yield CoapNode(name, device, token)

    def unstartable(self) -> CoapAdapter:
        return CoapAdapter("203.0.113.1", self._port)
