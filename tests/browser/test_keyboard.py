# SPDX-License-Identifier: BSD-3-Clause
"""Everything by keyboard alone: it is reached, it is seen, and nothing holds the focus fast."""

from typing import Any, Final

import pytest

from tests.browser.chromium import DESK, PHONE, Chromium
from tests.browser.conftest import Onlooker
from tests.browser.everything import LABORATORY, WEATHER

KEYS: Final = {
    "Tab": 9,
    "Enter": 13,
    "Escape": 27,
    " ": 32,
    "ArrowUp": 38,
    "ArrowDown": 40,
    "ArrowRight": 39,
    "Home": 36,
}

MOST: Final = 400
"""Steps in which the focus must have been everywhere."""

FOCUS: Final = """
const [done] = arguments;
const settled = () => Promise.all(document.getAnimations().map(({ finished }) => finished));
// Once it is drawn.
requestAnimationFrame(() => requestAnimationFrame(() => settled().then(() => {
  const element = document.activeElement;
  if (element === null || element === document.body) return done(null);
  window.steps ??= new Map();
  if (!steps.has(element)) steps.set(element, steps.size);
  const isOutlined = ({ outlineStyle, outlineWidth }) =>
    outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
  // The button of a cell may leave that to the cell.
  const cell = element.closest("[role$=cell], [role=rowheader]");
  const outlined = [element, element.parentElement, cell]
    .some((each) => each !== null && isOutlined(getComputedStyle(each)))
    // All of a row may be what a link in it is.
    || isOutlined(getComputedStyle(element, "::after"));
  const { pointerEvents } = getComputedStyle(element);
  // Where the pointer goes through, it meets what lies below.
  const place = pointerEvents === "none" ? element.parentElement : element;
  const { left, top, right, bottom } = element.getBoundingClientRect();
  // Something of it is in sight, and not below what sticks to an edge (WCAG 2.4.11).
  const seen = [0.02, 0.25, 0.5, 0.75, 0.98].some((part) => [0.05, 0.5, 0.95].some((down) => {
    const found = document.elementFromPoint(
      left + part * (right - left), top + down * (bottom - top));
    return found !== null && (place.contains(found) || found.contains(place));
  }));
  done({ number: steps.get(element), outlined, seen, what: element.outerHTML.slice(0, 200) });
})));
"""
"""The element that has the focus, numbered in the order in which it first had it."""


async def key(browser: Chromium, name: str, modifiers: int = 0) -> None:
    """Press a key; with Shift where `modifiers` is 8."""
    code = KEYS.get(name, ord(name[0].upper()))
    text = {"Enter": "\r"}.get(name, name if len(name) == 1 else "")
    common: dict[str, Any] = {"key": name, "windowsVirtualKeyCode": code, "modifiers": modifiers}
    down = {"type": "keyDown", "text": text} if text else {"type": "rawKeyDown"}
    await browser.call("Input.dispatchKeyEvent", **down, **common)
    await browser.call("Input.dispatchKeyEvent", type="keyUp", **common)


async def write(browser: Chromium, text: str) -> None:
    """Type a text."""
    for letter in text:
        await key(browser, letter)


async def focus(browser: Chromium) -> dict[str, Any] | None:
    found: dict[str, Any] | None = await browser.answer(FOCUS)
    return found


async def tab_to(browser: Chromium, where: str, *, back: bool = False) -> None:
    """Go on by Tab until the focus is on what a selector finds."""
    for _ in range(MOST):
        if await browser.ask("document.activeElement.matches(arguments[0])", where):
            return
        await key(browser, "Tab", 8 if back else 0)
    raise AssertionError(f"the Tab key does not lead to {where}")


async def walk(browser: Chromium) -> list[str]:
    """Go all around the page by Tab; where the focus cannot be seen, or does not get on."""
    wrong: list[str] = []
    number = -1
    for _ in range(MOST):
        await key(browser, "Tab")
        at = await focus(browser)
        if at is None or (number > 0 and at["number"] == 0):
            return wrong if number > 5 else [*wrong, f"only {number + 1} places are reached"]
        if at["number"] <= number:
            return [*wrong, f"the focus is held by {at['what']}"]
        number = at["number"]
        if not at["outlined"]:
            wrong.append(f"no outline: {at['what']}")
        if not at["seen"]:
            wrong.append(f"out of sight: {at['what']}")
    return [*wrong, "there is no end"]


