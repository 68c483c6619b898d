# SPDX-License-Identifier: BSD-3-Clause
"""A node on bare UDP sockets, which can do all that nodes do, and much that they should not."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import cast

from tests.gateway.coap import wire
from tests.gateway.coap.wire import Datagram
from tests.waiting import eventually

Address = tuple[object, ...]


class Socket(asyncio.DatagramProtocol):
    """A UDP socket that keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[Datagram] = []
        self.transport: asyncio.DatagramTransport
        self.on_datagram: Callable[[Datagram, Address], None] | None = None
        self._mids = count(0x1000)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Python 3.11's own transport is none of its declared class.
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        datagram = Datagram.decode(data)
        self.heard.append(datagram)
        if self.on_datagram is not None:
            self.on_datagram(datagram, addr)

    def error_received(self, exc: Exception) -> None:
        """The other end may be closed at any time."""

    @property
    def port(self) -> int:
        return int(self.transport.get_extra_info("sockname")[1])

    def next_mid(self) -> int:
        return next(self._mids)

    def send(self, datagram: Datagram | bytes, to: Address) -> None:
        self.transport.sendto(datagram if isinstance(datagram, bytes) else datagram.encode(), to)

    async def exchange(self, datagram: Datagram, to: Address, timeout: float = 5) -> Datagram:  # noqa: ASYNC109 - a bound for the test
        """Send, and wait for the response with the same token."""
        before = len(self.heard)
        self.send(datagram, to)

        def answers() -> list[Datagram]:
            return [each for each in self.heard[before:] if each.token == datagram.token]

        return (await eventually(answers, timeout))[0]


