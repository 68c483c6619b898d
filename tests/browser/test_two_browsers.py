# SPDX-License-Identifier: BSD-3-Clause
"""Two people at two browsers, and a broker that is killed under their eyes."""

import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from random import Random
from typing import Final

import pytest

from pyaiot.gateway.websocket.adapter import WebsocketAdapter
from pyaiot.link.keyfile import read_keys
from pyaiot.simulate.things import Thing
from pyaiot.simulate.websocket import WebsocketNode
from tests.browser.chromium import DESK, PHONE, Chromium
from tests.browser.conftest import faults
from tests.browser.everything import LABORATORY, WEATHER, Stage, living
from tests.commands import free_ports, run_to_end, running
from tests.dashboard.running import running_dashboard
from tests.gateway.running import running_gateway


@pytest.fixture(scope="session")
def other(page: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """Another browser."""
    del page
    browser = Chromium(tmp_path_factory.mktemp("other"))
    yield browser
    browser.quit()


SWITCH: Final = f"[data-uid={WEATHER}] [role=switch]"
LIT: Final = "document.querySelector(arguments[0]).ariaChecked == arguments[1]"


async def test_both_see_what_one_of_them_does(
    chromium: Chromium, other: Chromium, stage: Stage
) -> None:
    await chromium.open(f"{stage.url}/#/cards?q={WEATHER}", DESK)
    await other.open(f"{stage.url}/#/table?q={WEATHER}", PHONE)
    for browser in (chromium, other):
        await browser.until("document.querySelector(arguments[0])", SWITCH)
    for presser, onlooker, wanted in ((chromium, other, "true"), (other, chromium, "false")):
        await presser.click(SWITCH)
        for browser in (presser, onlooker):
            await browser.until(LIT, SWITCH, wanted)
    assert stage.things[WEATHER].values["led"] == "0"

    for number in ("17.25", "18.5"):
        await stage.report(LABORATORY, "soil_moisture", f"{number}%")
        for browser, view in ((chromium, "cards"), (other, "table")):
            address = f"#/{view}?q={LABORATORY}&columns=name,soil_moisture"
            await browser.ask("location.hash = arguments[0]", address)
            await browser.shows(number, f"[data-uid={LABORATORY}]")
    assert await faults(chromium) == []
    assert await faults(other) == []


PLACES: Final = {
    "cards with a chart": ("#/cards?q=lamp&node={uid}&resource=temperature", "dialog[open] canvas"),
    "filtered table": ("#/table?f.name=lamp&sort=temperature%3Adesc", "[role=row][data-uid]"),
    "map": ("#/map", "main li"),
}

NODES: Final = ("Desk lamp", "Floor lamp", "Kettle")


@asynccontextmanager
async def nodes_behind(port: int, home: Path) -> AsyncIterator[None]:
    """Nodes at a gateway that finds the broker at `port`, whenever there is one."""
    adapter = WebsocketAdapter("127.0.0.1", 0, max_nodes=len(NODES))
    ring = read_keys(str(home / ".pyaiot" / "keys"))
    async with running_gateway(adapter, f"ws://127.0.0.1:{port}", ring), AsyncExitStack() as stack:
        for number, name in enumerate(NODES):
            random = Random(number)
            thing = Thing(("name", "led", "temperature"), random, period=0.2, name=name)
            url = f"ws://127.0.0.1:{adapter.port}/node"
            node = WebsocketNode(thing, url, random, uid=f"node-{number}")
            await stack.enter_async_context(living(node))
        yield


NEWEST: Final = "document.querySelector('main').innerText.match(/\\d+\\.\\d °C/g)?.join()"
SAME: Final = "location.hash == arguments[0] && document.querySelector(arguments[1])"
CALM: Final = "document.querySelector('[data-link=live]') && !document.querySelector('.bar')"
UIDS: Final = """[...document.querySelectorAll("main article[data-uid], main [role=row][data-uid]")]
  .map((each) => each.dataset.uid).sort()"""


async def test_a_broker_is_killed_and_comes_back_in_every_view(
    chromium: Chromium, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    assert (await run_to_end(tmp_path, "aiot-generate-keys"))[0] == 0
    words = ("aiot-broker", f"--broker-port={port}")
    async with (
        nodes_behind(port, tmp_path),
        running_dashboard(broker_host="127.0.0.1", broker_port=port) as url,
        AsyncExitStack() as stack,
    ):
        broker = await stack.enter_async_context(running(tmp_path, *words))
        await broker.says("listening on")
        await chromium.open(url)
        await chromium.until("document.querySelectorAll('main [data-uid]').length == 3")
        (uid,) = await chromium.ask(
            "[...document.querySelectorAll('main [data-uid]')]"
            ".filter((each) => each.innerText.includes('Desk lamp'))"
            ".map((each) => each.dataset.uid)"
        )
        for place, there in PLACES.values():
            address = place.format(uid=uid)
            await chromium.ask("location.hash = arguments[0]", address)
            await chromium.until(SAME, address, there)
            before = await chromium.ask(UIDS)

            assert await broker.end(signal.SIGKILL) == -signal.SIGKILL
            await chromium.shows("lost", ".bar")
            assert await chromium.ask(SAME, address, there)
            assert await chromium.ask(UIDS) == before

            broker = await stack.enter_async_context(running(tmp_path, *words))
            await broker.says("listening on")
            await chromium.ask("document.querySelector('.bar button:enabled')?.click()")
            await chromium.until(CALM)
            assert await chromium.ask(SAME, address, there)
            assert await chromium.ask(UIDS) == before
            shown = await chromium.ask(NEWEST)
            await chromium.until(f"{NEWEST} != arguments[0]", shown)
    assert await faults(chromium) == []
