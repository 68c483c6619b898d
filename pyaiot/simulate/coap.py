# SPDX-License-Identifier: BSD-3-Clause
"""A simulated CoAP node: what a node of WIRE.md sections 4 and 9 does."""

import asyncio
import logging
import socket
from collections.abc import Sequence
from random import Random
from typing import Final

from pyaiot.errors import CommandFailed, StartFailed
from pyaiot.gateway.coap.client import Client
from pyaiot.gateway.coap.payload import proven
from pyaiot.gateway.coap.peers import COAP_PORT
from pyaiot.gateway.coap.quiet import Quiet
from pyaiot.gateway.coap.site import ALIVE, SERVER
from pyaiot.gateway.coap.transport import Remote, Transport
from pyaiot.model.node import checked_uid
from pyaiot.simulate.coap_server import CoapServer
from pyaiot.simulate.things import ALIVE_PERIOD, Thing

logger = logging.getLogger(__name__)

USUAL_PORTS: Final = (COAP_PORT, *range(5690, 5700), 0)
"""Where a node serves: at the default port, or where a gateway or another node has that, beside."""

FIRST_RETRY: Final = 1.0
"""Seconds until a gateway that was not there is tried again; twice as long each time."""

PATIENCE: Final = 5.0
"""Seconds for which an answer of the gateway is awaited."""


class CoapNode:
    """A `Thing` that serves its resources and posts to a gateway, both from one port."""

    def __init__(
        self,
        thing: Thing,
        random: Random,
        *,
        uid: str = "",
        token: str = "",
        gateway_host: str = "localhost",
        gateway_port: int = COAP_PORT,
        host: str = "",
        ports: Sequence[int] = USUAL_PORTS,
    ) -> None:
        """Serve on `host` (empty for all interfaces), at the first of `ports` that is free.

        Without `uid` the node is named after its machine and port. `token` is its device token,
        where it has one. Raises InvalidValue for a uid
        that no node can have.
        """
        self._thing = thing
        self._random = random
        self._uid = checked_uid(uid) if uid else ""
        self._token = token
        self._gateway = (gateway_host.strip("[]"), gateway_port)
        self._host = host
        self._ports = ports
        self._preferred = 0
        """Which of the gateway's addresses answered last."""
        self._there = True
        self._changed: dict[str, None] = {}
        """Resources that were set and whose new value the gateway has yet to hear."""
        self._stirred = asyncio.Event()
        self._transport: Transport
        self._client: Client

    @property
    def uid(self) -> str:
        """Its name; not known before it runs, unless it was given."""
        return self._uid

    @property
    def port(self) -> int:
        """The port at which it serves, once it runs."""
        return self._transport.port

    async def run(self) -> None:
        """Be a node until cancelled, whether there is a gateway or not.

        Raises StartFailed when none of the ports can be had.
        """
        clock = asyncio.get_running_loop().time
        server = CoapServer(self._thing, clock, self._set)
        self._transport = await self._open(server, Quiet(logger, clock))
        self._client = Client(self._transport, PATIENCE)
        self._uid = self._uid or f"{socket.gethostname()}-{self.port}"
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._announce())
                tasks.create_task(self._confirm())
                for name, period in self._thing.periodic.items():
                    tasks.create_task(self._measure(name, period))
        finally:
            await self._transport.close()

    def _set(self, name: str) -> None:
        self._changed[name] = None
        self._stirred.set()

    async def _open(self, server: CoapServer, log: Quiet) -> Transport:
        for number, port in enumerate(self._ports, start=1):
            try:
                transport = await Transport.open(self._host, port, server.answer, self._random, log)
            except StartFailed:
                if number == len(self._ports):
                    raise
            else:
                if number > 1:
                    logger.warning(
                        "port %d is taken; serving at port %d", self._ports[0], transport.port
                    )
                return transport
        raise StartFailed("A node needs a port.")

    async def _announce(self) -> None:
        booted = False
        wait = FIRST_RETRY
        while True:
            # Once a gateway has heard of the reboot there is no need to tell it again.
            booted = booted or await self._post(ALIVE, f"reset:{self._uid}")
            if booted and await self._post(ALIVE, f"alive:{self._uid}"):
                wait = FIRST_RETRY
                await asyncio.sleep(ALIVE_PERIOD)
            else:
                await asyncio.sleep(wait)
                wait = min(2 * wait, ALIVE_PERIOD)

    async def _measure(self, name: str, period: float) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(period)
            self._thing.sample(name, loop.time())
            await self._report(name)

    async def _confirm(self) -> None:
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            while self._changed:
                name = next(iter(self._changed))
                del self._changed[name]
                await self._report(name)

    async def _report(self, name: str) -> None:
        await self._post(SERVER, f"{name}:{self._thing.values[name]}")

    async def _post(self, where: str, text: str) -> bool:
        """Tell the gateway; whether it answered that it took that."""
        failed = "it has no address"
        try:
            remotes = await self._remotes()
        except OSError as exc:
            remotes, failed = [], exc.strerror or str(exc)
        for number in range(len(remotes)):
            at = (self._preferred + number) % len(remotes)
            try:
                body = proven(text, self._token).encode()
                await self._client.post(remotes[at], (where,), body)
            except CommandFailed as exc:
                failed = exc.reason
            else:
                self._preferred = at
                self._note_gateway(there=True)
                logger.debug("posted to /%s: %s", where, text)
                return True
        self._note_gateway(there=False, reason=failed)
        return False

    async def _remotes(self) -> list[Remote]:
        """The gateway's addresses: ``localhost`` may have two, of which one has the gateway."""
        host, port = self._gateway
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        hosts = [
            f"{ip}%{rest[1]}" if len(rest) == 2 and rest[1] else str(ip)
            for *_, (ip, _, *rest) in found
        ]
        return [self._transport.remote(each, port) for each in dict.fromkeys(hosts)]

    def _note_gateway(self, *, there: bool, reason: str = "") -> None:
        if there is not self._there:
            self._there = there
            host, port = self._gateway
            if there:
                logger.warning("the gateway %s:%d is there again", host, port)
            else:
                logger.warning(
                    "the gateway %s:%d does not take what is posted: %s", host, port, reason
                )
