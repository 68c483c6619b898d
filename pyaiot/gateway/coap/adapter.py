# SPDX-License-Identifier: BSD-3-Clause
"""Nodes that speak CoAP, for a gateway (WIRE.md sections 4 and 9)."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from random import Random, SystemRandom
from typing import Final

from pyaiot.errors import CommandFailed, CommandTimeout, InvalidInput
from pyaiot.gateway.adapter import Address, Events, Naming, Refusal, Sighting, Written
from pyaiot.gateway.coap.blocks import MAX_BODY
from pyaiot.gateway.coap.client import PATIENCE
from pyaiot.gateway.coap.links import Link, parse_links
from pyaiot.gateway.coap.node import OUTSTANDING, Node
from pyaiot.gateway.coap.observation import Observation
from pyaiot.gateway.coap.payload import Announcement, Posted, confirmed_value, value_of
from pyaiot.gateway.coap.peers import COAP_PORT, Peer, Peers
from pyaiot.gateway.coap.quiet import Quiet
from pyaiot.gateway.coap.site import Site
from pyaiot.gateway.coap.sockets import Sender
from pyaiot.gateway.coap.transport import Transport
from pyaiot.gateway.registrar import BOUND

_log = logging.getLogger(__name__)

MAX_SILENT: Final = 2
"""Resources in a row for which a node may fail to answer before it is given up."""

MAX_OBSERVATIONS: Final = 32
"""Resources of one node that are observed; the others are only read."""

MAX_ALL_OBSERVATIONS: Final = 10_000

MAX_REFUSED: Final = 1024
"""Places whose nodes were refused, so that what they post is not taken for a neighbour's."""


@dataclass(slots=True)
class _Round:
    """What is left of one discovery."""

    links: Iterator[Link]
    silent: int = 0
    """Resources in a row for which no answer came."""


@dataclass(frozen=True, slots=True)
class _Observed:
    observation: Observation
    task: asyncio.Task[None]


