# SPDX-License-Identifier: BSD-3-Clause
"""The page on a path of a site, and the broker behind the same proxy, by TLS."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.broker.running import RunningBroker, running_broker
from tests.browser.chromium import Chromium
from tests.browser.conftest import is_network
from tests.browser.gateway import hand_gateway
from tests.browser.nginx import nginx
from tests.commands import free_ports
from tests.dashboard.running import running_dashboard

CARD = "article[data-uid='1']"


@pytest.fixture
async def trusting(chromium: Chromium) -> AsyncIterator[Chromium]:
    await chromium.trust_certificates(every=True)
    try:
        yield chromium
    finally:
        await chromium.trust_certificates(every=False)


@asynccontextmanager
async def site(
    folder: Path, broker_port: int, broker_url: str = "broker/ws", anonymous: str = "control"
) -> AsyncIterator[str]:
    """The origin of a site with the page at ``/iot/``, and the broker below that."""
    async with (
        running_dashboard(broker_url=broker_url, anonymous=anonymous) as page,
        nginx(folder / "nginx", urlsplit(page).port or 0, broker_port) as origin,
    ):
        yield origin


@asynccontextmanager
async def behind(folder: Path, **settings: Any) -> AsyncIterator[tuple[RunningBroker, str]]:
    """A broker, and the site through which browsers reach it."""
    # The site's origin is known only when its proxy runs, and that wants to know the broker's port.
    (port,) = free_ports(1)
    async with (
        site(folder, port) as origin,
        running_broker(
            port=port, accept_unsigned=True, allow_origin=(origin,), **settings
        ) as broker,
    ):
        yield broker, origin


async def test_nodes_are_seen_and_set_through_a_proxy(tmp_path: Path, trusting: Chromium) -> None:
    async with (
        behind(tmp_path, anonymous="control") as (broker, origin),
        hand_gateway(broker) as gateway,
    ):
        await gateway.node("1", name="Far away", temperature="1°C", led="0")
        await trusting.open(f"{origin}/iot")
        await trusting.shows("Far away")
        assert await trusting.ask("location.href.split('#')[0]") == f"{origin}/iot/"
        await gateway.report("1", "temperature", "7°C")
        await trusting.shows("7 °C", CARD)
        await trusting.click(f"{CARD} [role=switch]")
        assert (await gateway.command())["data"]["payload"] == "1"
        # What the page loads only when it is needed is found on the path, too.
        await trusting.run("location.hash = '#/map'")
        await trusting.until(
            "performance.getEntriesByType('resource').some(e => e.name.startsWith(arguments[0]))",
            f"{origin}/iot/assets/MapView",
        )
        assert not [line for line in await trusting.leave() if not is_network(line)]


async def test_it_is_told_when_the_broker_is_not_behind_the_proxy(
    tmp_path: Path, trusting: Chromium
) -> None:
    (port,) = free_ports(1)
    async with site(tmp_path, port) as origin:
        await trusting.open(f"{origin}/iot/")
        await trusting.shows("The broker cannot be reached", "main")
        assert f"wss{origin.removeprefix('https')}/iot/broker/ws" in await trusting.text("main")
        await trusting.leave()


async def test_nobody_is_let_in_through_a_proxy_unless_that_is_said(
    tmp_path: Path, trusting: Chromium
) -> None:
    async with behind(tmp_path) as (_, origin):
        await trusting.open(f"{origin}/iot/")
        await trusting.shows("The broker does not let this page in", "main")
        await trusting.leave()


async def test_no_page_shows_it_in_a_frame(tmp_path: Path, trusting: Chromium) -> None:
    async with behind(tmp_path, anonymous="view") as (_, origin):
        await trusting.open(f"{origin}/frame.html")
        assert await trusting.ask("document.querySelector('iframe') !== null")
        # What could not be shown belongs to nobody's origin, and cannot be looked into.
        await trusting.until("document.querySelector('iframe').contentDocument === null")
        assert any("frame" in line for line in await trusting.leave())
