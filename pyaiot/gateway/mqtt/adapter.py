# SPDX-License-Identifier: BSD-3-Clause
"""MQTT nodes, through a broker (WIRE.md section 5).

Two subscriptions hear all nodes. Whatever a node publishes shows that it is there: nodes behind an
MQTT-SN bridge say ``node/check`` only at start and never hear the gateway ask for it.

What the broker retained is ignored, all of it: it says nothing of whether a node is there now, nor
when a value was measured. A node that is there is asked for its values anyway, and what it then
publishes comes to us as a live message, even where it wants that to be retained.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from random import Random
from typing import Final

from pyaiot.errors import CommandFailed, InvalidInput, InvalidValue, LinkFailed
from pyaiot.gateway.adapter import Address, Events, Naming, Refusal, Sighting, Written
from pyaiot.gateway.mqtt import payload as payloads
from pyaiot.gateway.mqtt import topics
from pyaiot.gateway.mqtt.client import MqttClient
from pyaiot.gateway.mqtt.complaints import Complaints
from pyaiot.gateway.mqtt.packets import Publish
from pyaiot.gateway.mqtt.session import Server
from pyaiot.link.backoff import Backoff

logger = logging.getLogger(__name__)

EMBEDDED: Final = "embedded"
"""In place of a host: start a broker within the gateway. ``embedded:HOST`` listens on HOST."""

CHECK_PERIOD: Final = 30.0
"""Seconds between two requests to all nodes to say that they are there."""

LIST_TIMEOUT: Final = 2.5
"""Seconds after which a node that has not listed its resources is asked once more, then failed."""

MAX_UNASKED: Final = 1000
"""Nodes that listed their resources unasked, and are still to be asked for their values."""

_PREFIX: Final = "mqtt"
_NOT_CONNECTED: Final = "MQTT broker not connected"


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
        self._complaints = Complaints(clock())
        self._listed: dict[str, asyncio.Event] = {}
        """Discoveries that wait for a node's list, by its id."""
        self._unasked: dict[str, None] = {}
        self._more_unasked = asyncio.Event()
        self._was_ready = False

    async def run(self, events: Events, ready: Callable[[], None]) -> None:
        """Serve until cancelled; without the broker, try to reach it again and again.

        Raises StartFailed when the file of certificates cannot be used, or the embedded broker
        cannot listen.
        """
        self._was_ready = False
        async with contextlib.AsyncExitStack() as stack:
            server = self._wanted
            if server.host.partition(":")[0] == EMBEDDED:
                # Costs some megabytes, so it is imported only by whoever wants it.
                from pyaiot.gateway.mqtt.embedded import embedded_broker  # noqa: PLC0415

                server = await stack.enter_async_context(embedded_broker(server))
            self.server = server
            client = self._client = MqttClient(
                server,
                self._client_id,
                topics.SUBSCRIPTIONS,
                lambda message: self._take(message, events),
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

    async def _ask_who_is_there(self) -> None:
        while True:
            with contextlib.suppress(CommandFailed):
                await self._publish(topics.GATEWAY_CHECK, b"")
            await asyncio.sleep(CHECK_PERIOD)

    async def _ask_for_values(self) -> None:
        """Answer lists that came unasked."""
        while True:
            await self._more_unasked.wait()
            self._more_unasked.clear()
            while self._unasked:
                node_id, _ = self._unasked.popitem()
                with contextlib.suppress(CommandFailed):
                    await self._publish(topics.discovery(node_id), payloads.ASK_VALUES)

    def _take(self, message: Publish, events: Events) -> None:
        if message.retain:
            return
        try:
            self._understand(message, events)
        except InvalidInput as exc:
            about = message.topic.rpartition("/")[0][:80]
            if self._complaints.due(about, self._clock()):
                logger.warning("message at %r refused: %s", message.topic[:160], exc.reason)

    def _understand(self, message: Publish, events: Events) -> None:
        if message.topic == topics.NODE_CHECK:
            _see(payloads.parse_check(message.payload), events)
            return
        node_id, name = topics.origin(message.topic)
        if name == topics.RESOURCES:
            payloads.parse_resources(message.payload)
            if _see(node_id, events) is not None:
                self._note_list(node_id)
        else:
            value = payloads.parse_value(message.payload)
            address = _see(node_id, events)
            if address is not None:
                events.report(address, name, value)

    def _note_list(self, node_id: str) -> None:
        asked = self._listed.pop(node_id, None)
        if asked is not None:
            asked.set()
        elif len(self._unasked) < MAX_UNASKED:
            self._unasked[node_id] = None
            self._more_unasked.set()

    async def discover(self, address: Address) -> None:
        """Ask for the node's list, and when it has come, for its values.

        Raises CommandFailed when the list does not come.
        """
        node_id = _node_id(address)
        listed = self._listed.setdefault(node_id, asyncio.Event())
        try:
            for _ in range(2):
                await self._publish(topics.discovery(node_id), payloads.ASK_RESOURCES)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LIST_TIMEOUT):
                        await listed.wait()
                        break
            else:
                raise CommandFailed("The node does not list its resources.")
        finally:
            if self._listed.get(node_id) is listed:
                del self._listed[node_id]
        await self._publish(topics.discovery(node_id), payloads.ASK_VALUES)

    async def write(self, address: Address, endpoint: str, payload: str) -> Written:
        """Publish `payload` for the node; that it took it shows only in its next report."""
        node_id = _node_id(address)
        try:
            topic = topics.setting(node_id, topics.checked_resource(endpoint))
        except InvalidValue as exc:
            raise CommandFailed(f"No MQTT node has such a resource. {exc.reason}") from exc
        message = payload.encode("utf-8", "replace")
        if len(message) > payloads.MAX_PAYLOAD:
            # A broker may end the connection of all nodes for it.
            raise CommandFailed("The value is too long.")
        if not await self._publish(topic, message):
            raise CommandFailed("The node has not subscribed to this resource.")
        return Written(confirmed=False)

    def expel(self, address: Address, refusal: Refusal) -> None:
        """Nothing: a node behind a broker has no connection here; what it says is dropped."""

    async def _publish(self, topic: str, message: bytes) -> bool:
        if self._client is None:
            raise CommandFailed(_NOT_CONNECTED)
        try:
            return await self._client.publish(topic, message)
        except LinkFailed as exc:
            raise CommandFailed(_NOT_CONNECTED) from exc


def _see(node_id: str, events: Events) -> Address | None:
    """Where the node is; None if it may not be there."""
    address = Address(f"{_PREFIX}:{node_id}")
    refusal = events.seen(address, Sighting(node_id, Naming.LOCAL, facts={"id": node_id}))
    return address if refusal is None else None


def _node_id(address: Address) -> str:
    prefix, _, node_id = address.partition(":")
    try:
        if prefix == _PREFIX:
            return topics.checked_node_id(node_id)
    except InvalidValue:
        pass
    raise CommandFailed(f"There is no MQTT node at '{address}'.")
