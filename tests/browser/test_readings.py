# SPDX-License-Identifier: BSD-3-Clause
"""What nodes measure, on cards and large beside the view."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

from selenium.webdriver.common.keys import Keys

from pyaiot.gateway.websocket.adapter import WebsocketAdapter
from pyaiot.link.backoff import Backoff
from pyaiot.simulate.things import Thing
from pyaiot.simulate.websocket import WebsocketNode
from tests.broker.running import RunningBroker, running_broker
from tests.browser.chromium import PHONE, Chromium
from tests.browser.conftest import Opener
from tests.browser.gateway import broker_with_gateway, hand_gateway
from tests.gateway.running import running_gateway

CARD = "article.card"
DETAIL = "[data-detail]"
CHART = f"{DETAIL} .reach"
CONTRAST = Path(__file__).with_name("contrast.js").read_text("utf-8")

# Whether anything is drawn on the canvas of a chart.
DRAWN = """(() => {
  const canvas = document.querySelector('[data-detail] canvas');
  if (!canvas || !canvas.width || !canvas.height) return false;
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return data.some((value, index) => index % 4 == 3 && value > 200);
})()"""

OPEN_ALL = "document.querySelectorAll('.large details:not([open]) summary').forEach(e => e.click())"


@asynccontextmanager
async def living(broker: RunningBroker, *resources: str, period: float) -> AsyncIterator[None]:
    """A simulated node behind a real websocket gateway."""
    adapter = WebsocketAdapter("127.0.0.1", 0, grace=0.05)
    backoff = Backoff(lambda: 1.0, base=0.01, cap=0.02)
    async with running_gateway(adapter, broker.url, broker.ring):
        thing = Thing(resources, Random(1), period=period, name="Attic")
        url = f"ws://127.0.0.1:{adapter.port}/node"
        node = WebsocketNode(thing, url, Random(1), uid="attic", backoff=backoff)
        task = asyncio.create_task(node.run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def figure(browser: Chromium, name: str) -> Any:
    where = f"{DETAIL} [data-figure={name}]"
    return await browser.ask("document.querySelector(arguments[0])?.innerText", where)


async def test_a_reading_of_a_real_node_opens_with_its_course(opened: Opener) -> None:
    async with (
        running_broker() as broker,
        living(broker, "temperature", "position", "led", period=0.1),
        opened(broker.port) as browser,
    ):
        tile = f"{CARD} [data-endpoint=temperature]"
        await browser.shows("°C", tile)
        lines = "document.querySelector(arguments[0])?.getAttribute('d').split('L').length > 8"
        await browser.until(lines, f"{tile} path.line")
        await browser.shows("48.71478°\u202fN", f"{CARD} [data-endpoint=position]")
        await browser.click(f"{tile} a")

        # At once, with all that was said before it was opened.
        await browser.until(DRAWN)
        assert int(await figure(browser, "count")) > 8
        lowest, mean, highest = [
            float(await figure(browser, name)) for name in ("lowest", "mean", "highest")
        ]
        assert lowest <= mean <= highest
        assert "resource=temperature" in await browser.ask("location.hash")
        before = int(await figure(browser, "count"))
        await browser.until(
            "Number(document.querySelector('[data-figure=count]').innerText) > arguments[0]", before
        )
        await browser.click(f"{DETAIL} a[href*='range=all']")
        await browser.until("location.hash.includes('range=all')")

        # By the keyboard: nearer, then back to the present.
        await browser.run(f"document.querySelector('{CHART}').focus()")
        live = f"document.querySelector('{DETAIL} .live').ariaPressed"
        await browser.press("+", "+", Keys.ARROW_LEFT)
        assert await browser.ask(live) == "false"
        held = await browser.ask(f"document.querySelector('{CHART}').ariaLabel")
        # Other readings come meanwhile, as the card below shows.
        for _ in range(2):
            shown = await browser.text(f"{tile} .value")
            await browser.until(
                "document.querySelector(arguments[0]).innerText != arguments[1]",
                f"{tile} .value",
                shown,
            )
        assert await browser.ask(f"document.querySelector('{CHART}').ariaLabel") == held
        await browser.press(Keys.END)
        assert await browser.ask(live) == "true"

        # The same for those who do not see it.
        await browser.click(f"{DETAIL} details.table summary")
        await browser.until(
            "document.querySelectorAll('[data-detail] .points tbody tr').length > 8"
        )
        await browser.click(f"{DETAIL} .tools button")
        await browser.shows("Copied", f"{DETAIL} .tools")

        await browser.click(f"{DETAIL} a[href*='resource=led']")
        await browser.until("document.querySelector('.large').dataset.endpoint == 'led'")
        await browser.click(f"{DETAIL} .large [role=switch]")
        await browser.until("document.querySelector('.large [role=switch]').ariaChecked == 'true'")
        await browser.press(Keys.ESCAPE)
        await browser.until(f"!document.querySelector('{DETAIL}')")
        assert await browser.ask("location.hash.includes('node=')") is False


async def test_a_body_turns_as_its_node_does(opened: Opener) -> None:
    async with (
        running_broker() as broker,
        living(broker, "imu", period=0.1),
    ):
        async with opened(broker.port) as browser:
            body = "document.querySelector('.body').style.transform"
            await browser.until("document.querySelector('.body')")
            first = await browser.ask(body)
            await browser.until(f"{body} != arguments[0]", first)
            spoken = "document.querySelector('.scene').ariaLabel"
            assert (await browser.ask(spoken)).startswith("Orientation: roll ")
            await browser.until(f"!/roll 0°, pitch 0°, yaw 0°/.test({spoken})")
            await browser.click(f"{CARD} [data-endpoint=imu] button")
            await browser.until(f"{spoken}.match(/-?\\d+|\u2212\\d+/g).every(n => n.length < 3)")
            await browser.click(f"{CARD} [data-endpoint=imu] a")
            await browser.until("document.querySelectorAll('[data-detail] canvas').length == 3")
            await browser.until("document.querySelectorAll('.points, .figures').length >= 3")
        async with opened(broker.port, reduced_motion="reduce") as browser:
            await browser.until("document.querySelector('.body')")
            await browser.until(f"!/roll 0°, pitch 0°, yaw 0°/.test({spoken})")
            still = await browser.ask(body)
            assert [float(n) for n in still[9:-1].split(",")][:5] == [1, 0, 0, 0, 0]


async def test_nothing_is_drawn_twice_after_the_connection_came_back(opened: Opener) -> None:
    then = time.time()

    async with broker_with_gateway() as (broker, gateway), opened(broker.port) as browser:
        await gateway.node("1", name="One")
        await browser.shows("One")
        for age in (3, 2, 1):
            await gateway.say(
                type="update", uid="1", endpoint="t", data=f"{age}°C", dst="all", time=then - age
            )
        await browser.shows("1 °C", "[data-uid='1'] [data-endpoint=t]")
        await browser.click("[data-uid='1'] [data-endpoint=t] a")
        await browser.until("document.querySelector('[data-figure=count]')?.innerText == '3'")
        await broker.server.stop()
        await browser.until("document.querySelector('.bar')")
        async with (
            running_broker(accept_unsigned=True, ring=broker.ring, port=broker.port) as again,
            hand_gateway(again) as successor,
        ):
            await successor.node("1", name="One")
            await successor.say(
                type="update", uid="1", endpoint="t", data="1°C", dst="all", time=then - 1
            )
            await browser.until("!document.querySelector('.bar')")
            await successor.report("1", "t", "9°C")
            await browser.until("document.querySelector('[data-figure=count]').innerText == '4'")
            assert await figure(browser, "highest") == "9"


async def test_what_is_no_number_can_be_read_too(opened: Opener) -> None:
    nasty = "=<img src=x onerror=\"document.title='owned'\">"
    async with broker_with_gateway() as (broker, gateway):
        await gateway.node(
            "1",
            name="One",
            temperature="21.5°C",
            broken="nan°C",
            nothing=None,
            zero="0°C",
            dust=" 12000ug/m3",
            note=nasty * 40,
            tree={"a": {"b": [1, {nasty: nasty}]}, "many": list(range(999))},
            position={"lat": 999, "lng": 0},
        )
        for scheme in ("light", "dark"):
            async with opened(broker.port, PHONE, color_scheme=scheme) as browser:

                async def show(resource: str, shown: Chromium = browser) -> None:
                    await shown.run(f"location.hash = '#/cards?node=1&resource={resource}'")
                    await shown.until(
                        "document.querySelector('.large')?.dataset.endpoint == arguments[0]",
                        resource,
                    )

                await browser.shows("Zero", CARD)
                states = (
                    "[...document.querySelectorAll('.unknown')].map(e => e.dataset.state).sort()"
                )
                assert await browser.ask(states) == ["none", "unavailable"]
                assert "0 °C" in await browser.text(f"{CARD} [data-endpoint=zero]")
                assert "12,000 µg/m³" in await browser.text(f"{CARD} [data-endpoint=dust]")
                assert "This is no position" in await browser.text(
                    f"{CARD} [data-endpoint=position]"
                )
                await show("tree")
                # Long ones are closed at first, and only so much of them is ever shown.
                await browser.until("document.querySelectorAll('.large details').length >= 3")
                await browser.run(OPEN_ALL)
                await browser.shows("and 799 more", ".large")
                await browser.run(OPEN_ALL)
                await browser.shows(nasty[:20], ".large")
                assert await browser.ask("document.documentElement.scrollWidth") == PHONE[0]
                assert await browser.run(CONTRAST) == []
                await show("note")
                assert (await browser.text(".large pre")).startswith(nasty)
                assert await browser.ask("document.title") != "owned"
                assert await browser.ask("document.querySelectorAll('dialog img').length") == 0
                await show("temperature")
                await browser.until(DRAWN)
                assert await browser.run(CONTRAST) == []
        async with opened(broker.port) as browser:
            await browser.run("localStorage.setItem('pyaiot', '{\"language\": \"de\"}')")
            await browser.run("location.hash = '#/cards?node=1&resource=temperature'")
            await browser.run("location.reload()")
            await browser.shows("21,5 °C", ".large .value")
            await browser.shows("Mittel", DETAIL)
            await browser.run("localStorage.clear()")
