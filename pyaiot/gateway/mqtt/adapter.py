# SPDX-License-Identifier: BSD-3-Clause
"""MQTT nodes, through a broker (WIRE.md section 5).

Two subscriptions hear all nodes; at the embedded broker their connections are heard themselves.
Whatever a node publishes shows that it is there: nodes behind an MQTT-SN bridge say ``node/check``
only at start and never hear the gateway ask for it.

What the broker retained is ignored, all of it: it says nothing of whether a node is there now, nor
when a value was measured. A node that is there is asked for its values anyway, and what it then
publishes comes to us as a live message, even where it wants that to be retained.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Final

from pyaiot.errors import CommandFailed, InvalidInput, InvalidValue, LinkFailed
from pyaiot.gateway.adapter import Address, Events, Naming, Refusal, Sighting, Written
from pyaiot.gateway.complaints import Complaints
from pyaiot.gateway.mqtt import payload as payloads
from pyaiot.gateway.mqtt import topics
from pyaiot.gateway.mqtt.client import MqttClient
from pyaiot.gateway.mqtt.guard import same
from pyaiot.gateway.mqtt.packets import Publish
from pyaiot.gateway.mqtt.session import Server
from pyaiot.gateway.mqtt.visitor import Visitor
from pyaiot.link.backoff import Backoff

logger = logging.getLogger(__name__)

EMBEDDED: Final = "embedded"
"""In place of a host: start a broker within the gateway. ``embedded:HOST`` listens on HOST."""

CHECK_PERIOD: Final = 30.0
"""Seconds between two requests to all nodes to say that they are there."""

LIST_TIMEOUT: Final = 2.5
"""Seconds after which a node that has not listed its resources is asked once more, then failed."""

TURN_OUT_PERIOD: Final = 1.0
"""Seconds after which it is looked whether tokens still hold, besides when something is said."""

MAX_CONNECTIONS: Final = 8
"""Connections of one node with a token, at once; the oldest makes room."""

MAX_UNASKED: Final = 1000
"""Nodes that listed their resources unasked, and are still to be asked for their values."""

COMPLAIN_AGAIN: Final = 60.0
"""Seconds between two complaints about the same node."""

_PREFIX: Final = "mqtt"
_NOT_CONNECTED: Final = "MQTT broker not connected"


@dataclass(slots=True)
class _Party:
    """The connections with one token."""

    number: int
    visitors: list[Visitor] = field(default_factory=list)


class MqttAdapter:
    """The contract of `pyaiot.gateway.adapter`, over any broker of MQTT 3.1.1 or 5."""

    protocol: Final = "MQTT"

    def __init__(
        self,
        server: Server,
        random: Random,
        *,
        backoff: Backoff | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`random` makes the client id, and spreads attempts to connect."""
        self._wanted = server
        self.server = server
        """The broker; where that is embedded, its address once `run` is ready."""
        self._backoff = backoff or Backoff(random.random)
        self._client_id = f"pyaiot-{random.getrandbits(64):016x}"
        self._client: MqttClient | None = None
        self._clock = clock
        self._complaints = Complaints(COMPLAIN_AGAIN)
        self._events: Events | None = None
        self._parties: dict[str, _Party] = {}
        """Who is at the embedded broker with a token, by that."""
        self._numbers = count(1)
        self._listed: dict[Address, asyncio.Event] = {}
        """Discoveries that wait for a node's list."""
        self._unasked: dict[Address, None] = {}
        self._more_unasked = asyncio.Event()
        self._was_ready = False

    async def run(self, events: Events, ready: Callable[[], None]) -> None:
        """Serve until cancelled; without the broker, try to reach it again and again.

        Raises StartFailed when the file of certificates cannot be used, or the embedded broker
        cannot listen.
        """
        self._was_ready = False
        self._events = events
        async with contextlib.AsyncExitStack() as stack:
            server = self._wanted
            subscriptions: Sequence[str] = topics.SUBSCRIPTIONS
            if server.host.partition(":")[0] == EMBEDDED:
                # Costs some megabytes, so it is imported only by whoever wants it.
                from pyaiot.gateway.mqtt.embedded import embedded_broker  # noqa: PLC0415

                server = await stack.enter_async_context(embedded_broker(server, self))
                subscriptions = ()
            self.server = server
            client = self._client = MqttClient(
                server,
                self._client_id,
                subscriptions,
                self._take,
                self._backoff,
            )
            await client.run(lambda: self._meanwhile(ready))

    async def _meanwhile(self, ready: Callable[[], None]) -> None:
        if not self._was_ready:
            self._was_ready = True
            ready()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._ask_who_is_there())
            tasks.create_task(self._ask_for_values())
            tasks.create_task(self._turn_out())

    async def _ask_who_is_there(self) -> None:
        while True:
            with contextlib.suppress(CommandFailed):
                await self._publish(topics.GATEWAY_CHECK, b"")
            await asyncio.sleep(CHECK_PERIOD)

    async def _turn_out(self) -> None:
        """End connections whose token has been revoked, of nodes that never said anything."""
        while True:
            await asyncio.sleep(TURN_OUT_PERIOD)
            for token, party in list(self._parties.items()):
                if self._refusal(token) is not None:
                    for visitor in list(party.visitors):
                        visitor.end()

    async def _ask_for_values(self) -> None:
        """Answer lists that came unasked."""
        while True:
            await self._more_unasked.wait()
            self._more_unasked.clear()
            while self._unasked:
                address, _ = self._unasked.popitem()
                with contextlib.suppress(CommandFailed):
                    await self._ask(address, payloads.ASK_VALUES)

    # What the embedded broker asks, and tells

    def objection(self, token: str) -> Refusal | None:
        """Why a client with `token`, or without one, is not let in (`House`)."""
        refusal = self._refusal(token)
        if refusal is not None and self._complaints.due(refusal.code, self._clock()):
            logger.warning("MQTT client refused: %s", refusal)
        return refusal

    def _refusal(self, token: str) -> Refusal | None:
        if self._events is None:
            return None
        return self._events.objection(Sighting("", Naming.PASSING, token=token))

    def knows(self, user: str | None, password: str | None) -> bool:
        """Whether they are the user and password that were set (`House`)."""
        wanted = self._wanted
        return (
            wanted.user is not None and same(user, wanted.user) and same(password, wanted.password)
        )

    def came(self, visitor: Visitor) -> None:
        """A client with a token was let in (`House`)."""
        party = self._parties.get(visitor.token)
        if party is None:
            party = self._parties[visitor.token] = _Party(next(self._numbers))
        party.visitors.append(visitor)
        if len(party.visitors) > MAX_CONNECTIONS:
            party.visitors.pop(0).end()

    def took(self, visitor: Visitor, message: Publish) -> None:
        """A client published `message` (`House`)."""
        if message.topic.startswith(topics.OF_NODES):
            self._take(message, visitor)

    def left(self, visitor: Visitor) -> None:
        """A client's connection ended (`House`). Its node is not lost by that: it may sleep."""
        party = self._parties.get(visitor.token)
        if party is not None and visitor in party.visitors:
            party.visitors.remove(visitor)
            if not party.visitors:
                del self._parties[visitor.token]

    def _take(self, message: Publish, visitor: Visitor | None = None) -> None:
        if message.retain or self._events is None:
            return
        try:
            self._understand(message, self._events, visitor)
        except InvalidInput as exc:
            about = message.topic.rpartition("/")[0][:80]
            if self._complaints.due(about, self._clock()):
                logger.warning("message at %r refused: %s", message.topic[:160], exc.reason)

    def _understand(self, message: Publish, events: Events, visitor: Visitor | None) -> None:
        if message.topic == topics.NODE_CHECK:
            self._see(payloads.parse_check(message.payload), events, visitor)
            return
        node_id, name = topics.origin(message.topic)
        if name == topics.RESOURCES:
            payloads.parse_resources(message.payload)
            address = self._see(node_id, events, visitor)
            if address is not None:
                self._note_list(address)
        else:
            value = payloads.parse_value(message.payload)
            address = self._see(node_id, events, visitor)
            if address is not None:
                events.report(address, name, value)

    def _see(self, node_id: str, events: Events, visitor: Visitor | None) -> Address | None:
        """Where the node is; None if it may not be there."""
        if visitor is None or not visitor.token:
            address = Address(f"{_PREFIX}:{node_id}")
            sighting = Sighting(node_id, Naming.LOCAL, facts={"id": node_id})
            return address if events.seen(address, sighting) is None else None
        if not visitor.claims(node_id):
            raise InvalidValue("Who comes with a token is one node.")
        party = self._parties.get(visitor.token)
        if party is None:
            return None
        address = Address(f"{_PREFIX}#{party.number}:{node_id}")
        sighting = Sighting(node_id, Naming.LOCAL, facts={"id": node_id}, token=visitor.token)
        if events.seen(address, sighting) is None:
            return address
        visitor.end()
        return None

    def _note_list(self, address: Address) -> None:
        asked = self._listed.pop(address, None)
        if asked is not None:
            asked.set()
        elif len(self._unasked) < MAX_UNASKED:
            self._unasked[address] = None
            self._more_unasked.set()

    async def discover(self, address: Address) -> None:
        """Ask for the node's list, and when it has come, for its values.

        Raises CommandFailed when the list does not come.
        """
        _located(address)
        listed = self._listed.setdefault(address, asyncio.Event())
        try:
            for _ in range(2):
                await self._ask(address, payloads.ASK_RESOURCES)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LIST_TIMEOUT):
                        await listed.wait()
                        break
            else:
                raise CommandFailed("The node does not list its resources.")
        finally:
            if self._listed.get(address) is listed:
                del self._listed[address]
        await self._ask(address, payloads.ASK_VALUES)

    async def write(self, address: Address, endpoint: str, payload: str) -> Written:
        """Publish `payload` for the node; that it took it shows only in its next report."""
        _, node_id = _located(address)
        try:
            topic = topics.setting(node_id, topics.checked_resource(endpoint))
        except InvalidValue as exc:
            raise CommandFailed(f"No MQTT node has such a resource. {exc.reason}") from exc
        message = payload.encode("utf-8", "replace")
        if len(message) > payloads.MAX_PAYLOAD:
            # A broker may end the connection of all nodes for it.
            raise CommandFailed("The value is too long.")
        if not await self._tell(address, topic, message):
            raise CommandFailed("The node has not subscribed to this resource.")
        return Written(confirmed=False)

    def expel(self, address: Address, refusal: Refusal) -> None:  # noqa: ARG002 - a broker of 3.1.1 has no words for it
        """End the connection of a node that came with a token.

        Others have none that is known to be theirs; what they say is dropped.
        """
        number, node_id = _located(address, lenient=True)
        for visitor in self._at(number, node_id):
            visitor.end()

    async def _ask(self, address: Address, what: bytes) -> None:
        _, node_id = _located(address)
        await self._tell(address, topics.discovery(node_id), what)

    async def _tell(self, address: Address, topic: str, message: bytes) -> bool:
        """Send a message to that node; False where it is known not to hear it."""
        number, node_id = _located(address)
        if not number:
            return await self._publish(topic, message)
        visitors = self._at(number, node_id)
        if not visitors:
            raise CommandFailed("The node is not connected.")
        # One of its connections may be there to report, another to be set.
        return sum(each.deliver(topic, message) for each in visitors) > 0

    def _at(self, number: int, node_id: str) -> list[Visitor]:
        """The connections of a node that came with a token."""
        found = (each for each in self._parties.values() if each.number == number)
        party = next(found, None)
        return [
            each
            for each in (() if party is None else party.visitors)
            if each.present and each.node_id == node_id
        ]

    async def _publish(self, topic: str, message: bytes) -> bool:
        if self._client is None:
            raise CommandFailed(_NOT_CONNECTED)
        try:
            return await self._client.publish(topic, message)
        except LinkFailed as exc:
            raise CommandFailed(_NOT_CONNECTED) from exc


def _located(address: Address, *, lenient: bool = False) -> tuple[int, str]:
    """The number of a node's connection (0 if it came without a token), and the node's id.

    Raises CommandFailed where no node can be, unless `lenient`.
    """
    place, _, node_id = address.partition(":")
    prefix, _, number = place.partition("#")
    try:
        if prefix == _PREFIX and (number.isdecimal() or place == prefix):
            return int(number or 0), topics.checked_node_id(node_id)
    except InvalidValue:
        pass
    if lenient:
        return 0, ""
    raise CommandFailed(f"There is no MQTT node at '{address}'.")