@asynccontextmanager
async def udp(host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[Socket]:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(Socket, local_addr=(host, port))
    try:
        yield protocol
    finally:
        transport.close()


class Firmware:
    """Resources behind a socket, and a second socket to post from (or the same)."""

    def __init__(self, serving: Socket, posting: Socket, gateway: Address) -> None:
        self.serving = serving
        self.posting = posting
        self.gateway = gateway
        self.resources: dict[str, bytes] = {}
        self.links: bytes | None = None
        """The list of resources, where it is not to be made of `resources`."""
        self.observable: set[str] = set()
        self.refused: dict[str, tuple[int, bytes]] = {}
        """Responses to a PUT of these resources."""
        self.errors: dict[str, tuple[int, bytes]] = {}
        """Responses to a GET of these resources."""
        self.max_age: int | None = None
        self.block = 6
        """The exponent of its block size, either way."""
        self.echoes = False
        """A PUT is answered with ``<resource>:<value>``."""
        self.takes_blocks = True
        self.frozen = False
        self.asleep: set[str] = set()
        """Resources that are never answered."""
        self.slow = 0.0
        """Seconds until an answer, which then is a separate one."""
        self.asked: list[Datagram] = []
        self.sizes: list[int] = []
        self.written: list[tuple[str, bytes]] = []
        self.outstanding = 0
        self.most_outstanding = 0
        self.observers: dict[str, dict[bytes, Address]] = {}
        self.resets: list[int] = []
        self._uploads: dict[str, bytes] = {}
        self._sequence = count(2)
        self._tasks: set[asyncio.Task[None]] = set()
        serving.on_datagram = self._heard

    def post(
        self,
        path: str,
        payload: bytes | str,
        *,
        query: str = "",
        type: int = wire.NON,  # noqa: A002 - what the RFC calls it
        source: Socket | None = None,
    ) -> None:
        """Post to the gateway and do not wait for an answer."""
        body = payload.encode() if isinstance(payload, str) else payload
        mid = self.posting.next_mid()
        token = mid.to_bytes(2, "big")
        datagram = wire.request(
            wire.POST,
            path,
            body,
            type=type,
            mid=mid,
            token=token,
            query=query,
            options=((wire.CONTENT_FORMAT, b""),),
        )
        (source or self.posting).send(datagram, self.gateway)

    def notify(self, name: str, value: bytes, *, type: int = wire.NON) -> None:  # noqa: A002
        """Tell all observers of a resource that it changed."""
        self.resources[name] = value
        for token, address in self.observers.get(name, {}).items():
            options = [(wire.OBSERVE, wire.uint(next(self._sequence)))]
            mid = self.serving.next_mid()
            full = Datagram(type, wire.CONTENT, mid, token, options, value)
            self._cut(full, 0)
            self.serving.send(full, address)

    def end_observation(self, name: str) -> None:
        """Tell all observers of a resource that it is gone."""
        for token, address in self.observers.pop(name, {}).items():
            mid = self.serving.next_mid()
            last = Datagram(wire.NON, wire.NOT_FOUND, mid, token)
            if self.max_age is not None:
                last.options.append((wire.MAX_AGE, wire.uint(self.max_age)))
            self.serving.send(last, address)

    def requests(self, path: str, code: int = wire.GET) -> list[Datagram]:
        return [each for each in self.asked if each.path == path and each.code == code]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _heard(self, datagram: Datagram, address: Address) -> None:
        if datagram.type == wire.RST:
            self.resets.append(datagram.mid)
            for observers in self.observers.values():
                observers.clear()
        if not 0 < datagram.code < 32:
            return
        self.asked.append(datagram)
        self.sizes.append(len(datagram.encode()))
        self.outstanding += 1
        self.most_outstanding = max(self.outstanding, self.most_outstanding)
        if self.frozen or datagram.path in self.asleep:
            return
        response = self._answer(datagram, address)
        response.token = datagram.token
        if self.slow:
            self.serving.send(Datagram(wire.ACK, wire.EMPTY, datagram.mid), address)
            response.type, response.mid = wire.CON, self.serving.next_mid()
            task = asyncio.create_task(self._later(response, address))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return
        self.outstanding -= 1
        confirmable = datagram.type == wire.CON
        response.type = wire.ACK if confirmable else wire.NON
        response.mid = datagram.mid if confirmable else self.serving.next_mid()
        self.serving.send(response, address)

    async def _later(self, response: Datagram, address: Address) -> None:
        await asyncio.sleep(self.slow)
        self.outstanding -= 1
        self.serving.send(response, address)

    def _answer(self, asked: Datagram, address: Address) -> Datagram:
        if asked.code == wire.PUT:
            return self._put(asked)
        if asked.code != wire.GET:
            return Datagram(0, wire.NOT_ALLOWED, 0)
        path = asked.path
        if path == ".well-known/core":
            return self._value(asked, self._links())
        if path in self.errors:
            code, body = self.errors[path]
            return Datagram(0, code, 0, payload=body)
        if path not in self.resources:
            return Datagram(0, wire.NOT_FOUND, 0)
        response = self._value(asked, self.resources[path])
        if asked.uint(wire.OBSERVE) == 0 and path in self.observable:
            # One observation for each observer and token (RFC 7641 section 4.1).
            self.observers.setdefault(path, {})[asked.token] = address
            response.options.append((wire.OBSERVE, b"\x01"))
        return response

    def _links(self) -> bytes:
        if self.links is not None:
            return self.links
        return ",".join(
            f"</{name}>;ct=0" + (";obs" if name in self.observable else "")
            for name in self.resources
        ).encode()

    def _value(self, asked: Datagram, body: bytes) -> Datagram:
        response = Datagram(0, wire.CONTENT, 0, payload=body)
        if self.max_age is not None:
            response.options.append((wire.MAX_AGE, wire.uint(self.max_age)))
        wanted = asked.block(wire.BLOCK2)
        self._cut(response, 0 if wanted is None else wanted[0])
        return response

    def _cut(self, response: Datagram, number: int) -> None:
        size = 16 << self.block
        if len(response.payload) <= size:
            return
        part = response.payload[number * size : (number + 1) * size]
        more = (number + 1) * size < len(response.payload)
        response.options.append((wire.BLOCK2, wire.block(number, more, self.block)))
        response.payload = part

    def _put(self, asked: Datagram) -> Datagram:
        name, body = asked.path, asked.payload
        if name in self.refused:
            code, reason = self.refused[name]
            return Datagram(0, code, 0, payload=reason)
        if name not in self.resources:
            return Datagram(0, wire.NOT_FOUND, 0)
        sent = asked.block(wire.BLOCK1)
        options: list[tuple[int, bytes]] = []
        if sent is not None:
            if not self.takes_blocks:
                return Datagram(0, wire.BAD_OPTION, 0)
            number, more, exponent = sent
            if exponent > self.block:
                options.append((wire.BLOCK1, wire.block(number, more, self.block)))
                return Datagram(0, wire.TOO_LARGE, 0, options=options)
            before = b"" if number == 0 else self._uploads.get(name, b"")
            body = before + body
            self._uploads[name] = body
            options.append((wire.BLOCK1, wire.block(number, more, exponent)))
            if more:
                return Datagram(0, wire.CONTINUE, 0, options=options)
        self.resources[name] = body
        self.written.append((name, body))
        told = name.encode() + b":" + body if self.echoes else b""
        return Datagram(0, wire.CHANGED, 0, options=options, payload=told)


@asynccontextmanager
async def firmware(
    gateway_port: int, *, host: str = "127.0.0.1", apart: bool = False, port: int = 0
) -> AsyncIterator[Firmware]:
    """A node at `host`; it serves and posts at one port, or at two if they are `apart`."""
    gateway: Address = ("127.0.0.1" if host.startswith("127.") else host, gateway_port)
    async with udp(host, port) as serving:
        if not apart:
            node = Firmware(serving, serving, gateway)
            yield node
        else:
            async with udp(host) as posting:
                node = Firmware(serving, posting, gateway)
                yield node
        await node.close()


def free_port() -> int:
    """A UDP port that was free just now."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        probe.bind(("::", 0))
        return int(probe.getsockname()[1])
