# SPDX-License-Identifier: BSD-3-Clause
"""Nodes on the map: of the world, on a floor plan, and on the pictures of a tile server."""

import asyncio
import struct
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys

from tests.browser.chromium import PHONE, Chromium
from tests.browser.conftest import Opener
from tests.browser.gateway import HandGateway, broker_with_gateway
from tests.dashboard.running import running_dashboard

SURFACE = ".surface"
NASTY = "<img src=x onerror=\"document.title='owned'\">"


def png(width: int, height: int) -> bytes:
    """A picture of one grey."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    rows = (b"\0" + b"\xc0" * width) * height
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


@asynccontextmanager
async def map_of(
    opened: Opener, size: tuple[int, int] = (1440, 900), **options: Any
) -> AsyncIterator[tuple[HandGateway, Chromium]]:
    """The map of a broker that knows three nodes: two in one town, and one on another continent."""
    async with (
        broker_with_gateway() as (broker, gateway),
        opened(broker.port, size, reduced_motion="reduce", **options) as browser,
    ):
        await gateway.node("1", name="Oven", position='{"lat":48.70,"lng":2.20}', temperature="9°C")
        await gateway.node("2", name="Bridge", position={"lat": 48.71, "lng": 2.22}, note="hi")
        await gateway.node("3", name="Harbour", position={"lat": -33.9, "lng": 151.2}, led="1")
        await browser.run("location.hash = '#/map'")
        await browser.shows("On the map: 3")
        yield gateway, browser


async def middle(browser: Chromium, where: str) -> tuple[float, float]:
    """Where the middle of an element is, on the screen."""
    script = (
        "(({x, y, width, height}) => [x + width / 2, y + height / 2])"
        "(document.querySelector(arguments[0]).getBoundingClientRect())"
    )
    x, y = await browser.ask(script, where)
    return x, y


async def drag(browser: Chromium, where: str, right: float, down: float) -> None:
    """Drag with a mouse, from the middle of an element."""
    x, y = await middle(browser, where)
    moves = (
        ("mousePressed", 0.0),
        ("mouseMoved", 0.5),
        ("mouseMoved", 1.0),
        ("mouseReleased", 1.0),
    )
    for kind, part in moves:
        await browser.call(
            "Input.dispatchMouseEvent",
            type=kind,
            x=x + right * part,
            y=y + down * part,
            button="left",
            buttons=int(kind != "mouseReleased"),
            clickCount=1,
        )


async def zoom(browser: Chromium) -> float:
    return float(await browser.ask(f"document.querySelector('{SURFACE}').dataset.zoom"))


async def test_nodes_stand_where_they_say_and_none_is_lost(opened: Opener) -> None:
    async with map_of(opened) as (gateway, browser):
        await browser.until("document.querySelector('.cluster[data-total=\"2\"]')")
        await browser.until("document.querySelector('[data-node=\"3\"]')")
        assert await browser.ask("document.querySelector('[data-node=\"3\"]').ariaLabel") == (
            "Harbour On, Online"
        )
        # What makes no sense is listed, not drawn.
        await gateway.node("4", name=NASTY, position='{"lat": 999, "lng": 2}')
        await gateway.node("5", name="Silent", position=None)
        await gateway.node("6", name="Texts", position={"lat": "48.7", "lng": NASTY})
        await gateway.node("7", name="Homeless", temperature="3°C")
        await browser.shows("Without a place on the map: 4", ".list")
        listed = await browser.text(".list")
        assert NASTY in listed
        assert listed.count("position makes no sense") == 3
        assert listed.count("says no position") == 1
        assert await browser.ask("document.querySelectorAll('.mark, .cluster').length") == 2

        # The map follows the nodes.
        before = await middle(browser, "[data-node='3']")
        await gateway.report("3", "position", {"lat": 35.7, "lng": 139.7})
        await browser.until(
            "Math.abs(document.querySelector('[data-node=\"3\"]').getBoundingClientRect().y"
            " - arguments[0]) > 40",
            before[1],
        )
        await gateway.availability("3", "offline", 300)
        await browser.until("document.querySelector('[data-node=\"3\"]').ariaLabel.includes('Off')")
        await gateway.availability("2", "late", 60)
        await browser.until(
            "document.querySelector('.cluster').ariaLabel == '2 nodes: 1 Online, 1 Late'"
        )
        await gateway.report("4", "position", {"lat": 1, "lng": 2})
        await browser.shows("On the map: 4", ".list")
        assert await browser.ask("document.title") == "IoT Dashboard"


async def test_a_press_tells_more_and_leads_to_the_details(opened: Opener) -> None:
    async with map_of(opened) as (gateway, browser):
        # A cluster falls apart, and the focus stays among its nodes.
        await browser.click(".cluster")
        await browser.until("document.querySelector('[data-node=\"1\"]')")
        await browser.until("document.activeElement.matches('.mark')")
        await browser.until("location.hash.includes('at=48.7')")
        await browser.click("[data-node='1']")
        await browser.shows("Temperature\n9 °C", "[role=dialog]")
        await gateway.report("1", "temperature", "10°C")
        await browser.shows("10 °C", "[role=dialog]")
        await browser.press(Keys.ESCAPE)
        await browser.until("!document.querySelector('[role=dialog]')")
        assert await browser.ask("document.activeElement.dataset.node") == "1"
        # To the neighbour by keyboard: it stands to the right and above.
        await browser.press(Keys.ARROW_RIGHT)
        await browser.until("document.activeElement.dataset.node == '2'")
        await browser.press(Keys.ENTER)
        await browser.shows("hi", "[role=dialog]")
        link = await browser.ask("document.querySelector('[role=dialog] a').hash")
        assert "node=2" in link
        await browser.click("[role=dialog] a")
        await browser.until("location.hash.includes('node=2')")
        await browser.until("document.querySelector('.selected [data-node=\"2\"]')")


async def test_nodes_at_one_place_are_listed(opened: Opener) -> None:
    async with map_of(opened) as (gateway, browser):
        await gateway.report("2", "position", {"lat": 48.7, "lng": 2.2})
        await gateway.report("3", "position", {"lat": 48.7, "lng": 2.2})
        await browser.until("document.querySelector('.cluster[data-total=\"3\"]')")
        await browser.click(".cluster")
        await browser.shows("3 nodes at the same place", "[role=dialog]")
        await browser.click("[role=dialog] .members button")
        await browser.shows("Open details", "[role=dialog]")


async def test_the_list_is_a_way_by_keyboard(opened: Opener) -> None:
    async with map_of(opened) as (_gateway, browser):
        await browser.run("document.querySelector('[data-listed]').focus()")
        await browser.press(Keys.END)
        await browser.until("document.activeElement.dataset.listed == '1'")
        await browser.press(Keys.ARROW_UP)
        await browser.until("document.activeElement.dataset.listed == '3'")
        await browser.press(Keys.ENTER)
        await browser.shows("Harbour", "[role=dialog]")
        await browser.until("document.querySelector('[data-node=\"3\"]')")
        # It came into sight, from near.
        assert await zoom(browser) > 6
        await browser.press(Keys.ESCAPE)
        await browser.until("document.activeElement.dataset.listed == '3'")
        stops = "document.querySelectorAll('.list [tabindex=\"0\"]').length"
        assert await browser.ask(stops) == 1


async def test_the_address_holds_what_is_looked_at(opened: Opener) -> None:
    async with map_of(opened) as (_gateway, browser):
        whole = await zoom(browser)
        await browser.run(f"document.querySelector('{SURFACE}').focus()")
        await browser.press("+", "+")
        await browser.until("location.hash.includes('at=')")
        assert await zoom(browser) == pytest.approx(whole + 2, abs=0.02)
        # The picture is drawn anew once the map rests; until then it is only stretched.
        await browser.until(
            "document.querySelector('.world canvas').style.transform.endsWith('scale(1)')"
        )
        near = await browser.ask("location.hash")
        await drag(browser, SURFACE, 150, 40)
        await browser.until("location.hash != arguments[0]", near)
        await browser.press(Keys.ARROW_LEFT, "-")
        assert await zoom(browser) == pytest.approx(whole + 1, abs=0.02)

        # Who opens the link sees the same.
        link = "#/map?at=48.7%2C2.2%2C13.5&ground=world"
        await browser.run(f"location.hash = '{link}'")
        await browser.until(f"document.querySelector('{SURFACE}').dataset.zoom == '13.50'")
        at = await middle(browser, "[data-node='1'] .dot")
        assert at == pytest.approx(await middle(browser, SURFACE), abs=2)
        # Nonsense is as nothing.
        await browser.run("location.hash = '#/map?at=a,b,c&ground=moon'")
        await browser.press(Keys.HOME)
        await browser.until("!location.hash.includes('at=')")
        assert await zoom(browser) == pytest.approx(whole, abs=0.02)


async def test_nodes_are_placed_on_a_floor_plan(opened: Opener, tmp_path: Path) -> None:
    plan = tmp_path / "plan.png"
    plan.write_bytes(png(800, 400))
    async with map_of(opened, floor_plan=str(plan)) as (_gateway, browser):
        await browser.click("[data-choose=plan]")
        await browser.until("document.querySelector('.plan img')?.naturalWidth == 800")
        await browser.shows("Waiting for a place: 3", ".list")

        # By keyboard: into the middle, and from there with the arrows.
        await browser.click("[data-place='1']")
        await browser.until("document.activeElement.dataset.node == '1'")
        start = await middle(browser, "[data-node='1'] .dot")
        await browser.press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
        await browser.until(
            "document.querySelector('[data-node=\"1\"] .dot').getBoundingClientRect().x"
            " > arguments[0] + 5",
            start[0],
        )
        assert await browser.ask("document.activeElement.dataset.node") == "1"
        # By dragging: out of the list, and on the plan.
        x, y = await middle(browser, ".plan img")
        row = await middle(browser, "[data-listed='2']")
        await drag(browser, "[data-listed='2']", x - 200 - row[0], y - 60 - row[1])
        await browser.shows("On the map: 2", ".list")
        there = await middle(browser, "[data-node='2'] .dot")
        assert there == pytest.approx((x - 200, y - 60), abs=3)
        await drag(browser, "[data-node='2'] .dot", 100, 30)
        await browser.until(
            "document.querySelector('[data-node=\"2\"] .dot').getBoundingClientRect().x"
            " > arguments[0] + 50",
            there[0],
        )
        moved = await middle(browser, "[data-node='2'] .dot")
        assert moved == pytest.approx((there[0] + 100, there[1] + 30), abs=3)
        assert not await browser.ask("document.querySelector('[role=dialog]')")

        # They stay there, and can be taken away.
        await browser.run("location.reload()")
        await browser.shows("On the map: 2", ".list")
        assert await browser.ask("document.querySelector('.surface').dataset.ground") == "plan"
        await browser.click(".controls .alone")
        await browser.run("document.querySelector('[data-node=\"2\"]').focus()")
        await browser.press(Keys.DELETE)
        await browser.shows("Waiting for a place: 2", ".list")


@asynccontextmanager
async def tile_server() -> AsyncIterator[tuple[str, list[str]]]:
    """A server of map pictures; its origin, and the heads of what it was asked."""
    asked: list[str] = []
    picture = png(256, 256)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
        head = f"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: {len(picture)}\r\n"
        writer.write(f"{head}Connection: close\r\n\r\n".encode() + picture)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked


async def test_tiles_come_from_the_server_of_the_operator_alone(opened: Opener) -> None:
    thanks = "© <b>Those who measured</b>"
    async with tile_server() as (origin, asked):
        template = f"{origin}/{{z}}/{{x}}/{{y}}.png"
        async with map_of(opened, map_tiles=template, map_attribution=thanks) as (_, browser):
            # Nobody is asked before somebody wants to see it.
            assert await browser.ask("document.querySelector('.world canvas') !== null")
            assert not asked
            await browser.click("[data-choose=tiles]")
            await browser.until("document.querySelector('.tiles img')?.naturalWidth == 256")
            assert await browser.text(".thanks") == thanks
            page = await browser.ask("location.origin")
        requests = [head.split("\r\n")[0] for head in asked]
        assert all(line.endswith(".png HTTP/1.1") for line in requests)
        lines = [line for head in asked for line in head.lower().split("\r\n")]
        assert {line for line in lines if line.startswith("referer:")} == {f"referer: {page}/"}
        assert not [line for line in lines if line.startswith("cookie:")]


async def test_a_tile_server_that_is_not_there_is_told(chromium: Chromium) -> None:
    async with (
        broker_with_gateway() as (broker, gateway),
        running_dashboard(
            broker_host="127.0.0.1",
            broker_port=broker.port,
            map_tiles="http://127.0.0.1:9/{z}/{x}/{y}.png",
        ) as url,
    ):
        await gateway.node("1", name="Oven", position={"lat": 48.7, "lng": 2.2})
        await chromium.open(f"{url}#/map?ground=tiles")
        await chromium.shows("The map itself cannot be loaded.")
        assert await chromium.ask("document.querySelector('[data-node=\"1\"]') !== null")
        await chromium.leave()


async def test_on_a_phone_nothing_sticks_out(opened: Opener) -> None:
    async with map_of(opened, PHONE) as (_gateway, browser):
        await browser.click("[data-listed='3']")
        await browser.shows("Open details", "[role=dialog]")
        wide = "document.documentElement.scrollWidth <= innerWidth"
        assert await browser.ask(wide)
        box = await browser.ask(
            "(({left, right, top, bottom}) =>"
            " [left, innerWidth - right, top, innerHeight - bottom])"
            "(document.querySelector('[role=dialog]').getBoundingClientRect())"
        )
        assert min(box) >= 0
