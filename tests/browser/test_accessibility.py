# SPDX-License-Identifier: BSD-3-Clause
"""axe-core finds nothing to complain of, wherever one can go on the page, in every look."""

from dataclasses import dataclass
from typing import Final

import pytest

from tests.browser.axe import COLOURS, complaints
from tests.browser.chromium import DESK, PHONE, Chromium
from tests.browser.conftest import Onlooker
from tests.browser.everything import LABORATORY, ROVER


@dataclass(frozen=True)
class Sight:
    """Something to see on the page: where, how one gets there, and what shows that it is there."""

    address: str
    there: str
    steps: tuple[str, ...] = ()
    """What is pressed on the way, by selectors."""


OPEN: Final = "#/cards?q=Laboratory&node"
CHART: Final = f"{OPEN}={LABORATORY}&resource=temperature"

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
}


async def prefer(browser: Chromium, **preferences: str) -> None:
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
    await browser.until("document.querySelector(arguments[0])", sight.there)
    await browser.until("document.getAnimations().every((each) => each.playState != 'running')")


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
async def test_nothing_is_in_the_way(onlooker: Onlooker, size: tuple[int, int]) -> None:
    async with onlooker(size=size, reduced_motion="reduce", color_scheme="light") as browser:
        for name, sight in SIGHTS.items():
            await see(browser, sight)
            assert await complaints(browser) == [], name


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


@pytest.mark.parametrize("language", ["de", "fr"])
async def test_every_language_is_as_accessible(onlooker: Onlooker, language: str) -> None:
    async with onlooker(reduced_motion="reduce") as browser:
        await prefer(browser, language=language)
        await browser.until("document.documentElement.lang == arguments[0]", language)
        await see(browser, SIGHTS["cards"])
        assert await complaints(browser) == []
