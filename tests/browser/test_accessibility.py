# SPDX-License-Identifier: BSD-3-Clause
"""axe-core finds nothing to complain of, wherever one can go on the page, in every look."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from selenium.webdriver.common.keys import Keys

from tests.broker.running import running_broker
from tests.browser.axe import COLOURS, complaints
from tests.browser.chromium import DESK, PHONE, Chromium
from tests.browser.conftest import Onlooker, Opener
from tests.browser.everything import LABORATORY, ROVER
from tests.browser.gateway import broker_with_gateway
from tests.browser.test_map import map_of, png, tile_server
from tests.commands import free_ports

# axe takes a second for a view, and many where others keep the machine busy.
pytestmark = pytest.mark.timeout(180)


@dataclass(frozen=True)
class Sight:
    """Something to see on the page: where, how one gets there, and what shows that it is there."""

    address: str
    there: str
    steps: tuple[str, ...] = ()
    """What is pressed on the way, by selectors."""
    keys: str = ""
    """What is pressed then."""


OPEN: Final = "#/cards?q=Laboratory&node"
CHART: Final = f"{OPEN}={LABORATORY}&resource=temperature"

CARD: Final = f"#/cards?q={LABORATORY}"
DOTS: Final = f"main [data-uid={LABORATORY}] [aria-haspopup=menu]"

SIGHTS: Final = {
    "cards": Sight("#/cards", "main [data-uid]"),
    "table": Sight("#/table", "main [data-uid]"),
    "map": Sight("#/map", "main [data-node]"),
    "chart": Sight(CHART, "dialog[open] canvas"),
    "chart as a table": Sight(
        CHART,
        "dialog[open] table",
        ("dialog[open] details summary",),
    ),
    "body": Sight(f"{OPEN}={ROVER}&resource=imu", "dialog[open] canvas"),
    "tree": Sight(f"{OPEN}={LABORATORY}&resource=switches", "dialog[open]"),
    "script": Sight(f"{OPEN}={ROVER}&resource=js", "dialog[open]"),
    "kiosk": Sight("#/cards?kiosk=1", "main [data-uid]"),
}

DIALOGS: Final = [name for name, sight in SIGHTS.items() if sight.there.startswith("dialog[open]")]

OVER: Final = {
    "search": Sight("#/cards", "dialog[open] [role=option]", ("[data-opens=search]",), "lamp"),
    "settings": Sight("#/cards", "dialog[open] select", ("[data-opens=settings]",)),
    "shortcuts": Sight("#/cards", "dialog[open] kbd", keys="?"),
    "menu": Sight(CARD, "[role=menu] [role=menuitem]", (DOTS,)),
    "renaming": Sight(CARD, "form input", (DOTS, "[data-item=rename]")),
    "a name as it was": Sight(
        CARD, "form input[aria-describedby]", (DOTS, "[data-item=rename]"), Keys.ENTER
    ),
    "a name that is taken": Sight(
        CARD, "form input[aria-invalid=true]", (DOTS, "[data-item=rename]"), f"Rover{Keys.ENTER}"
    ),
}
"""What opens over the page, or in it."""

PARTS: Final = ("dialog[open]", "[role=menu]", "form")


async def leave(browser: Chromium) -> None:
    """Close whatever is open over the page."""
    # A search with words in it is first emptied.
    await browser.press(Keys.ESCAPE, Keys.ESCAPE)
    await browser.ask("location.hash = ''")
    await browser.until("!document.querySelector('dialog[open], [role=menu], form.rename')")


async def prefer(browser: Chromium, **preferences: object) -> None:
    """Choose something, as in another tab: the page follows at once."""
    script = """
    localStorage.setItem("pyaiot", JSON.stringify(arguments[0]));
    dispatchEvent(new StorageEvent("storage", { key: "pyaiot" }));
    """
    await browser.answer(script + "arguments[arguments.length - 1]();", preferences)


async def see(browser: Chromium, sight: Sight) -> None:
    """Go there, and wait until it stands still."""
    await browser.ask("location.hash = ''")
    await browser.ask("location.hash = arguments[0]", sight.address)
    for step in sight.steps:
        await browser.until("document.querySelector(arguments[0])", step)
        await browser.click(step)
    if sight.keys:
        await browser.press(sight.keys)
    await browser.until("document.querySelector(arguments[0])", sight.there)
    await browser.until("document.getAnimations().every((each) => each.playState != 'running')")


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
async def test_nothing_is_in_the_way(onlooker: Onlooker, size: tuple[int, int]) -> None:
    async with onlooker(size=size, reduced_motion="reduce", color_scheme="light") as browser:
        for name, sight in SIGHTS.items():
            await see(browser, sight)
            # What lies behind a dialog is looked at with the first of them.
            part = "dialog[open]" if name in DIALOGS[1:] else None
            assert await complaints(browser, part) == [], name


async def test_nothing_is_in_the_way_in_what_opens(onlooker: Onlooker) -> None:
    async with onlooker(reduced_motion="reduce", color_scheme="light") as browser:
        for name, sight in OVER.items():
            await see(browser, sight)
            part = next(each for each in PARTS if sight.there.startswith(each))
            assert await complaints(browser, part) == [], name
            await leave(browser)


LOOKS: Final = (
    {"theme": "dark"},
    {"theme": "light", "contrast": "more"},
    {"theme": "dark", "contrast": "more"},
)


async def test_everything_can_be_read_in_every_look(onlooker: Onlooker) -> None:
    async with onlooker(reduced_motion="reduce") as browser:
        for look in LOOKS:
            await prefer(browser, **look)
            for name in ("cards", "table", "map", "chart"):
                await see(browser, SIGHTS[name])
                assert await complaints(browser, rules=COLOURS) == [], (look, name)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_everything_can_be_read_in_forced_colours(onlooker: Onlooker, scheme: str) -> None:
    async with onlooker(
        reduced_motion="reduce", color_scheme=scheme, forced_colors="active"
    ) as browser:
        assert await browser.ask("matchMedia('(forced-colors: active)').matches")
        for name in ("cards", "table", "map", "chart"):
            await see(browser, SIGHTS[name])
            assert await complaints(browser, rules=COLOURS) == [], name
        await leave(browser)
        await see(browser, OVER["settings"])
        assert await complaints(browser, "dialog[open]", rules=COLOURS) == []


async def test_no_ground_of_the_map_is_in_the_way(opened: Opener, tmp_path: Path) -> None:
    plan = tmp_path / "plan.png"
    plan.write_bytes(png(800, 400))
    async with tile_server() as (origin, _asked):
        grounds: dict[str, Any] = {
            "floor_plan": str(plan),
            "map_tiles": f"{origin}/{{z}}/{{x}}/{{y}}.png",
            "map_attribution": "© Those who measured",
        }
        async with map_of(opened, **grounds) as (_gateway, browser):
            for size in (DESK, PHONE):
                await browser.resize(size)
                await browser.click("[data-choose=tiles]")
                await browser.until("document.querySelector('.tiles img')?.naturalWidth == 256")
                assert await complaints(browser) == [], ("tiles", size)
                await browser.click("[data-choose=plan]")
                await browser.until("document.querySelector('.plan img')?.naturalWidth == 800")
                assert await complaints(browser) == [], ("plan", size)
            # One of the nodes stands on the plan, and is told of; the others wait.
            await browser.click("[data-place='1']")
            await browser.until("document.activeElement.dataset.node == '1'")
            await browser.press(Keys.ENTER)
            await browser.until("document.querySelector('[role=dialog]')")
            assert await complaints(browser) == []


@pytest.mark.parametrize("language", ["de", "fr"])
async def test_every_language_is_as_accessible(onlooker: Onlooker, language: str) -> None:
    async with onlooker(reduced_motion="reduce") as browser:
        await prefer(browser, language=language)
        await browser.until("document.documentElement.lang == arguments[0]", language)
        await see(browser, SIGHTS["cards"])
        assert await complaints(browser) == []


async def test_whoever_has_no_nodes_or_no_broker_meets_nothing_in_the_way(opened: Opener) -> None:
    async with running_broker() as broker, opened(broker.port) as browser:
        await browser.shows("aiot demo", "main")
        assert await complaints(browser) == []
    (port,) = free_ports(1)
    async with opened(port, PHONE) as browser:
        await browser.shows("aiot-broker", "main")
        assert await complaints(browser) == []


async def test_whoever_may_only_look_meets_nothing_in_the_way(opened: Opener) -> None:
    async with (
        broker_with_gateway(anonymous="view") as (broker, gateway),
        opened(broker.port) as browser,
    ):
        await gateway.node(
            "1", name="Rover", led="0", robot="s", ribot="0:0:0", js="1", text="x", heater="off"
        )
        await browser.until("document.querySelector('[data-endpoint=heater]')")
        await browser.until("document.querySelector('[role=switch][aria-disabled=true]')")
        assert await complaints(browser) == []
        await gateway.say(type="out", uid="1")
        await browser.until("document.querySelector('[data-presence=gone]')")
        assert await complaints(browser) == []
        await broker.server.stop()
        await browser.until("document.querySelector('.bar')")
        assert await complaints(browser) == []
