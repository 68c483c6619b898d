# SPDX-License-Identifier: BSD-3-Clause
"""The page in a real browser, before real services."""

import asyncio
from pathlib import Path
from typing import Any

from selenium.webdriver.common.keys import Keys

from tests.broker.running import running_broker
from tests.browser.chromium import DESK, PHONE, Chromium
from tests.browser.conftest import Opener
from tests.browser.gateway import broker_with_gateway

CARD = "article[data-uid='1']"
LED = f"{CARD} [data-endpoint=led]"
SWITCH = f"{LED} [role=switch]"

NASTY = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"


async def presence(browser: Chromium, uid: str = "1") -> Any:
    return await browser.ask(f"document.querySelector(\"[data-uid='{uid}']\")?.dataset.presence")


async def becomes(browser: Chromium, state: str, uid: str = "1") -> None:
    script = (
        "document.querySelector(`[data-uid='${arguments[0]}']`)?.dataset.presence == arguments[1]"
    )
    await browser.until(script, uid, state)


async def test_a_first_visit_is_told_what_to_do(opened: Opener) -> None:
    async with running_broker() as broker, opened(broker.port) as browser:
        await browser.shows("Nothing is connected yet")
        assert await browser.text("[data-link]") == "Live"
        assert "aiot demo" in await browser.text("main")
        assert "coap-test-node.py --led --temperature" in await browser.text("main")
        await browser.click("button[aria-label='Copy: aiot demo']")
        await browser.shows("Copied", "main")
        assert await browser.ask("document.title") == "IoT Dashboard"


async def test_cards_appear_and_follow_their_nodes(opened: Opener) -> None:
    async with broker_with_gateway() as (broker, gateway), opened(broker.port) as browser:
        await gateway.node("1", protocol="CoAP", name="Kitchen", temperature="21.5°C", led="0")
        await browser.shows("Kitchen", CARD)
        assert await presence(browser) == "online"
        assert await browser.text(f"{CARD} .protocol") == "CoAP"
        assert await browser.text(f"{CARD} [data-endpoint=temperature] .value") == "21.5 °C"
        assert (
            await browser.ask("document.querySelector(arguments[0]).ariaChecked", SWITCH) == "false"
        )
        assert "1 online" in await browser.text("header")

        for number in range(5):
            await gateway.report("1", "temperature", f"{22 + number}.25°C")
        await browser.shows("26.25 °C", f"{CARD} [data-endpoint=temperature]")
        line = f"{CARD} [data-endpoint=temperature] svg path.line"
        assert await browser.ask("document.querySelector(arguments[0]).getTotalLength() > 50", line)
        spoken = f"{CARD} [data-endpoint=temperature] svg"
        await browser.until(
            "document.querySelector(arguments[0]).ariaLabel.includes('21.50 to 26.25 °C')", spoken
        )
        # Ages count on by themselves.
        await browser.shows("2 s", f"{CARD} [data-endpoint=temperature] time")

        await gateway.availability("1", "late", 60)
        await browser.shows("Late\nheard ", CARD)
        await gateway.availability("1", "offline", 300)
        await browser.shows("Offline\nheard ", CARD)
        assert "26.25 °C" in await browser.text(CARD)
        await gateway.availability("1", "online", 0)
        await becomes(browser, "online")

        await gateway.say(type="reset", uid="1")
        await browser.shows("waiting for the node", f"{CARD} [data-endpoint=temperature]")
        assert "26.25" not in await browser.text(CARD)
        assert "Kitchen" in await browser.text(CARD)
        await gateway.report("1", "temperature", "3°C")
        await browser.shows("3 °C", f"{CARD} [data-endpoint=temperature]")

        await gateway.say(type="out", uid="1")
        await becomes(browser, "gone")
        assert await browser.text(f"{CARD} .mark") == "Gone"


async def test_unknown_zero_and_the_unforeseen_each_have_their_look(opened: Opener) -> None:
    async with broker_with_gateway() as (broker, gateway), opened(broker.port) as browser:
        await gateway.node(
            "1",
            zero="0°C",
            unknown=None,
            count=42,
            position='{"lat":48.7,"lng":2.2}',
            nested={"a": {"b": [1, 2]}},
            note="Guten Tag",
            soil_moisture="7%",
            version="1.2",
            flag=True,
        )
        await browser.shows("Soil moisture", CARD)

        async def look(endpoint: str) -> tuple[Any, str]:
            where = f"{CARD} [data-endpoint='{endpoint}']"
            kind = await browser.ask("document.querySelector(arguments[0])?.dataset.kind", where)
            return kind, " ".join((await browser.text(where)).split())

        assert (await look("zero"))[0] == "number"
        assert "0 °C" in (await look("zero"))[1]
        assert await look("unknown") == ("unknown", "Unknown now no value")
        assert (await look("count"))[0] == "number"
        kind, text = await look("position")
        assert kind == "position"
        assert "48.7° N 2.2° E" in text.replace("\u202f", " ")
        assert "a.b 1" in (await look("nested"))[1]
        assert (await look("note"))[0] == "text"
        assert (await look("flag"))[0] == "toggle"
        # What a node is, and not what it measures, stands below.
        assert await look("version") == (None, "")
        await browser.click(f"{CARD} .facts summary")
        await browser.shows("1.2", f"{CARD} .facts")


