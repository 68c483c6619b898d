# SPDX-License-Identifier: BSD-3-Clause
"""What fingers do: tap, drag, pinch and press long, as on a telephone."""

import asyncio
import contextlib
from pathlib import Path
from typing import Final

import pytest
from selenium.webdriver.common.keys import Keys

from tests.browser.chromium import PHONE, Chromium
from tests.browser.conftest import Opener
from tests.browser.gateway import broker_with_gateway
from tests.browser.test_cards import titles
from tests.browser.test_controls import STOP, at
from tests.browser.test_map import SURFACE, map_of, middle, png, zoom
from tests.browser.test_readings import CHART, DETAIL, DRAWN
from tests.waiting import eventually

TABLET: Final = (820, 1180)


async def slide(
    browser: Chromium, *ways: tuple[tuple[float, float], tuple[float, float]], lift: bool = True
) -> None:
    """Move fingers, each from one place to another, in some steps."""
    for step in range(6):
        places = [
            (x + (to_x - x) * step / 5, y + (to_y - y) * step / 5) for (x, y), (to_x, to_y) in ways
        ]
        await browser.touch(*places)
    if lift:
        await browser.touch()


async def tap(browser: Chromium, where: str) -> None:
    await browser.touch(await middle(browser, where))
    await browser.touch()


async def test_the_map_is_moved_by_one_finger_and_zoomed_by_two(opened: Opener) -> None:
    async with map_of(opened, PHONE) as (_gateway, browser):
        x, y = await middle(browser, SURFACE)
        before = await zoom(browser)
        await slide(browser, ((x - 30, y), (x - 90, y)), ((x + 30, y), (x + 90, y)))
        # Three times as far apart.
        await browser.until("location.hash.includes('at=')")
        assert await zoom(browser) == pytest.approx(before + 1.58, abs=0.1)
        near = await browser.ask("location.hash")
        await slide(browser, ((x, y - 90), (x, y - 30)), ((x, y + 90), (x, y + 30)))
        await browser.until("location.hash != arguments[0]", near)
        assert await zoom(browser) == pytest.approx(before, abs=0.1)

        there = await middle(browser, "[data-node='3']")
        far = await browser.ask("location.hash")
        await slide(browser, ((x, y), (x - 50, y + 20)))
        await browser.until("location.hash != arguments[0]", far)
        moved = await middle(browser, "[data-node='3']")
        assert moved == pytest.approx((there[0] - 50, there[1] + 20), abs=2)
        assert not await browser.ask("document.querySelector('[role=dialog]')")
        for _ in range(3):
            # On a busy machine a tap may last so long that it is taken for a rest.
            await tap(browser, "[data-node='3']")
            with contextlib.suppress(AssertionError):
                await browser.shows("Harbour", "[role=dialog]", within=3)
                break
        await browser.shows("Harbour", "[role=dialog]")
        assert await browser.ask("scrollY") == 0


async def test_nodes_are_put_on_a_plan_by_a_finger(opened: Opener, tmp_path: Path) -> None:
    plan = tmp_path / "plan.png"
    plan.write_bytes(png(800, 400))
    for size in (PHONE, (1440, 900)):
        async with map_of(opened, size, floor_plan=str(plan)) as (_gateway, browser):
            await tap(browser, "[data-choose=plan]")
            await browser.until("document.querySelector('.plan img')?.naturalWidth == 800")
            await browser.shows("Waiting for a place: 3", ".list")
            x, y = await middle(browser, ".plan img")
            row = await middle(browser, "[data-listed='2']")
            # Once it rests there it has taken it, and does not scroll the list.
            await browser.touch(row)
            await browser.until("document.querySelector('.ghost')")
            await slide(browser, (row, (x - 60, y - 20)))
            await browser.shows("On the map: 1", ".list")
            there = await middle(browser, "[data-node='2'] .dot")
            assert there == pytest.approx((x - 60, y - 20), abs=3)
            await slide(browser, (there, (there[0] + 80, there[1] + 30)))
            await browser.until(
                "document.querySelector('[data-node=\"2\"] .dot').getBoundingClientRect().x"
                " > arguments[0] + 50",
                there[0],
            )
            moved = await middle(browser, "[data-node='2'] .dot")
            assert moved == pytest.approx((there[0] + 80, there[1] + 30), abs=3)


FIGURE: Final = (
    f"Number(document.querySelector(`{DETAIL} [data-figure=${{arguments[0]}}]`)?.innerText)"
)


