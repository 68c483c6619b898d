# SPDX-License-Identifier: BSD-3-Clause
"""The frame around the views: header, navigation, look."""

from selenium.webdriver.common.keys import Keys

from tests.broker.running import running_broker
from tests.browser.chromium import PHONE
from tests.browser.conftest import Opener
from tests.browser.gateway import broker_with_gateway

LOOK = "Object.values({...document.documentElement.dataset}).join()"


async def test_views_are_links_and_counts_filter(opened: Opener) -> None:
    async with broker_with_gateway() as (broker, gateway), opened(broker.port) as browser:
        await browser.shows("Nothing is connected yet")
        # Without nodes there is nothing to look at in this way or that.
        assert not await browser.ask("document.querySelector('nav')")
        await gateway.node("1", name="One")
        await gateway.node("2", name="Two", availability="late")
        await browser.shows("1 online", "header")
        await browser.shows("1 late", "header")
        assert await browser.text("nav [aria-current=page]") == "Cards"
        await browser.click("nav a[href^='#/map']")
        await browser.until("location.hash == '#/map'")
        assert await browser.text("nav [aria-current=page]") == "Map"

        await browser.click("header [data-presence=late]")
        await browser.until("location.hash == '#/map?availability=late'")
        pressed = "document.querySelector('header [data-presence=late]').ariaPressed"
        assert await browser.ask(pressed) == "true"
        # The filter goes along to another view, and the browser's button takes it back.
        await browser.click("nav a[href^='#/cards']")
        await browser.until("location.hash == '#/cards?availability=late'")
        await browser.click("header [data-presence=late]")
        await browser.until("location.hash == '#/cards'")
        await browser.run("history.back()")
        await browser.until(f"{pressed} == 'true'")


async def test_on_a_phone_the_views_are_where_thumbs_are(opened: Opener) -> None:
    async with broker_with_gateway() as (broker, gateway), opened(broker.port, PHONE) as browser:
        await gateway.node("1", name="One")
        await browser.shows("One", "article")
        below = "innerHeight - document.querySelector('nav').getBoundingClientRect().bottom"
        assert await browser.ask(below) == 0


async def test_the_look_is_there_before_the_page(opened: Opener) -> None:
    async with running_broker() as broker:
        async with opened(broker.port, color_scheme="dark") as browser:
            # What runs before the first picture already knew.
            assert await browser.ask(LOOK) == "dark,usual,usual"
            ground = "getComputedStyle(document.documentElement).backgroundColor"
            assert await browser.ask(ground) == "rgb(14, 19, 18)"
            early = "document.querySelector('head script:not([type=module])')"
            assert await browser.ask(f"{early}.src.includes('/early-')")
        async with opened(broker.port, color_scheme="light", reduced_motion="reduce") as browser:
            assert await browser.ask(LOOK) == "light,usual,less"
            # The original kept the theme under this name.
            await browser.run("localStorage.setItem('theme', 'dark'); location.reload()")
            await browser.until(f"{LOOK} == 'dark,usual,less'")


async def test_search_settings_shortcuts_and_kiosk_by_keys(opened: Opener) -> None:
    async with broker_with_gateway() as (broker, gateway), opened(broker.port) as browser:
        await gateway.node("1", name="Kitchen", temperature="20°C")
        await gateway.node("2", name="Cellar", temperature="10°C")
        await browser.shows("Cellar", "main")
        await browser.shows("2 nodes", ".statistics")
        await browser.press("?")
        await browser.shows("Keyboard shortcuts", "dialog[open]")
        await browser.press(Keys.ESCAPE)
        await browser.until("!document.querySelector('dialog[open]')")

        await browser.press("/")
        await browser.until("document.activeElement.getAttribute('role') == 'combobox'")
        # Typed there, keys are letters.
        await browser.press(*"cel temp")
        option = "(document.querySelector('[role=option][aria-selected=true]')?.innerText ?? '')"
        await browser.until(f"{option}.includes('Cellar') && {option}.includes('10')")
        await browser.press(Keys.ENTER)
        await browser.until("location.hash.includes('node=2&resource=temperature')")
        await browser.run("location.hash = '#/cards'")

        await browser.until("!document.querySelector('dialog[open]')")
        await browser.press(".")
        await browser.shows("Settings", "dialog[open]")
        await browser.click("dialog input[type=radio][value=dark]")
        assert await browser.ask("document.documentElement.dataset.theme") == "dark"
        await browser.click("dialog input[type=radio][value=de]")
        await browser.shows("Einstellungen", "dialog[open] h2")
        await browser.click("#settings-import")
        await browser.press("nonsense")
        await browser.run(
            "[...document.querySelectorAll('dialog button')]"
            ".find(b => b.innerText == 'Übernehmen').click()"
        )
        await browser.shows("Es wurde nichts geändert.", "dialog [role=alert]")
        # Escape in the dialog closes it, and the focus is not lost.
        await browser.press(Keys.ESCAPE)
        await browser.until("!document.querySelector('dialog[open]')")

        await browser.press("k")
        await browser.until("location.hash.includes('kiosk=1') && !document.querySelector('nav')")
        await browser.shows("Cellar", "main")
        await browser.until("document.documentElement.dataset.kiosk")
        await browser.press(Keys.ESCAPE)
        await browser.until("document.querySelector('h1') && !location.hash.includes('kiosk')")
