# SPDX-License-Identifier: BSD-3-Clause
"""Whatever is killed between a gateway and the store, no reading is missing and none is twice."""

import asyncio
import json
import random
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect

from pyaiot.store.export import Selection
from pyaiot.store.store import Store
from tests.commands import Running, free_ports, run_to_end, running
from tests.contracts.store import Clock

READINGS = 360
"""Numbered from 0."""


class Restarted:
    """A service that is killed and started again at the same place."""

    def __init__(self, stack: AsyncExitStack, home: Path, *words: str) -> None:
        self._stack = stack
        self._home = home
        self._words = words
        self.running: Running | None = None

    async def start(self) -> None:
        command = running(self._home, *self._words)
        self.running = await self._stack.enter_async_context(command)

    async def kill(self) -> None:
        assert self.running is not None
        self.running.process.kill()
        await self.running.process.wait()


async def count_up(node: ClientConnection, numbers: range) -> None:
    """Report numbers; all have been taken by the gateway when this returns."""
    for number in numbers:
        await node.send(json.dumps({"type": "update", "data": {"count": number}}))
        await asyncio.sleep(0.012)
    await (await node.ping())


async def stored(url: str) -> list[int]:
    store = await Store.open(url, Clock())
    selection = Selection(resource="count")
    found = [each async for page in store.history.export(selection) for each in page]
    await store.close()
    return [int(each.number) for each in found if each.number is not None]


async def test_nothing_is_missing_or_twice_whatever_is_killed(tmp_path: Path) -> None:
    broker_port, gateway_port = free_ports(2)
    url = str(tmp_path / "store.db")
    await run_to_end(tmp_path, "aiot-generate-keys")
    at = f"--broker-port={broker_port}"
    dice = random.Random(20261128)
    async with AsyncExitStack() as stack:
        broker = Restarted(stack, tmp_path, "aiot-broker", at, "--store-readings")
        recorder = Restarted(
            stack, tmp_path, "aiot-recorder", at, f"--store={url}", "--health-port=0"
        )
        gateway = Restarted(
            stack, tmp_path, "aiot-ws-gateway", at, f"--gateway-port={gateway_port}"
        )
        for each in (broker, gateway, recorder):
            await each.start()
        assert gateway.running is not None
        assert recorder.running is not None
        await gateway.running.says("listening on")
        await recorder.running.says("listening on")
        node = await stack.enter_async_context(connect(f"ws://127.0.0.1:{gateway_port}/node"))
        await node.send(json.dumps({"type": "new", "id": "counter"}))
        sent = 0
        for victims in ((broker,), (recorder,), (broker, recorder)):
            middle = sent + dice.randrange(20, READINGS // 3 - 20)
            await count_up(node, range(sent, middle))
            await asyncio.gather(*(each.kill() for each in victims))
            sent += READINGS // 3
            await count_up(node, range(middle, sent))
            for each in victims:
                await each.start()
        await count_up(node, range(sent, READINGS))

        found: list[int] = []
        async with asyncio.timeout(45):
            while len(found) < READINGS:
                await asyncio.sleep(0.2)
                found = await stored(url)
        assert [number for number, count in Counter(found).items() if count > 1] == []
        assert found == list(range(READINGS))
        for each in (recorder, gateway, broker):
            running_ = each.running
            assert running_ is not None
            assert await running_.end() == 0
            assert "Traceback" not in running_.log
    assert sorted(await stored(url)) == list(range(READINGS))