async def test_hostile_text_stays_text(opened: Opener) -> None:
    async with (
        broker_with_gateway() as (broker, gateway),
        opened(broker.port, title=NASTY) as browser,
    ):
        long = "W" * 5000
        await gateway.node("1", name=NASTY, protocol=NASTY, text=NASTY, json={NASTY: NASTY})
        await gateway.report("1", NASTY[:100], NASTY)
        await gateway.node("__proto__", name="constructor", __proto__="1", toString="2")
        await gateway.node("2", name=long, text=long, ip=long, json=[long], led=long)
        await gateway.node("3", name="\u202egnirts", deep="[" * 5000 + "]" * 5000)
        await browser.until("document.querySelectorAll('article').length == 4")
        assert await browser.text(f"{CARD} h2") == NASTY
        assert await browser.text(f"{CARD} [data-endpoint=text] .text") == NASTY
        assert await browser.ask("document.title") == NASTY
        assert await browser.ask("document.querySelectorAll('main img, main script').length") == 0
        scroll = "document.documentElement.scrollWidth - innerWidth"
        assert await browser.ask(scroll) <= 0
        await gateway.report("1", "temperature", "1°C")
        await browser.shows("1 °C", CARD)


async def test_a_phone_needs_no_sideways_scrolling(opened: Opener) -> None:
    async with broker_with_gateway() as (broker, gateway):
        async with opened(broker.port, PHONE) as browser:
            await browser.shows("Nothing is connected yet")
            assert await browser.ask("document.documentElement.scrollWidth") == PHONE[0]
        await gateway.node(
            "1",
            name="A name that is longer than any telephone is wide, and then some more",
            led="1",
            temperature="-273.15°C",
            pressure="101325.12345 Pa",
            text="averyveryverylongwordwithoutanyspaces" * 9,
            ip="2001:0db8:85a3:0000:0000:8a2e:0370:7334",
        )
        async with opened(broker.port, PHONE, color_scheme="dark") as browser:
            await browser.shows("Pressure", CARD)
            assert await browser.ask("document.documentElement.scrollWidth") == PHONE[0]
            small = (
                "[...document.querySelectorAll('button')].filter(b => b.offsetHeight < 34).length"
            )
            assert await browser.ask(small) == 0


CONTRAST = Path(__file__).with_name("contrast.js").read_text("utf-8")


async def test_everything_can_be_read_in_light_and_in_darkness(opened: Opener) -> None:
    async with broker_with_gateway() as (broker, gateway):
        for scheme in ("light", "dark"):
            await gateway.node("1", name="One", led="0", temperature="1°C", nothing=None, os="riot")
            for uid, state in (("2", "late"), ("3", "offline"), ("4", "online")):
                await gateway.node(uid, name=uid, led="1", temperature="1°C", text="x", ip="::1")
                await gateway.availability(uid, state, 90)
            await gateway.say(type="out", uid="4")
            async with opened(broker.port, color_scheme=scheme, reduced_motion="reduce") as browser:
                await browser.shows("One")
                await gateway.node("5", led="0")
                await browser.shows("Node 5")
                await gateway.say(type="out", uid="5")
                await browser.shows("Gone")
                await browser.click(SWITCH)
                await gateway.answer(await gateway.command(), "failed", "No such LED")
                await browser.shows("No such LED")
                assert await browser.run(CONTRAST) == []
                still = "document.getAnimations().filter(a => a.playState == 'running').length"
                assert await browser.until(f"{still} == 0")


async def test_the_keyboard_reaches_and_turns_the_switch(opened: Opener) -> None:
    async with broker_with_gateway() as (broker, gateway), opened(broker.port) as browser:
        await gateway.node("1", name="One", led="0")
        await browser.shows("LED", CARD)
        # The first stop leads past the head of the page.
        await browser.press(Keys.TAB, Keys.ENTER)
        role = "document.activeElement.getAttribute('role')"
        stops = 0
        while await browser.ask(role) != "switch":
            await browser.press(Keys.TAB)
            stops += 1
            assert stops < 8
        assert await browser.ask("document.activeElement.ariaLabel") == "LED of One"
        outline = "getComputedStyle(document.activeElement).outlineStyle"
        assert await browser.ask(outline) == "solid"
        await browser.press(Keys.SPACE)
        command = await gateway.command()
        assert command["data"] == {"uid": "1", "endpoint": "led", "payload": "1"}
        # Once is enough while the node has not answered.
        await browser.press(Keys.SPACE)
        await gateway.report("1", "led", "1")
        await gateway.answer(command, "applied")
        await browser.shows("Applied", LED)
        await browser.press(Keys.SPACE)
        assert (await gateway.command())["data"]["payload"] == "0"
        assert gateway.commands == []


async def test_the_newest_of_very_many_values_is_the_one_that_is_shown(opened: Opener) -> None:
    async with broker_with_gateway() as (broker, gateway), opened(broker.port, DESK) as browser:
        for uid in range(20):
            await gateway.node(str(uid), name=f"Node {uid}", count=0)
        await browser.until("document.querySelectorAll('article').length == 20")
        for number in range(1, 201):
            for uid in range(20):
                await gateway.report(str(uid), "count", number)
            if number % 20 == 0:
                await asyncio.sleep(0)
        all_done = "[...document.querySelectorAll('.number')].every(e => e.innerText == '200')"
        await browser.until(all_done)
        names = "[...document.querySelectorAll('article h2')].map(e => e.innerText)"
        assert len(set(await browser.ask(names))) == 20
