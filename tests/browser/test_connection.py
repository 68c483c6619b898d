# SPDX-License-Identifier: BSD-3-Clause
"""Brokers that refuse, die, come back, or are of another kind."""

from tests.broker.running import running_broker
from tests.browser.conftest import Opener
from tests.browser.gateway import broker_with_gateway, hand_gateway
from tests.browser.original import original_broker
from tests.commands import free_ports
from tests.waiting import eventually

CARD = "article[data-uid='1']"
SWITCH = f"{CARD} [role=switch]"


async def test_a_broker_that_dies_and_comes_back(opened: Opener) -> None:
    async with broker_with_gateway() as (broker, gateway), opened(broker.port) as browser:
        await gateway.node("1", name="Stays", temperature="1°C", led="0")
        await gateway.node("2", name="Leaves", temperature="1°C")
        await browser.shows("Leaves")
        await broker.server.stop()
        await browser.shows("The connection to the broker was lost.", ".bar")
        await browser.shows("What you see is the last that was known.", ".bar")
        await browser.until("/Trying again in \\d+ s/.test(document.body.innerText)")
        assert await browser.text("[data-link]") != "Live"
        # What was known stays in sight.
        assert "Stays" in await browser.text("main")

        async with (
            running_broker(accept_unsigned=True, ring=broker.ring, port=broker.port) as again,
            hand_gateway(again) as successor,
        ):
            await successor.node("1", name="Stays", temperature="7°C", led="1")
            await successor.node("3", name="Comes")
            await browser.until("document.querySelector('[data-link]').dataset.link == 'live'")
            await browser.until("!document.querySelector('.bar')")
            await browser.shows("7 °C", CARD)
            await browser.shows("Comes")
            names = "[...document.querySelectorAll('article h2')].map(e => e.innerText).sort()"
            assert await browser.ask(names) == ["Comes", "Leaves", "Stays"]
            gone = "document.querySelector(\"[data-uid='2']\").dataset.presence"
            assert await browser.ask(gone) == "gone"
            # And it is not just a picture of it.
            await successor.report("1", "temperature", "8°C")
            await browser.shows("8 °C", CARD)
            await browser.click(SWITCH)
            assert (await successor.command())["data"]["payload"] == "0"


async def test_a_broker_that_is_not_there_can_be_tried_at_once(opened: Opener) -> None:
    (port,) = free_ports(1)
    async with opened(port) as browser:
        await browser.shows("The broker cannot be reached", "main")
        assert f"ws://127.0.0.1:{port}/ws" in await browser.text("main")
        assert f"aiot-broker --broker-port {port}" in await browser.text("main")
        # Longer waits than this test's patience: the button is there for that.
        await browser.until("document.querySelector('.bar button:enabled')")
        async with running_broker(port=port):
            await browser.click(".bar button:enabled")
            await browser.shows("Nothing is connected yet")


async def test_a_broker_that_wants_credentials_is_explained(opened: Opener) -> None:
    async with (
        running_broker(anonymous="none") as broker,
        opened(broker.port) as browser,
    ):
        await browser.shows("The broker does not let this page in", "main")
        text = await browser.text("main")
        assert f"aiot-broker --broker-port {broker.port} --anonymous view" in text
        origin = await browser.ask("location.origin")
        assert f"--allow-origin {origin}" in text


async def test_the_page_under_another_name_finds_the_broker_beside_it(opened: Opener) -> None:
    # The dashboard knows the broker as localhost, which is not where browsers elsewhere find it.
    (web_port,) = free_ports(1)
    origin = f"http://pi.test:{web_port}"
    async with broker_with_gateway(allow_origin=(origin,)) as (broker, gateway):
        await gateway.node("1", name="Seen from afar")
        async with opened(
            broker.port, name="pi.test", broker_host="localhost", web_port=web_port
        ) as browser:
            await browser.shows("Seen from afar")
            assert await browser.ask("location.origin") == origin


async def test_a_page_of_another_site_is_explained(opened: Opener) -> None:
    async with running_broker() as broker, opened(broker.port, name="other.test") as browser:
        await browser.shows("The broker does not let this page in", "main")
        assert "--allow-origin http://other.test:" in await browser.text("main")


async def test_a_broker_of_the_original(opened: Opener) -> None:
    async with original_broker() as broker:
        broker.nodes["1"] = {"protocol": "CoAP", "name": "Old", "led": "0", "temperature": "20°C"}
        async with opened(broker.port) as browser:
            await browser.shows("Old", CARD)
            await browser.shows("20 °C", CARD)
            broker.say(type="update", uid="1", endpoint="temperature", data="21°C", dst="all")
            await browser.shows("21 °C", CARD)

            await browser.click(SWITCH)
            await browser.shows("Sent to the node", CARD)
            await eventually(lambda: broker.commands)
            assert broker.commands == [{"uid": "1", "endpoint": "led", "payload": "1"}]
            assert await browser.ask(
                "document.querySelector(arguments[0]).ariaChecked", SWITCH
            ) == ("false")
            broker.say(type="update", uid="1", endpoint="led", data="1", dst="all")
            await browser.shows("Applied", CARD)

            broker.say(type="reset", uid="1")
            await browser.shows("waiting for the node", CARD)
            broker.say(type="new", uid="2", dst="all")
            await browser.shows("Discovering what it can do")
            broker.say(type="out", uid="1")
            await browser.shows("Gone", CARD)