async def test_a_chart_is_moved_by_one_finger_and_zoomed_by_two(opened: Opener) -> None:
    async with broker_with_gateway() as (broker, gateway):
        await gateway.node("1", name="Oven", t="0°C")
        async with opened(broker.port, PHONE, reduced_motion="reduce") as browser:
            await browser.run("location.hash = '#/cards?node=1&resource=t'")
            await browser.until(DRAWN)
            for age in range(25, 0, -1):
                await gateway.report("1", "t", f"{age}°C", ago=age)
            await browser.until(f"{FIGURE} >= 20", "count")
            live = f"document.querySelector('{DETAIL} .live').ariaPressed"
            assert await browser.ask(live) == "true"
            x, y = await middle(browser, CHART)
            await slide(browser, ((x - 20, y), (x - 80, y)), ((x + 20, y), (x + 80, y)))
            await browser.until(f"{live} == 'false'")
            # A third of it is left, in the middle.
            await browser.until(f"{FIGURE} < 15", "count")
            middle_of_it = await browser.ask(FIGURE, "mean")
            await slide(browser, ((x - 60, y), (x + 60, y)))
            await browser.until(f"{FIGURE} > arguments[1]", "mean", middle_of_it)
            # Up and down belong to the page.
            await browser.resize((PHONE[0], 500))
            top = "document.querySelector('.sheet .content').scrollTop"
            earlier = await browser.ask(FIGURE, "mean")
            await slide(browser, ((x, y + 60), (x, y - 90)))
            await browser.until(f"{top} > 0")
            assert await browser.ask(FIGURE, "mean") == earlier


async def test_a_card_is_taken_elsewhere_by_a_finger(opened: Opener) -> None:
    async with (
        broker_with_gateway() as (broker, gateway),
        opened(broker.port, PHONE, reduced_motion="reduce") as browser,
    ):
        for uid in "abc":
            await gateway.node(uid, name=uid.upper(), temperature="1°C")
        await titles(browser, "A", "B", "C")
        # The first and the last of them in sight, clear of what stands at the edges.
        await browser.run(
            "document.querySelector('[data-uid=b]').scrollIntoView({block: 'center'})"
        )
        grip = await middle(browser, "[data-uid='c'] .grip")
        x, y = await middle(browser, "[data-uid='a']")
        await slide(browser, (grip, (x, y - 30)), lift=False)
        await browser.until("document.querySelector('.grid .line')")
        await browser.press(Keys.ESCAPE)
        await browser.until("!document.querySelector('.grid .line')")
        await browser.touch()
        await titles(browser, "A", "B", "C")
        await slide(browser, (grip, (x, y - 30)))
        await titles(browser, "C", "A", "B")
        # Beside the grip a finger scrolls the page.
        await browser.run("document.body.style.minHeight = '200vh'")
        before = await browser.ask("scrollY")
        await slide(browser, ((x, y + 100), (x, y - 100)))
        await browser.until("scrollY > arguments[0]", before)
        await titles(browser, "C", "A", "B")


async def test_a_stick_is_held_by_a_finger(opened: Opener) -> None:
    async with broker_with_gateway() as (broker, gateway):
        await gateway.node("1", name="Buggy", ribot=STOP, robot="s")
        async with opened(broker.port, PHONE, reduced_motion="reduce") as browser:
            field = at("ribot", ".field")
            await browser.until("document.querySelector(arguments[0])", field)
            await browser.run(f'document.querySelector("{field}").scrollIntoView()')
            x, y = await middle(browser, field)
            await slide(browser, ((x, y), (x, y - 90)), lift=False)
            payloads = [each["data"]["payload"] for each in gateway.commands]
            assert STOP not in payloads[1:]
            await eventually(
                lambda: any("-255" in each["data"]["payload"] for each in gateway.commands)
            )
            await browser.touch()
            await eventually(
                lambda: [each["data"]["payload"] for each in gateway.commands[-2:]] == [STOP] * 2
            )
            await tap(browser, at("robot", "[data-move=l]"))
            await eventually(lambda: gateway.commands[-1]["data"]["payload"] == "l")


# Every lock that the page was given.
LOCKS: Final = """
window.locks = [];
const request = navigator.wakeLock.request.bind(navigator.wakeLock);
navigator.wakeLock.request = async (kind) => {
  const lock = await request(kind);
  window.locks.push(lock);
  return lock;
};
"""

PRESSED: Final = 1.4
"""Seconds; longer than it takes to leave."""


async def test_a_display_stays_awake_and_a_long_press_ends_it(opened: Opener) -> None:
    async with broker_with_gateway() as (broker, gateway):
        await gateway.node("1", name="Oven", temperature="9°C", led="1")
        async with opened(broker.port, TABLET, reduced_motion="reduce") as browser:
            await browser.shows("Oven", "main")
            await browser.run(LOCKS)
            held = "locks.filter(({ released }) => !released).length"
            await browser.run("location.hash = '#/cards?kiosk=1'")
            await browser.until(f"{held} == 1")
            bottom = (TABLET[0] / 2, TABLET[1] - 300)
            # A tap does not end it, nor does a finger that lies on a control.
            await browser.touch(bottom)
            await browser.touch()
            await browser.touch(await middle(browser, at("led", "[role=switch]")))
            await asyncio.sleep(PRESSED)
            await browser.touch()
            assert "kiosk=1" in await browser.ask("location.hash")
            assert await browser.ask(held) == 1

            text = await middle(browser, at("led", ".label"))
            for place in (bottom, text):
                await browser.run("location.hash = '#/cards?kiosk=1'")
                await browser.until(f"{held} == 1")
                await browser.touch(place)
                await browser.until("!location.hash.includes('kiosk')", within=3)
                await browser.touch()
                await browser.until(f"{held} == 0")
