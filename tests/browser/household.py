# SPDX-License-Identifier: BSD-3-Clause
"""A house where people have accounts: broker, page, store and gateways that share one key file."""

import asyncio
import os
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from random import Random
from typing import Any, Final

from pyaiot.gateway.registrar import Policy
from pyaiot.gateway.websocket.adapter import WebsocketAdapter
from pyaiot.link.backoff import Backoff
from pyaiot.link.keyfile import write_keys
from pyaiot.messages.keys import KeyPair, KeyRing
from pyaiot.simulate.things import Thing
from pyaiot.simulate.websocket import WebsocketNode
from tests.broker.running import RunningBroker, running_broker
from tests.browser.everything import Elsewhere, elsewhere, living
from tests.dashboard.api.people import PASSWORD, Browser
from tests.dashboard.running import running_dashboard
from tests.gateway.running import running_gateway

ACCESS_LIFE: Final = 10.0
"""Seconds that a token holds: so short that pages renew theirs while a test looks."""

PEOPLE: Final = {"Anna": "admin", "Olaf": "operator", "Berta": "operator"}


class Household(Elsewhere):
    """Nobody sees anything here without an account."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.ring = KeyRing((KeyPair.generate(os.urandom),))
        self.broker: RunningBroker
        self.store: str
        self.doors: dict[Policy, WebsocketAdapter] = {}
        self._stack: AsyncExitStack
        self._broker = AsyncExitStack()
        self._nodes = AsyncExitStack()

    async def furnish(self, stack: AsyncExitStack) -> None:
        self._stack = stack
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        self.store = str(folder / "store.db")
        stack.push_async_callback(self._end_broker)
        await self._start_broker()
        said: list[str] = []
        self.url = await stack.enter_async_context(
            running_dashboard(
                broker_host="127.0.0.1",
                broker_port=self.broker.port,
                key_file=str(write_keys(folder / "keys", self.ring)),
                store=self.store,
                anonymous="none",
                unclaimed="admins",
                access_life=ACCESS_LIFE,
                say=said.append,
            )
        )
        for policy in (Policy.OPEN, Policy.APPROVE):
            self.doors[policy] = WebsocketAdapter("127.0.0.1", 0, max_nodes=10)
            gateway = running_gateway(
                self.doors[policy], self.broker.url, self.ring, name=policy.value, policy=policy
            )
            await stack.enter_async_context(gateway)
        stack.push_async_callback(self.send_nodes_away)
        await self._move_in(said[0].partition("token=")[2])

    async def _move_in(self, token: str) -> None:
        anna = Browser(self.url)
        first = {"token": token, "name": "Anna", "password": PASSWORD}
        assert (await anna.call("POST", "/setup", first)).status == 200
        for name, role in PEOPLE.items():
            if name != "Anna":
                form = {"name": name, "password": PASSWORD, "role": role}
                assert (await anna.call("POST", "/users", form)).status == 201

    async def call(self, name: str, method: str, path: str, body: object = None) -> Any:
        """What the server answers somebody who asks it without a page."""

        async def act() -> Any:
            browser = Browser(self.url)
            assert (await browser.log_in(name)).status == 200
            answer = await browser.call(method, path, body)
            assert answer.status < 300, answer
            return answer.json if answer.body else None

        return await self.do(act)

    async def device(self, owner: str, name: str) -> tuple[str, str]:
        """Make a device; its uid and its token."""
        made = await self.call(owner, "POST", "/devices", {"name": name})
        return made["node"]["uid"], made["made"]["secret"]

    async def node(
        self, title: str, *, uid: str = "", token: str = "", policy: Policy = Policy.OPEN
    ) -> None:
        """Let a node come, until all are sent away."""

        async def act() -> None:
            random = Random(title)
            names = ("board", "os", "temperature", "led", "text")
            node = WebsocketNode(
                Thing(names, random, period=1.0, name=title),
                f"ws://127.0.0.1:{self.doors[policy].port}/node",
                random,
                uid=uid,
                token=token,
                backoff=Backoff(lambda: 1.0, base=0.2, cap=0.5),
            )
            await self._nodes.enter_async_context(living(node))

        await self.do(act)

    async def send_nodes_away(self) -> None:
        """Only where the household is."""
        await self._nodes.aclose()

    async def restart_broker(self) -> None:
        """End the broker, and start it where it was."""

        async def act() -> None:
            await self._end_broker()
            await self._start_broker(self.broker.port)

        await self.do(act)

    async def _start_broker(self, port: int = 0) -> None:
        self.broker = await self._broker.enter_async_context(
            running_broker(
                ring=self.ring,
                port=port,
                anonymous="none",
                unclaimed="admins",
                await_directory=True,
            )
        )

    async def _end_broker(self) -> None:
        await self._broker.aclose()


@contextmanager
def moved_in() -> Iterator[Household]:
    """A household until the end of the block."""
    with elsewhere(Household, Household.furnish) as household:
        yield household
