# SPDX-License-Identifier: BSD-3-Clause
"""Many CoAP nodes in one process: a socket each, for a gateway tells them apart by that.

They do as the firmwares do (WIRE.md section 9): they post what nobody acknowledges, and are asked
for the rest.
"""

import asyncio
import errno
import logging
import socket
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final, cast

from aiocoap.error import Error as CoapError
from aiocoap.message import Message
from aiocoap.numbers.types import Type

from pyaiot.errors import StartFailed
from pyaiot.gateway.coap.client import reason_of
from pyaiot.gateway.coap.payload import proven
from pyaiot.gateway.coap.peers import MAX_PEERS_OF_HOST
from pyaiot.simulate.coap_server import CoapServer
from pyaiot.simulate.fleet import Contact, Member, Plan, evenly
from pyaiot.simulate.things import ALIVE_PERIOD

logger = logging.getLogger(__name__)

TOGETHER: Final = 10
"""Nodes that announce themselves at once, and then the next after PAUSE: a gateway asks each."""

PAUSE: Final = 0.02
"""Seconds."""

FIRST_RETRY: Final = 2.0
"""Seconds until those who were not asked announce themselves again; twice as long each time."""

PER_ADDRESS: Final = 250
"""Nodes that share one address, where this machine has as many as one likes."""

_ALIVE: Final = b"\xb5alive\xff"
_SERVER: Final = b"\xb6server\xff"
"""Options of a POST, and the marker of its payload (RFC 7252 section 3)."""

_NON_POST: Final = b"\x50\x02"
_REQUESTS: Final = range(1, 32)
"""The codes of requests."""

_REFUSALS: Final = range(0x80, 0xC0)
"""Those of answers that say what is wrong (RFC 7252 section 12.1.2)."""


class CoapFleet:
    """The nodes of a plan at one gateway."""

    def __init__(self, plan: Plan, host: str, port: int) -> None:
        """Raises InvalidValue for nodes that cannot be."""
        self._plan = plan
        self._host, self._port = host.strip("[]"), port
        self._members = plan.members()
        self._contact = Contact(f"the gateway at {host} port {port}")
        self._nodes: list[_Node] = []

    async def run(self) -> None:
        """Be there until cancelled, whether there is a gateway or not.

        Raises StartFailed where so many nodes cannot be told apart, or the host is none.
        """
        gateway = await self._gateway()
        try:
            for which, member in enumerate(self._members):
                self._nodes.append(await self._opened(which, member, gateway))
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._announce_unasked())
                tasks.create_task(evenly(len(self._nodes), ALIVE_PERIOD, self._announce))
                tasks.create_task(evenly(len(self._nodes), self._plan.period, self._report))
        finally:
            for node in self._nodes:
                node.transport.close()

    async def _gateway(self) -> Any:
        try:
            found = await asyncio.get_running_loop().getaddrinfo(
                self._host, self._port, type=socket.SOCK_DGRAM
            )
        except (OSError, UnicodeError) as exc:
            raise StartFailed(f"There is no host '{self._host}'.") from exc
        # Of IPv4's loopback there are enough addresses for all nodes.
        addresses = sorted((each[4] for each in found), key=lambda each: ":" in str(each[0]))
        if self._plan.number > MAX_PEERS_OF_HOST and not _has_many(str(addresses[0][0])):
            raise StartFailed(
                f"A CoAP gateway takes {MAX_PEERS_OF_HOST} nodes from one host; only one at"
                " 127.0.0.1 can have more of them from here."
            )
        return addresses[0]

    async def _opened(self, which: int, member: Member, gateway: Any) -> "_Node":
        own = None
        if _has_many(gateway[0]):
            block, place = divmod(which, PER_ADDRESS)
            own = (f"127.1.{block}.{place % PER_ADDRESS + 1}", 0)
        loop = asyncio.get_running_loop()
        try:
            _, node = await loop.create_datagram_endpoint(
                lambda: _Node(member, self._contact, loop.time, self._plan.token),
                local_addr=own,
                remote_addr=gateway,
            )
        except OSError as exc:
            raise StartFailed(f"A node gets no socket: {exc.strerror or exc}.") from exc
        return node

    def _report(self, which: int, turn: int) -> None:
        self._nodes[which].report(self._members[which].measure(turn))

    def _announce(self, which: int, _turn: int) -> None:
        self._nodes[which].announce()

    async def _announce_unasked(self) -> None:
        wait = FIRST_RETRY
        while True:
            unasked = [node for node in self._nodes if not node.asked]
            for number, node in enumerate(unasked):
                if number % TOGETHER == TOGETHER - 1:
                    await asyncio.sleep(PAUSE)
                node.announce()
            await asyncio.sleep(wait)
            wait = min(2 * wait, ALIVE_PERIOD) if unasked else FIRST_RETRY


@dataclass(frozen=True, slots=True)
class _Remote:
    """Who sent a request, as the answer to it needs it."""

    sockaddr: tuple[Any, ...]

    @property
    def hostinfo(self) -> str:
        return str(self.sockaddr[0])


class _Node(asyncio.DatagramProtocol):
    """One node's socket."""

    def __init__(self, member: Member, contact: Contact, clock: Any, token: str = "") -> None:
        self.asked = False
        """A gateway knows it: it has asked for something."""
        self.transport: asyncio.DatagramTransport
        self._member = member
        self._contact = contact
        self._server = CoapServer(member.thing, clock, self._changed)
        self._last_id = 0
        self._proof = proven("", token)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)  # asyncio's own is of none

    def datagram_received(self, data: bytes, addr: Any) -> None:
        # The rest are answers to what was posted, of which only a refusal says something.
        if len(data) < 4 or (data[1] not in _REQUESTS and data[1] not in _REFUSALS):
            return
        try:
            request = Message.decode(data, _Remote(addr))
        except CoapError as exc:
            logger.debug("not understood: %s", exc)
            return
        if data[1] in _REFUSALS:
            self.asked = False
            self._contact.refused(reason_of(request))
            return
        self.asked = True
        self._contact.found()
        response = self._server.answer(request)
        response.token = request.token
        if request.mtype is Type.CON:
            response.mtype, response.mid = Type.ACK, request.mid
        else:
            response.mtype, response.mid = Type.NON, self._next_id()
        self.transport.sendto(response.encode())

    def error_received(self, exc: Exception) -> None:
        self.asked = False
        self._contact.missed((isinstance(exc, OSError) and exc.strerror) or str(exc))

    def announce(self) -> None:
        """Say that it is there."""
        self._post(_ALIVE, f"alive:{self._member.uid}")

    def report(self, values: dict[str, str]) -> None:
        """Tell values."""
        for name, value in values.items():
            self._post(_SERVER, f"{name}:{value}")

    def _changed(self, name: str) -> None:
        self.report({name: self._member.thing.values[name]})

    def _post(self, options: bytes, text: str) -> None:
        self.transport.sendto(
            _NON_POST
            + self._next_id().to_bytes(2, "big")
            + options
            + f"{self._proof}{text}".encode()
        )

    def _next_id(self) -> int:
        self._last_id = (self._last_id + 1) % 65_536
        return self._last_id


def _has_many(host: str) -> bool:
    """Whether what is at `host` can be reached from many addresses of this machine."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return address.version == 4 and address.is_loopback and _can_bind("127.1.0.1")


def _can_bind(host: str) -> bool:
    with socket.socket(type=socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((host, 0))
        except OSError as exc:
            if exc.errno == errno.EADDRNOTAVAIL:
                return False
            raise
    return True
