# SPDX-License-Identifier: BSD-3-Clause
"""The page of the REST API, by itself and on a path of a site behind a proxy."""

from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys

from tests.browser import axe
from tests.browser.chromium import PHONE, Chromium
from tests.browser.conftest import faults
from tests.browser.gateway import hand_gateway
from tests.browser.test_proxy import behind, trusting
from tests.dashboard.running import running_dashboard

__all__ = ["trusting"]

FIRST = "#operations details:not([hidden])"


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_endpoints_are_tried_on_a_phone_and_by_keys(chromium: Chromium, scheme: str) -> None:
    async with running_dashboard() as url:
        await chromium.open(f"{url}/api/v1", PHONE, color_scheme=scheme)
        await chromium.shows("/nodes/{uid}/resources")
        assert await chromium.ask("document.documentElement.scrollWidth <= innerWidth")
        await chromium.run(
            "const filter = document.getElementById('filter');"
            " filter.value = 'get /health'; filter.dispatchEvent(new Event('input'));"
            f" document.querySelector('{FIRST} summary').focus()"
        )
        assert await chromium.ask(f"document.querySelectorAll('{FIRST}').length") == 1
        await chromium.press(Keys.ENTER)
        await chromium.shows("Send", FIRST)
        await chromium.press(Keys.TAB)
        await chromium.press(Keys.ENTER)
        await chromium.shows("200", f"{FIRST} [role=status]")
        await chromium.shows('"well": false', f"{FIRST} pre")
        assert not await axe.complaints(chromium)
        assert not await faults(chromium)


async def test_it_works_on_a_path_of_a_site(tmp_path: Path, trusting: Chromium) -> None:
    async with (
        behind(tmp_path, anonymous="control") as (broker, origin),
        hand_gateway(broker) as gateway,
    ):
        await gateway.node("1", led="0")
        await trusting.open(f"{origin}/iot/api/v1")
        await trusting.shows("/nodes/{uid}/resources")
        assert await trusting.ask("location.pathname") == "/iot/api/v1/"
        # The proxy takes the encoding from slashes; it is found all the same that this is about
        # rows of a node, which this server has never heard of.
        said = await trusting.answer(
            "const done = arguments[arguments.length - 1];"
            " fetch('nodes/1/resources/a%2Fb/rows')"
            ".then((answer) => answer.json()).then((problem) => done(problem.detail))"
        )
        assert said == "There is no such node."
        await trusting.leave()