class CoapAdapter:
    """Serves nodes and asks them, over one UDP socket."""

    protocol: Final = "CoAP"

    def __init__(
        self,
        host: str = "",
        port: int = COAP_PORT,
        interface: str = "",
        *,
        node_port: int = COAP_PORT,
        patience: float = PATIENCE,
        random: Random | None = None,
    ) -> None:
        """Listen on `host` (empty for all interfaces) and `port` (0 for any).

        `interface` is the zone of link-local nodes whose messages come without one. Nodes that do
        not serve where they post from do so at `node_port`. `patience` is how many seconds one
        answer may take. `random` makes tokens.
        """
        self._host = host
        self._port = port
        self._interface = interface
        self._node_port = node_port
        self._patience = patience
        self._random = random or SystemRandom()
        self._peers = Peers()
        self._nodes: dict[Peer, Node] = {}
        self._observed: dict[Peer, dict[str, _Observed]] = {}
        self._refused: OrderedDict[tuple[str, int], Refusal] = OrderedDict()
        self._events: Events | None = None
        self._transport: Transport | None = None
        self._tasks: asyncio.TaskGroup | None = None

    @property
    def port(self) -> int:
        """The port on which it listens."""
        return self._port if self._transport is None else self._transport.port

    async def run(self, events: Events, ready: Callable[[], None]) -> None:
        """Serve nodes until cancelled. Raises StartFailed when the port cannot be had."""
        clock = asyncio.get_running_loop().time
        log = Quiet(_log, clock)
        site = Site(self, log, clock, self._interface)
        transport = await Transport.open(self._host, self._port, site.answer, self._random, log)
        try:
            async with asyncio.TaskGroup() as tasks:
                self._events, self._transport, self._tasks = events, transport, tasks
                try:
                    ready()
                    await asyncio.get_running_loop().create_future()
                finally:
                    self._events = self._tasks = None
        finally:
            self._transport = None
            self._nodes.clear()
            await transport.close()

    async def discover(self, address: Address) -> None:
        """Ask the node at `address` for its resources and values, two at a time."""
        node = self._node_at(address)
        found = _Round(iter(parse_links(await node.links())))
        async with asyncio.TaskGroup() as readers:
            for _ in range(OUTSTANDING):
                readers.create_task(self._read_all(node, found))
        if found.silent >= MAX_SILENT:
            raise CommandTimeout("The node stopped answering.")

    async def write(self, address: Address, endpoint: str, payload: str) -> Written:
        """Set a resource; the node's answer confirms it."""
        node = self._node_at(address)
        try:
            answer = await node.put(endpoint, payload.encode())
        except InvalidInput as exc:
            raise CommandFailed(exc.reason) from exc
        except UnicodeEncodeError as exc:
            raise CommandFailed("The value is no text that UTF-8 can carry.") from exc
        return Written(confirmed=True, value=confirmed_value(answer, endpoint))

    def expel(self, address: Address, refusal: Refusal) -> None:  # noqa: ARG002 - it has no connection; its next message is answered
        """Forget the node at `address`."""
        peer = self._peers.at(address)
        if peer is not None:
            self._peers.forget(peer)
            self._end(peer)

    def announced(
        self, sender: Sender, said: int | None, announcement: Announcement, token: str
    ) -> Refusal | None:
        """A node is there (`Visited`)."""
        if self._events is None:
            return None
        name, naming, rebooted = announcement
        sighting = Sighting(name, naming, rebooted, facts={"ip": sender.ip}, token=token)
        place = sender.host, sender.port
        refusal = self._events.objection(sighting)
        if refusal is not None:
            # Nothing that is known of others may change by it.
            self._refused[place] = refusal
            self._refused.move_to_end(place)
            if len(self._refused) > MAX_REFUSED:
                self._refused.popitem(last=False)
            return self._events.seen(Address(f"{sender.host}:{sender.port}"), sighting)
        self._refused.pop(place, None)
        now = asyncio.get_running_loop().time()
        if token:
            name, naming = _proven_name(token)
        change = self._peers.announced(
            name, naming, sender.host, sender.port, now, said=said, proven=bool(token)
        )
        for gone in change.gone:
            self._end(gone)
        change.peer.local = sender.local
        for observed in self._observed.get(change.peer, {}).values():
            if rebooted or change.moved:
                observed.observation.renew()
            else:
                observed.observation.heard()
        return self._events.seen(change.peer.address, sighting)

    def posted(
        self, sender: Sender, said: int | None, posted: Posted, token: str
    ) -> Refusal | None:
        """A resource has a value (`Visited`); a stranger's is dropped (WIRE.md section 4)."""
        now = asyncio.get_running_loop().time()
        if token:
            # It says who it is, and so need not have announced itself before.
            known = self._peers.get(*_proven_name(token))
            said = said or (None if known is None else known.said)
            here = Announcement(sender.host, Naming.LOCAL, rebooted=False)
            refusal = self.announced(sender, said, here, token)
            if refusal is not None:
                return refusal
            peer = self._peers.get(*_proven_name(token))
        else:
            if (sender.host, sender.port) in self._refused:
                return self._refused[sender.host, sender.port]
            peer = self._peers.sender(sender.host, sender.port, now, said=said)
            if peer is not None and peer.proven:
                return BOUND
        if peer is None:
            _log.debug("No node is known at %s port %d", sender.host, sender.port)
        elif self._events is not None:
            self._events.report(peer.address, posted.endpoint, posted.value)
        return None

    def _node_at(self, address: Address) -> Node:
        peer = self._peers.at(address)
        if peer is None:
            raise CommandFailed(f"There is no node at {address}.")
        if peer.displaced:
            raise CommandFailed(f"Another node answers at {address} now.")
        if self._transport is None:
            raise CommandFailed("The gateway is not running.")
        node = self._nodes.get(peer)
        if node is None:
            node = self._nodes[peer] = Node(
                peer,
                self._transport,
                self._located,
                default_port=self._node_port,
                patience=self._patience,
            )
        return node

    async def _read_all(self, node: Node, found: _Round) -> None:
        for link in found.links:
            if found.silent >= MAX_SILENT:
                return
            try:
                await self._read(node, link)
            except CommandTimeout:
                found.silent += 1
            except CommandFailed as exc:
                found.silent = 0
                _log.debug("%s of %s: %s", link.endpoint, node.peer.address, exc)
            else:
                found.silent = 0

    async def _read(self, node: Node, link: Link) -> None:
        node.name_path(link.endpoint, link.path)
        if link.size is not None and link.size > MAX_BODY:
            return
        observation = self._observation(node, link) if link.observable else None
        if observation is not None:
            await observation.read()
        else:
            self._report(node.peer, link.endpoint, await node.get(link.path))

    def _report(self, peer: Peer, endpoint: str, body: bytes) -> None:
        if self._events is not None:
            self._events.report(peer.address, endpoint, value_of(body, endpoint))

    def _observation(self, node: Node, link: Link) -> Observation | None:
        """The one observation of that resource, or None if there may be no more."""
        own = self._observed.get(node.peer, {})
        if link.endpoint in own:
            return own[link.endpoint].observation
        if (
            self._tasks is None
            or self._transport is None
            or len(own) >= MAX_OBSERVATIONS
            or sum(map(len, self._observed.values())) >= MAX_ALL_OBSERVATIONS
        ):
            return None
        report = partial(self._report, node.peer, link.endpoint)
        observation = Observation(node, link.path, report, self._transport, self._random)
        task = self._tasks.create_task(self._observe(node.peer, link.endpoint, observation))
        self._observed.setdefault(node.peer, own)[link.endpoint] = _Observed(observation, task)
        return observation

    async def _observe(self, peer: Peer, endpoint: str, observation: Observation) -> None:
        try:
            await observation.run()
        finally:
            own = self._observed.get(peer, {})
            if endpoint in own and own[endpoint].observation is observation:
                del own[endpoint]
            if not own:
                self._observed.pop(peer, None)

    def _located(self, peer: Peer, port: int) -> None:
        for displaced in self._peers.located(peer, port):
            self._stop_observing(displaced)

    def _end(self, peer: Peer) -> None:
        self._nodes.pop(peer, None)
        self._stop_observing(peer)

    def _stop_observing(self, peer: Peer) -> None:
        for observed in self._observed.pop(peer, {}).values():
            observed.task.cancel()


def _proven_name(token: str) -> tuple[str, Naming]:
    """What a node that shows `token` is known by here; its own name proves nothing."""
    return sha256(token.encode()).hexdigest()[:32], Naming.PASSING
