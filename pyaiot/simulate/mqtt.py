# SPDX-License-Identifier: BSD-3-Clause
"""A simulated MQTT node: what a node of WIRE.md section 5 does."""

import asyncio
import contextlib
import logging
from random import Random
from typing import Final

from pyaiot.errors import CommandFailed, InvalidValue, LinkFailed
from pyaiot.gateway.mqtt import payload as payloads
from pyaiot.gateway.mqtt import topics
from pyaiot.gateway.mqtt.client import MqttClient
from pyaiot.gateway.mqtt.packets import Publish
from pyaiot.gateway.mqtt.session import Server
from pyaiot.link.backoff import Backoff
from pyaiot.simulate.things import ALIVE_PERIOD, Thing

logger = logging.getLogger(__name__)

MAX_WAITING: Final = 1000
"""Messages that wait to be published."""


class MqttNode:
    """A `Thing` that speaks MQTT to a gateway, through a broker."""

    def __init__(
        self,
        thing: Thing,
        node_id: str,
        server: Server,
        random: Random,
        *,
        backoff: Backoff | None = None,
    ) -> None:
        """Raises InvalidValue for an id that no MQTT node can have."""
        self._thing = thing
        self._id = topics.checked_node_id(node_id)
        self._waiting: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue(MAX_WAITING)
        self._client = MqttClient(
            server,
            f"node-{random.getrandbits(64):016x}",
            (
                topics.GATEWAY_CHECK,
                topics.discovery(self._id),
                topics.setting(self._id, "+"),
            ),
            self._take,
            backoff or Backoff(random.random),
        )

    async def run(self) -> None:
        """Be a node until cancelled; reconnects when the broker was away."""
        await self._client.run(self._live)

    async def _live(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._publish())
            tasks.create_task(self._announce())
            for name, period in self._thing.periodic.items():
                tasks.create_task(self._report(name, period))

    async def _announce(self) -> None:
        while True:
            self._send(topics.NODE_CHECK, payloads.check(self._id))
            await asyncio.sleep(ALIVE_PERIOD)

    async def _report(self, name: str, period: float) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(period)
            self._thing.sample(name, loop.time())
            self._send_value(name)

    async def _publish(self) -> None:
        while True:
            topic, message = await self._waiting.get()
            with contextlib.suppress(LinkFailed, CommandFailed):
                await self._client.publish(topic, message)
                logger.debug("published at %s", topic)

    def _take(self, message: Publish) -> None:
        logger.debug("received at %s", message.topic)
        if message.payload is None:
            return
        if message.topic == topics.GATEWAY_CHECK:
            self._send(topics.NODE_CHECK, payloads.check(self._id))
        elif message.topic == topics.discovery(self._id):
            self._discover(message.payload)
        else:
            self._put(message.topic.split("/")[2], message.payload)

    def _discover(self, wanted: bytes) -> None:
        if wanted == payloads.ASK_RESOURCES:
            listed = payloads.resources(self._thing.values)
            self._send(topics.value(self._id, topics.RESOURCES), listed)
        elif wanted == payloads.ASK_VALUES:
            for name in self._thing.values:
                self._send_value(name)

    def _put(self, name: str, payload: bytes) -> None:
        try:
            self._thing.put(name, payload.decode())
        except (InvalidValue, UnicodeDecodeError) as exc:
            logger.info("refused: %s", exc)
        # MQTT has no answer to a command; what the resource still is says that it was refused.
        if name in self._thing.values:
            self._send_value(name)

    def _send_value(self, name: str) -> None:
        value = payloads.value(self._thing.values[name])
        self._send(topics.value(self._id, name), value)

    def _send(self, topic: str, message: bytes) -> None:
        try:
            self._waiting.put_nowait((topic, message))
        except asyncio.QueueFull:
            logger.debug("left out, as too many messages wait: %s", topic)