VIEWS: Final = {
    "cards": ("#/cards?q=Laboratory", "main [data-uid]"),
    "table": ("#/table", "main [data-uid]"),
    "map": ("#/map", "main [data-node]"),
    "detail": (
        f"#/cards?q=Laboratory&node={LABORATORY}&resource=temperature",
        "dialog[open] canvas",
    ),
}


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("view", VIEWS)
async def test_the_focus_gets_everywhere_and_is_seen(
    onlooker: Onlooker, view: str, size: tuple[int, int]
) -> None:
    address, there = VIEWS[view]
    async with onlooker(address, size=size, reduced_motion="reduce") as browser:
        await browser.until("document.querySelector(arguments[0])", there)
        assert await walk(browser) == []


CARD: Final = f"main [data-uid={WEATHER}]"


async def test_a_node_is_controlled_renamed_and_looked_at_by_keys_alone(
    onlooker: Onlooker,
) -> None:
    async with onlooker(f"#/cards?q={WEATHER}", reduced_motion="reduce") as browser:
        await browser.shows("Weather station", CARD)
        await tab_to(browser, f"{CARD} [data-endpoint=led] [role=switch]")
        for wanted in ("true", "false"):
            await key(browser, " ")
            await browser.until(f"document.activeElement.ariaChecked == '{wanted}'")

        await tab_to(browser, f"{CARD} [aria-haspopup=menu]", back=True)
        await key(browser, "Enter")
        await browser.until("document.activeElement.role == 'menuitem'")
        while not await browser.ask("document.activeElement.dataset.item == 'rename'"):
            await key(browser, "ArrowDown")
        await key(browser, "Enter")
        await browser.until("document.activeElement.matches('form input')")
        await write(browser, "Roof")
        await key(browser, "Enter")
        # It goes where the new name is.
        await browser.until("document.activeElement.innerText == 'Roof'")
        assert await browser.ask("document.activeElement.matches(arguments[0])", f"{CARD} h2 a")

        await tab_to(browser, f"{CARD} [data-endpoint=temperature] a")
        await key(browser, "Enter")
        await browser.until("document.activeElement.closest('dialog[open]')")
        assert "temperature" in await browser.ask("location.hash")
        await key(browser, "Escape")
        await browser.until("!document.querySelector('dialog[open]')")
        await browser.until(
            "document.activeElement.matches(arguments[0])", f"{CARD} [data-endpoint=temperature] a"
        )


async def test_the_table_is_filtered_and_walked_by_keys_alone(onlooker: Onlooker) -> None:
    async with onlooker("#/cards", reduced_motion="reduce") as browser:
        await browser.until("document.querySelector('main [data-uid]')")
        await tab_to(browser, "nav a[href*='table']")
        await key(browser, "Enter")
        rows = "document.querySelectorAll('main [role=row][data-uid]').length"
        await browser.until(f"{rows} > 5")

        await tab_to(browser, "[data-column=name] input")
        await write(browser, "lamp")
        await browser.until(f"{rows} == 1")
        # Three letters are enough to find it; the address has all of them a moment later.
        await browser.until("decodeURIComponent(location.hash).includes('lamp')")
        await tab_to(browser, "main [role=row][data-uid] [tabindex='0']")
        await key(browser, "Enter")
        await browser.until("document.activeElement.closest('dialog[open]')")
        await key(browser, "Escape")
        await browser.until("document.activeElement.closest('[role=row][data-uid]')")


async def test_a_node_is_found_by_a_few_letters(onlooker: Onlooker) -> None:
    async with onlooker("#/map", reduced_motion="reduce") as browser:
        await browser.until("document.querySelector('main [data-node]')")
        await key(browser, "/")
        await browser.until("document.activeElement.role == 'combobox'")
        await write(browser, "weath")
        await browser.shows("Weather station", "[role=option][aria-selected=true]")
        await key(browser, "Enter")
        await browser.shows("Weather station", "dialog[open] h2")
        assert WEATHER in await browser.ask("location.hash")
        assert await browser.ask("!!document.activeElement.closest('dialog[open]')")
        await key(browser, "Escape")
        await browser.until("!document.querySelector('dialog[open]')")
