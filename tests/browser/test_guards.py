# SPDX-License-Identifier: BSD-3-Clause
"""What the page is not allowed to do, and the little that operators may add to it."""

import asyncio

import pytest

from tests.broker.running import running_broker
from tests.browser.chromium import Chromium
from tests.browser.conftest import Opener
from tests.dashboard.running import running_dashboard

ATTEMPTS = {
    "text as code": """new Promise((resolve) => {
        try { setTimeout("window.owned = 1"); } catch {}
        setTimeout(() => resolve(window.owned ? "done" : "blocked"), 20);
    })""",
    "markup": """(() => {
        try { document.body.innerHTML = "<b>x</b>"; return "done"; } catch { return "blocked"; }
    })()""",
    "script": """(() => {
        const script = document.createElement("script");
        try { script.src = "data:text/javascript,window.owned=1"; document.body.append(script); }
        catch { return "blocked" }
    })()""",
    "handler": """(() => {
        const link = document.createElement("a");
        try { link.setAttribute("onclick", "window.owned = 1"); link.click(); } catch {}
        return window.owned ? "done" : "blocked";
    })()""",
    "style": """(() => {
        document.body.setAttribute("style", "color: rgb(1, 2, 3)");
        return getComputedStyle(document.body).color === "rgb(1, 2, 3)" ? "done" : "blocked";
    })()""",
    "elsewhere": "fetch('http://elsewhere.test/').then(() => 'done', () => 'blocked')",
}


@pytest.mark.parametrize("attempt", ATTEMPTS)
async def test_the_policy_stops_what_the_page_never_does(chromium: Chromium, attempt: str) -> None:
    async with (
        running_broker() as broker,
        running_dashboard(broker_host="127.0.0.1", broker_port=broker.port) as url,
    ):
        await chromium.open(url)
        await chromium.shows("Nothing is connected yet")
        assert await chromium.ask(ATTEMPTS[attempt]) == "blocked"
        # The same look into the console finds faults in all other tests. What the browser's other
        # processes say may take a moment.
        words = ("Content Security Policy", "TrustedHTML", "TrustedScript")
        log: list[str] = []
        async with asyncio.timeout(10):
            while not any(word in line for line in log for word in words):
                log += await chromium.leave()


async def test_the_operator_gives_the_page_a_name_and_pictures(opened: Opener) -> None:
    async with running_broker() as broker, opened(broker.port) as browser:
        await browser.shows("Nothing is connected yet")
        icon = await browser.ask("new URL(document.querySelector('link[rel=icon]').href).pathname")
    options = {"title": "Greenhouses <3", "logo": icon, "favicon": icon, "camera_url": icon}
    async with running_broker() as broker, opened(broker.port, **options) as browser:
        await browser.shows("Greenhouses <3", "h1")
        assert await browser.ask("document.title") == "Greenhouses <3"
        assert await browser.until("document.querySelector('.logo').naturalWidth > 0")
        await browser.click("[aria-controls=camera]")
        assert await browser.until("document.querySelector('#camera img').naturalWidth > 0")
        await browser.click("[aria-controls=camera]")
        await browser.until("!document.querySelector('#camera')")


async def test_a_camera_that_is_not_there_is_told(chromium: Chromium) -> None:
    async with (
        running_broker() as broker,
        running_dashboard(
            broker_host="127.0.0.1", broker_port=broker.port, camera_url="/no-camera.jpg"
        ) as url,
    ):
        await chromium.open(url)
        await chromium.shows("Camera", "header")
        await chromium.click("[aria-controls=camera]")
        await chromium.shows("The camera picture cannot be loaded.")
        await chromium.leave()
