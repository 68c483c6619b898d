# SPDX-License-Identifier: BSD-3-Clause
"""An LED is switched from the page: every state of the order is seen, and none is made up."""

import asyncio
import os
from pathlib import Path
from random import Random

from pyaiot.gateway.service import serve
from pyaiot.link.keyfile import write_keys
from pyaiot.messages.keys import KeyPair, KeyRing
from pyaiot.settings import WebsocketGatewaySettings
from pyaiot.simulate.things import Thing
from pyaiot.simulate.websocket import WebsocketNode
from tests.broker.running import running_broker
from tests.browser.chromium import Chromium
from tests.browser.conftest import Opener
from tests.browser.gateway import broker_with_gateway

CARD = "article[data-uid='1']"
LED = f"{CARD} [data-endpoint=led]"
SWITCH = f"{LED} [role=switch]"

RECORD = """
window.seen = [];
const note = () => {
  const led = document.querySelector("[data-endpoint=led]");
  const now = `${led?.dataset.phase} ${led?.querySelector("[role=switch]").ariaChecked}`;
  if (window.seen.at(-1) !== now) window.seen.push(now);
};
note();
new MutationObserver(note).observe(document.body, {
  attributes: true, childList: true, subtree: true,
});
"""


async def is_lit(browser: Chromium) -> bool:
    checked = await browser.ask("document.querySelector(arguments[0]).ariaChecked", SWITCH)
    return bool(checked == "true")


async def test_from_the_page_to_a_node_and_back(opened: Opener, tmp_path: Path) -> None:
    ring = KeyRing((KeyPair.generate(os.urandom),))
    keys = str(write_keys(tmp_path / "keys", ring))
    lamp = Thing(["name", "led"], Random(1), name="Lamp")
    async with running_broker(ring=ring) as broker, asyncio.TaskGroup() as group:
        words: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        settings = WebsocketGatewaySettings(
            broker_host="127.0.0.1",
            broker_port=broker.port,
            gateway_host="127.0.0.1",
            gateway_port=0,
            key_file=keys,
        )
        gateway = group.create_task(serve(settings, words.set_result))
        url = (await words).removeprefix("listening on ")
        node = group.create_task(WebsocketNode(lamp, url, Random(1), uid="lamp").run())
        async with opened(broker.port) as browser:
            await browser.shows("Lamp")
            await browser.shows("LED")
            await browser.run(RECORD)
            await browser.click("[role=switch]")
            await browser.shows("Applied")
            assert lamp.values["led"] == "1"
            assert (
                await browser.ask("document.querySelector('[role=switch]').ariaChecked") == "true"
            )
            # The word goes after a while; the light stays.
            await browser.until("window.seen.at(-1) == 'idle true'")
            seen = await browser.ask("window.seen")
        node.cancel()
        gateway.cancel()
    assert seen[:2] == ["idle false", "pressed false"]
    assert seen[-2:] == ["applied true", "idle true"]


async def test_every_state_of_an_order_is_seen(opened: Opener) -> None:
    async with broker_with_gateway() as (broker, gateway), opened(broker.port) as browser:
        await gateway.node("1", name="Lamp", led="0")
        await browser.shows("LED", CARD)
        await browser.run(RECORD)
        await browser.click(SWITCH)
        command = await gateway.command()
        await browser.shows("Sent to the node", LED)
        await gateway.answer(command, "queued")
        await browser.shows("Waits for the node", LED)
        await gateway.report("1", "led", "1")
        await gateway.answer(command, "applied")
        await browser.shows("Applied", LED)
        seen = await browser.ask("window.seen")
    # It stayed dark until the node said that it is lit.
    assert [each for each in seen if each != "queued true"] == [
        "idle false",
        "pressed false",
        "sent false",
        "queued false",
        "applied true",
    ]


async def test_a_refusal_is_shown_with_its_reason_and_can_be_tried_again(opened: Opener) -> None:
    async with broker_with_gateway() as (broker, gateway), opened(broker.port) as browser:
        await gateway.node("1", name="Lamp", led="0")
        await browser.shows("LED", CARD)
        await browser.click(SWITCH)
        command = await gateway.command()
        await browser.shows("Sent to the node", LED)
        assert not await is_lit(browser)
        await gateway.answer(command, "failed", "The lamp is broken <b>")
        await browser.shows("The lamp is broken <b>", LED)
        assert not await is_lit(browser)

        await browser.click(f"{LED} .actions button")
        command = await gateway.command()
        assert command["data"] == {"uid": "1", "endpoint": "led", "payload": "1"}
        await gateway.report("1", "led", "1")
        await gateway.answer(command, "applied")
        await browser.shows("Applied", LED)
        assert await is_lit(browser)
        assert "broken" not in await browser.text(LED)

        await browser.click(SWITCH)
        await gateway.answer(await gateway.command(), "timeout")
        await browser.shows("did not answer", LED)
        assert await is_lit(browser)
        await browser.click(f"{LED} .actions button:last-child")
        await browser.until(
            "!document.querySelector(arguments[0]).innerText.includes('Failed')", LED
        )


async def test_a_node_that_leaves_takes_the_order_with_it(opened: Opener) -> None:
    async with broker_with_gateway() as (broker, gateway), opened(broker.port) as browser:
        await gateway.node("1", name="Lamp", led="0")
        await browser.shows("LED", CARD)
        await browser.click(SWITCH)
        await gateway.command()
        await gateway.say(type="out", uid="1")
        await browser.shows("The node left before it answered.", LED)


async def test_whoever_may_only_look_cannot_press(opened: Opener) -> None:
    async with (
        broker_with_gateway(anonymous="view") as (broker, gateway),
        opened(broker.port) as browser,
    ):
        await gateway.node("1", name="Lamp", led="0")
        await browser.shows("LED", CARD)
        locked = "document.querySelector(arguments[0]).ariaDisabled"
        await browser.until(f"{locked} == 'true'", SWITCH)
        assert "View only" in await browser.text("header")
        assert "not control" in await browser.ask(
            "document.querySelector(arguments[0]).title", SWITCH
        )
        await browser.click(SWITCH)
        await gateway.report("1", "led", "1")
        await browser.until("document.querySelector(arguments[0]).ariaChecked == 'true'", SWITCH)
        assert gateway.commands == []


async def test_an_order_to_a_broker_that_is_gone_fails_at_once(opened: Opener) -> None:
    async with broker_with_gateway() as (broker, gateway), opened(broker.port) as browser:
        await gateway.node("1", name="Lamp", led="0")
        await browser.shows("LED", CARD)
        await browser.click(SWITCH)
        await gateway.command()
        await broker.server.stop()
        await browser.shows("The connection was lost before the answer came.", LED)
        await browser.click(f"{LED} .actions button")
        await browser.shows("There is no connection to the broker.", LED)
        assert not await is_lit(browser)
