# SPDX-License-Identifier: BSD-3-Clause
"""Many MQTT nodes in one process, which share a few connections to the broker.

To a gateway that makes no difference: it sees topics, not connections.
"""

import asyncio
import contextlib
import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import Final

from pyaiot.errors import CommandFailed, InvalidValue, LinkFailed
from pyaiot.gateway.mqtt import payload as payloads
from pyaiot.gateway.mqtt import topics
from pyaiot.gateway.mqtt.client import MqttClient
from pyaiot.gateway.mqtt.packets import Publish
from pyaiot.gateway.mqtt.session import Handler, Server
from pyaiot.link.backoff import Backoff
from pyaiot.simulate.fleet import Member, Plan, evenly
from pyaiot.simulate.things import ALIVE_PERIOD

logger = logging.getLogger(__name__)

PER_CONNECTION: Final = 500
"""Nodes that share one."""

UNDER_WAY: Final = 32
"""Messages of one connection that the broker has not acknowledged yet."""

_EVERYTHING: Final = (topics.GATEWAY_CHECK, topics.discovery("+"), topics.setting("+", "+"))
"""What the gateway says to any node."""


class MqttFleet:
    """The nodes of a plan at one MQTT broker."""

    def __init__(self, plan: Plan, server: Server) -> None:
        """Raises InvalidValue for nodes that cannot be."""
        self._plan = plan
        if plan.token:
            server = replace(server, user="token", password=plan.token)
        self._members = plan.members()
        self._by_id = {topics.checked_node_id(each.uid): each for each in self._members}
        self._unasked = set(self._by_id)
        """Nodes that no gateway knows yet."""
        others = math.ceil(plan.number / PER_CONNECTION) - 1
        self._lines = [
            # Strangers may not listen to what is said to others.
            _Line(server, self._take, self._check_in, _EVERYTHING, otherwise=self._own_topics()),
            *(_Line(server, self._take, _nothing) for _ in range(others)),
        ]

    async def run(self) -> None:
        """Be there until cancelled; reconnects when the broker was away."""
        async with asyncio.TaskGroup() as tasks:
            for line in self._lines:
                tasks.create_task(line.run())
            tasks.create_task(evenly(self._plan.number, ALIVE_PERIOD, self._check))
            tasks.create_task(evenly(self._plan.number, self._plan.period, self._report))

    def _own_topics(self) -> tuple[str, ...]:
        return (topics.GATEWAY_CHECK, *(f"gateway/{uid}/#" for uid in self._by_id))

    def _check(self, which: int, _turn: int) -> None:
        member = self._members[which]
        self._send(member, topics.NODE_CHECK, payloads.check(member.uid))

    def _check_in(self) -> None:
        """Those that no gateway knows say at once that they are there."""
        for uid in self._unasked:
            self._send(self._by_id[uid], topics.NODE_CHECK, payloads.check(uid))

    def _report(self, which: int, turn: int) -> None:
        member = self._members[which]
        for name in member.measure(turn):
            self._send_value(member, name)

    def _take(self, message: Publish) -> None:
        if message.payload is None:
            return
        if message.topic == topics.GATEWAY_CHECK:
            self._check_in()
            return
        _, uid, name, *_ = message.topic.split("/")
        member = self._by_id.get(uid)
        if member is None:
            return  # another's, who shares the broker
        if message.topic == topics.discovery(uid):
            self._discover(member, message.payload)
        else:
            self._put(member, name, message.payload)

    def _discover(self, member: Member, wanted: bytes) -> None:
        if wanted == payloads.ASK_RESOURCES:
            listed = payloads.resources(member.thing.values)
            self._send(member, topics.value(member.uid, topics.RESOURCES), listed)
        elif wanted == payloads.ASK_VALUES:
            self._unasked.discard(member.uid)
            for name in member.thing.values:
                self._send_value(member, name)

    def _put(self, member: Member, name: str, payload: bytes) -> None:
        try:
            member.thing.put(name, payload.decode())
        except (InvalidValue, UnicodeDecodeError) as exc:
            logger.info("refused: %s", exc)
        # MQTT has no answer to a command; what the resource still is says that it was refused.
        if name in member.thing.values:
            self._send_value(member, name)

    def _send_value(self, member: Member, name: str) -> None:
        value = payloads.value(member.thing.values[name])
        self._send(member, topics.value(member.uid, name), value)

    def _send(self, member: Member, topic: str, message: bytes) -> None:
        # All of one node goes the same way, or it would not arrive in order.
        line = self._lines[member.number % len(self._lines)]
        line.send((topic, member.uid), topic, message)


class _Line:
    """One connection, and what waits for it: of each topic the newest."""

    def __init__(
        self,
        server: Server,
        take: Handler,
        begin: Callable[[], None],
        filters: Sequence[str] = (),
        *,
        otherwise: Sequence[str] = (),
    ) -> None:
        """`begin` is called whenever it is connected, and hears what it subscribed to."""
        self._begin = begin
        # Chance, but for names of connections and for when they come back: nodes go as planned.
        random = Random()  # noqa: S311 - not a secret
        self._client = MqttClient(
            server,
            f"simulated-{random.getrandbits(64):016x}",
            filters,
            take,
            Backoff(random.random),
            otherwise=otherwise,
        )
        self._waiting: dict[tuple[str, str], tuple[str, bytes]] = {}
        self._stirred = asyncio.Event()

    async def run(self) -> None:
        """Stay connected until cancelled."""
        await self._client.run(self._live)

    def send(self, key: tuple[str, str], topic: str, message: bytes) -> None:
        """Publish, in place of what waits under the same `key`."""
        self._waiting[key] = (topic, message)
        self._stirred.set()

    async def _live(self) -> None:
        self._begin()
        async with asyncio.TaskGroup() as tasks:
            for _ in range(UNDER_WAY):
                tasks.create_task(self._publish())

    async def _publish(self) -> None:
        while True:
            while not self._waiting:
                self._stirred.clear()
                await self._stirred.wait()
            topic, message = self._waiting.pop(next(iter(self._waiting)))
            with contextlib.suppress(LinkFailed, CommandFailed):
                await self._client.publish(topic, message)


def _nothing() -> None:
    pass
