# SPDX-License-Identifier: BSD-3-Clause
"""Whatever protocol a node speaks: each control drives it, and shows what the node says of it."""

from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from random import Random
from typing import Final

from selenium.webdriver.common.keys import Keys

from pyaiot.simulate.things import Thing
from tests.broker.running import running_broker
from tests.browser.chromium import Chromium
from tests.browser.conftest import Opener
from tests.browser.everything import gateways_of_all, living
from tests.browser.test_controls import STOP, at, type_script
from tests.waiting import eventually

CONTROLS: Final = ("led", "robot", "ribot", "text", "js")
"""All resources of the original's nodes that can be set (WIRE.md section 7)."""

ROOMY: Final = (1440, 1600)
"""A view in which a card with all of them is seen at once."""


class Recording(Thing):
    """Remembers what it was told to be."""

    def __init__(self, names: Iterable[str], name: str) -> None:
        super().__init__(names, Random(1), name=name)
        self.told: list[tuple[str, str]] = []

    def put(self, name: str, payload: str) -> None:
        self.told.append((name, payload))
        super().put(name, payload)


@asynccontextmanager
async def a_rover_of_each_protocol(
    opened: Opener,
) -> AsyncIterator[tuple[Chromium, dict[str, Recording]]]:
    """The page, and nodes with all that can be set."""
    protocols = ("CoAP", "MQTT", "WebSocket")
    rovers = {each: Recording(("name", *CONTROLS), f"{each} rover") for each in protocols}
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(running_broker())
        gateways = await stack.enter_async_context(gateways_of_all(broker))
        for number, (protocol, rover) in enumerate(rovers.items()):
            node = gateways.node(protocol, rover, f"rover-{number}", Random(number))
            await stack.enter_async_context(living(node))
        yield await stack.enter_async_context(opened(broker.port, ROOMY)), rovers


async def test_each_control_drives_its_node_and_shows_the_answer(opened: Opener) -> None:
    async with a_rover_of_each_protocol(opened) as (browser, rovers):
        for protocol, rover in rovers.items():
            await browser.ask("location.hash = arguments[0]", f"#/cards?q={protocol}%20rover")
            await browser.shows(f"{protocol} rover", "main article", within=20)
            await browser.until("document.querySelectorAll('main article').length == 1")
            await _switches(browser, rover)
            await _steers(browser, rover)
            await _pulls_the_stick(browser, rover)
            await _writes(browser, rover)
            if protocol == "CoAP":
                # The others have no word for it.
                await _is_refused(browser, rover)
            await _programs(browser, rover)


async def _switches(browser: Chromium, rover: Recording) -> None:
    for wanted, payload in (("true", "1"), ("false", "0")):
        rover.told.clear()
        await browser.click(at("led", "[role=switch]"))
        await browser.until(
            "document.querySelector(arguments[0]).ariaChecked == arguments[1]",
            at("led", "[role=switch]"),
            wanted,
        )
        await browser.shows("Applied", at("led"))
        assert rover.told == [("led", payload)]


async def _steers(browser: Chromium, rover: Recording) -> None:
    await browser.shows("The robot says: Stop", at("robot"))
    rover.told.clear()
    await browser.click(at("robot", "[data-move=u]"))
    await browser.shows("The robot says: Ahead", at("robot"))
    await browser.shows("Applied", at("robot"))
    # The arrow keys do the same where the focus is.
    await browser.press(Keys.ARROW_LEFT)
    await browser.shows("The robot says: Left", at("robot"))
    await browser.press(Keys.ARROW_DOWN)
    await browser.shows("The robot says: Stop", at("robot"))
    assert rover.told == [("robot", "u"), ("robot", "l"), ("robot", "s")]


async def _pulls_the_stick(browser: Chromium, rover: Recording) -> None:
    rover.told.clear()
    await browser.hold(at("ribot", ".field"), right=90)
    await eventually(lambda: rover.told and rover.told[-1][1].startswith("-255:"))
    await browser.let_go()
    await eventually(lambda: rover.told[-2:] == [("ribot", STOP)] * 2)
    dx, dy, both = (int(part) for part in rover.told[-3][1].split(":"))
    # Its middle may lie between two pixels.
    assert abs(dy) <= 5
    assert both == dx + dy
    await browser.shows("The node says: 0:0:0", at("ribot"))

    # By keyboard; whatever takes the focus away lets go as well.
    rover.told.clear()
    await browser.hold_key(Keys.ARROW_UP)
    await eventually(lambda: rover.told == [("ribot", "0:-255:-255\n")])
    await browser.run("document.activeElement.blur()")
    await eventually(lambda: rover.told[1:] == [("ribot", STOP)] * 2)
    await browser.let_go_key(Keys.ARROW_UP)


async def _writes(browser: Chromium, rover: Recording) -> None:
    await browser.write(at("text", "input"), "Grüße ☀" + Keys.ENTER)
    await browser.shows("Grüße ☀", at("text", ".text"))
    await browser.until("document.querySelector(arguments[0]).value == ''", at("text", "input"))
    assert rover.values["text"] == "Grüße ☀"


async def _programs(browser: Chromium, rover: Recording) -> None:
    await type_script(browser, "let i = 0;\nprint(i);")
    await browser.shows("Changed, not sent", "dialog")
    await browser.press_with(Keys.CONTROL, Keys.ENTER)
    await browser.shows("As the node has it", "dialog")
    assert rover.values["js"].startswith("let i = 0;\nprint(i);")
    # Tab belongs to the text until Escape was pressed.
    await browser.press(Keys.TAB)
    inside = "document.activeElement.matches('.host')"
    assert await browser.ask(inside)
    await browser.press(Keys.ESCAPE, Keys.TAB)
    await browser.until(f"!{inside}")
    assert await browser.ask("document.querySelector('dialog').open")
    await browser.press(Keys.ESCAPE)
    await browser.until("!document.querySelector('dialog')")


async def _is_refused(browser: Chromium, rover: Recording) -> None:
    """What a node does not take is told in its words, and can be tried again."""
    before = rover.values["text"]
    await browser.write(at("text", "input"), "a" * 257 + Keys.ENTER)
    await browser.shows("does not take this value", at("text"))
    assert await browser.text(at("text", ".text")) == before
    rover.told.clear()
    await browser.click(at("text", ".failure button"))
    await eventually(lambda: rover.told)
    assert rover.told == [("text", "a" * 257)]
