# SPDX-License-Identifier: BSD-3-Clause
"""The table of nodes in a real browser, before a real broker."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from selenium.webdriver.common.keys import Keys

from tests.browser.axe import complaints
from tests.browser.chromium import DESK, PHONE, Chromium
from tests.browser.conftest import Opener
from tests.browser.gateway import HandGateway, broker_with_gateway

NAMES = "[...document.querySelectorAll('.title')].map(each => each.innerText).join(' ')"
FOCUS = """(() => {
  const cell = document.activeElement.closest("[data-column]");
  return `${cell?.closest("[data-uid]")?.dataset.uid ?? ""} ${cell?.dataset.column}`;
})()"""


@asynccontextmanager
async def table(
    opened: Opener, size: tuple[int, int] = DESK, **options: Any
) -> AsyncIterator[tuple[Chromium, HandGateway]]:
    """The table of three nodes."""
    async with broker_with_gateway() as (broker, gateway):
        await gateway.node("1", name="Attic", protocol="CoAP", temperature="21.5°C", led="0")
        await gateway.node("2", name="Bath", protocol="MQTT", temperature="9°C", humidity=None)
        await gateway.node("3", name="Cellar", temperature="21.5°C", humidity="0%")
        async with opened(broker.port, size, **options) as browser:
            await visit(browser, "")
            await rows(browser, "Attic Bath Cellar")
            yield browser, gateway


async def visit(browser: Chromium, query: str) -> None:
    await browser.run(f"location.hash = '#/table?{query}'")


async def rows(browser: Chromium, names: str) -> None:
    """Wait until these are the rows, from above."""
    await browser.until(
        """[...document.querySelectorAll("[role=row][data-uid]")]
             .sort((a, b) => a.ariaRowIndex - b.ariaRowIndex)
             .map(row => row.querySelector(".title").innerText).join(" ") === arguments[0]""",
        names,
    )


def cell(uid: str, column: str) -> str:
    return f"[data-uid='{uid}'] [data-column='{column}']"


def heading(column: str) -> str:
    return f"[role=columnheader][data-column='{column}'] button"


def field(column: str) -> str:
    return f"[role=gridcell][data-column='{column}'] input"


async def test_values_stand_in_columns(opened: Opener) -> None:
    async with table(opened) as (browser, gateway):
        headings = (
            "[...document.querySelectorAll('[role=columnheader] .label')].map(e => e.innerText)"
        )
        assert await browser.ask(headings) == [
            "Name", "Availability", "Heard", "Protocol", "LED", "Humidity", "Temperature",
        ]  # fmt: skip
        assert await browser.text(cell("1", "temperature")) == "21.5 °C"
        # Not there, not known, and zero.
        assert await browser.text(cell("1", "humidity")) == ""
        assert await browser.text(cell("2", "humidity")) == "no value"
        assert await browser.text(cell("3", "humidity")) == "0 %"
        assert await browser.text(cell("1", "availability")) == "Online"
        assert await browser.text(".count") == "3 of 3 nodes"
        await gateway.report("1", "temperature", "22.25°C")
        await browser.shows("22.25 °C", cell("1", "temperature"))
        assert await browser.ask(
            f'document.querySelector("{cell("1", "temperature")}").className.includes("lit")'
        )
        await gateway.availability("3", "offline", 90)
        await browser.shows("Offline", cell("3", "availability"))
        # A resource that nobody foresaw gets a column.
        await gateway.report("3", "soil/moisture", "7 %")
        await browser.shows("7 %", cell("3", "soil/moisture"))
        # Old values say so.
        await gateway.say(
            type="update", uid="3", endpoint="old", data=5, dst="all", time=time.time() - 300
        )
        await browser.shows("5 min", cell("3", "old"))


async def test_rows_are_sorted_and_filtered_and_the_address_says_how(opened: Opener) -> None:
    async with table(opened) as (browser, gateway):
        await browser.click(heading("temperature"))
        await rows(browser, "Bath Attic Cellar")
        await browser.click(heading("temperature"))
        await rows(browser, "Attic Cellar Bath")
        await visit(browser, "sort=temperature:desc,name:desc")
        await rows(browser, "Cellar Attic Bath")
        sorting = "document.querySelector('[aria-sort]').ariaSort"
        assert await browser.ask(sorting) == "descending"

        await browser.click(field("temperature"))
        await browser.press(*"> 9,5 K")
        await browser.shows("0 of 3 nodes")
        await browser.press(Keys.BACKSPACE)
        await rows(browser, "Cellar Attic")
        hash_ = "new URLSearchParams(location.hash.split('?')[1]).get('f.temperature')"
        assert "> 9,5" in await browser.ask(hash_)
        await browser.press(*"< cold")
        await browser.shows("“< cold” needs a number.")
        invalid = f'document.querySelector("{field("temperature")}").ariaInvalid'
        assert await browser.ask(invalid) == "true"
        await browser.press(Keys.ESCAPE)
        await rows(browser, "Cellar Attic Bath")

        await visit(browser, "availability=offline")
        await rows(browser, "")
        await gateway.availability("2", "offline", 90)
        await rows(browser, "Bath")
        await browser.click("main .tools > button")
        await rows(browser, "Attic Bath Cellar")
        await visit(browser, "q=mqtt")
        await rows(browser, "Bath")


async def test_rows_stay_while_somebody_is_at_them(opened: Opener) -> None:
    async with table(opened) as (browser, gateway):
        await visit(browser, "sort=temperature:asc")
        await rows(browser, "Bath Attic Cellar")
        await browser.run(f"document.querySelector(`{cell('2', 'heard')}`).focus()")
        await gateway.report("2", "temperature", "30°C")
        await gateway.node("4", name="Den", temperature="1°C")
        # What is new stands below, the rest where it was.
        await rows(browser, "Bath Attic Cellar Den")
        await browser.shows("30 °C", cell("2", "temperature"))
        await browser.shows("Sort now")
        await browser.click(".held")
        await rows(browser, "Den Attic Cellar Bath")
        # Nobody is at them now.
        await gateway.report("4", "temperature", "25°C")
        await rows(browser, "Attic Cellar Den Bath")


async def test_the_keyboard_goes_everywhere(opened: Opener) -> None:
    async with table(opened) as (browser, gateway):
        for number in range(10, 200):
            await gateway.node(str(number), name=f"Node {number}")
        await browser.shows("193 of 193 nodes")
        await browser.run(f"document.querySelector(`{heading('name')}`).focus()")
        await browser.press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
        await browser.until(f"{FOCUS} === ' heard'")
        await browser.press(Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.END)
        await browser.until(f"{FOCUS} === '1 temperature'")
        await browser.press(Keys.ENTER)
        opens = "location.hash.includes('node=1&resource=temperature')"
        await browser.until(opens)
        await browser.until("document.activeElement.closest('dialog') !== null")
        await browser.press(Keys.ESCAPE)
        await browser.until("!location.hash.includes('node=')")
        await browser.until(f"{FOCUS} === '1 temperature'")
        await browser.press(Keys.PAGE_DOWN, Keys.PAGE_DOWN, Keys.HOME)
        await browser.until(f"{FOCUS}.endsWith(' name') && {FOCUS} !== '1 name'")
        await browser.press(*[Keys.ARROW_DOWN] * 3)
        shown = """(() => {
          const { top, bottom } = document.activeElement.getBoundingClientRect();
          const grid = document.querySelector('[role=grid]').getBoundingClientRect();
          return top > grid.top && bottom <= grid.bottom;
        })()"""
        assert await browser.ask(shown)
        # Only what is in sight is drawn; assistive technology is told of the rest.
        assert await browser.ask("document.querySelectorAll('[role=row]').length < 60")
        assert await browser.ask("document.querySelector('[role=grid]').ariaRowCount") == "195"
        await browser.run(f"document.querySelector(`{heading('led')}`).focus()")
        await browser.press(Keys.ARROW_DOWN, Keys.ARROW_DOWN)
        await browser.until(f"{FOCUS} === '1 led'")
        await browser.press(Keys.SPACE)
        command = await gateway.command()
        assert command["data"] == {"uid": "1", "endpoint": "led", "payload": "1"}
        await gateway.report("1", "led", "1")
        await gateway.answer(command, "applied")
        await browser.until(
            f"document.querySelector(`{cell('1', 'led')} [role=switch]`).ariaChecked === 'true'"
        )


async def test_columns_are_chosen_and_copied(opened: Opener) -> None:
    async with table(opened) as (browser, _):
        await browser.click("main [aria-haspopup=dialog]")
        assert await complaints(browser) == []
        for column in ("availability", "heard", "led"):
            await browser.click(f"dialog li[data-column={column}] input")
        await browser.click("dialog li[data-column=temperature] button")
        await browser.until("location.hash.includes('columns=name%2Cprotocol%2Ctemperature')")
        await browser.press(Keys.ESCAPE)
        copied = """new Promise(done => {
          navigator.clipboard.writeText = async (text) => { done(text); };
          document.querySelector("main .tools > button:last-child").click();
        }).then(arguments[arguments.length - 1])"""
        assert await browser.answer(copied) == (
            "Name,Protocol,Temperature (°C),Humidity (%)\r\n"
            "Attic,CoAP,21.5,\r\nBath,MQTT,9,\r\nCellar,,21.5,0\r\n"
        )


async def test_the_table_is_for_everybody(opened: Opener) -> None:
    for size, scheme in ((DESK, "light"), (PHONE, "dark")):
        async with table(opened, size, color_scheme=scheme) as (browser, gateway):
            await gateway.availability("2", "late", 90)
            await browser.shows("Late", "[data-uid='2']")
            await visit(browser, "f.temperature=> x")
            await browser.shows("needs a number")
            assert await complaints(browser) == []
            assert await browser.ask("document.documentElement.scrollWidth") == size[0]
