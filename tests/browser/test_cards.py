# SPDX-License-Identifier: BSD-3-Clause
"""The cards: which are drawn, in what order and groups, and what can be done with each."""

from selenium.webdriver.common.keys import Keys

from tests.browser.chromium import DESK, PHONE, Chromium
from tests.browser.conftest import Opener
from tests.browser.gateway import broker_with_gateway

TITLES = "[...document.querySelectorAll('article .title')].map(e => e.textContent.trim())"


def menu(uid: str) -> str:
    return f"article[data-uid='{uid}'] [aria-haspopup=menu]"


async def choose(browser: Chromium, uid: str, *items: str) -> None:
    await browser.click(menu(uid))
    for item in items:
        await browser.until("document.querySelector(arguments[0])", f"[data-item='{item}']")
        await browser.click(f"[data-item='{item}']")


async def titles(browser: Chromium, *expected: str) -> None:
    await browser.until(f"{TITLES}.join() == arguments[0]", ",".join(expected))


async def test_only_cards_in_sight_are_drawn_and_all_can_be_found(opened: Opener) -> None:
    async with broker_with_gateway() as (broker, gateway):
        for number in range(120):
            await gateway.node(f"n{number}", name=f"Node {number}", temperature="1°C", led="0")
        async with opened(broker.port, PHONE) as browser:
            await browser.shows("120 nodes")
            await browser.until("document.querySelectorAll('article').length == 120")
            drawn = "document.querySelectorAll('article header').length"
            await browser.until(f"{drawn} > 0")
            assert await browser.ask(drawn) < 30
            await browser.run("window.scrollTo(0, document.body.scrollHeight)")
            await browser.until("document.querySelector(\"[data-uid='n119'] header\")")
            assert await browser.ask(drawn) < 30
            # A card above that is drawn late does not push away what somebody looks at.
            await gateway.report("n119", "temperature", "7°C")
            await browser.shows("7 °C", "[data-uid='n119']")
            assert await browser.ask("document.querySelector(\"[data-uid='n0'] header\")") is None


async def test_the_menu_pins_moves_hides_and_dismisses(opened: Opener) -> None:
    async with broker_with_gateway() as (broker, gateway), opened(broker.port, DESK) as browser:
        for uid in "abcd":
            await gateway.node(uid, name=uid.upper(), temperature="1°C", humidity="2%")
        await titles(browser, "A", "B", "C", "D")
        await choose(browser, "c", "pin")
        await titles(browser, "C", "A", "B", "D")
        await choose(browser, "d", "earlier")
        await titles(browser, "C", "A", "D", "B")
        # The menu went along, and its item still has the focus; pinned ones stay first.
        await browser.press(Keys.ENTER, Keys.ENTER)
        await titles(browser, "C", "D", "A", "B")
        await browser.press(Keys.ESCAPE)
        focus = "document.activeElement.closest('article')?.dataset.uid"
        await browser.until(f"{focus} == 'd'")

        await choose(browser, "a", "resource", "humidity", "here")
        gone = "!document.querySelector(\"[data-uid='a'] [data-endpoint=humidity]\")"
        await browser.until(gone)
        assert await browser.ask(
            "document.querySelector(\"[data-uid='b'] [data-endpoint=humidity]\")"
        )
        await choose(browser, "a", "again")
        await browser.shows("Humidity", "[data-uid='a']")
        await choose(browser, "b", "hide")
        await titles(browser, "C", "D", "A")

        # What left stays until it is dismissed, and the next card gets the focus.
        await gateway.say(type="out", uid="d")
        await browser.shows("Gone", "[data-uid='d']")
        await choose(browser, "d", "dismiss")
        await titles(browser, "C", "A")
        await browser.until(f"{focus} == 'a'")


DRAG = """
const at = (where, x, y) => {
  const box = document.querySelector(where).getBoundingClientRect();
  return {clientX: box.left + x * box.width, clientY: box.top + y * box.height};
};
const tell = (target, type, place) =>
  target.dispatchEvent(new PointerEvent(type, {bubbles: true, pointerId: 7, button: 0, ...place}));
const grip = "[data-uid='c'] .grip";
tell(document.querySelector(grip), 'pointerdown', at(grip, 0.5, 0.5));
tell(window, 'pointermove', at("[data-uid='a']", 0.5, 0.1));
"""


async def test_a_card_is_dragged_elsewhere_or_put_back(opened: Opener) -> None:
    async with broker_with_gateway() as (broker, gateway), opened(broker.port, DESK) as browser:
        for uid in "abc":
            await gateway.node(uid, name=uid.upper(), temperature="1°C")
        await titles(browser, "A", "B", "C")
        await browser.until("document.querySelector(\"[data-uid='c'] .grip\")")
        await browser.run(DRAG)
        await browser.until("document.querySelector('.grid .line')")
        await browser.press(Keys.ESCAPE)
        await browser.until("!document.querySelector('.grid .line')")
        await titles(browser, "A", "B", "C")
        await browser.run(DRAG + "tell(window, 'pointerup', at(grip, 0, 0));")
        await titles(browser, "C", "A", "B")
        await browser.shows("C is now number 1 of 3", "section [role=status]:last-child")
        # What was arranged is kept, until names are to count again.
        await browser.run("location.reload()")
        await titles(browser, "C", "A", "B")
        await browser.run(
            "[...document.querySelectorAll('.tools button')]"
            ".find(e => e.innerText.startsWith('Sort by name')).click()"
        )
        await titles(browser, "A", "B", "C")


async def test_a_node_is_renamed_in_its_place(opened: Opener) -> None:
    async with broker_with_gateway() as (broker, gateway), opened(broker.port, DESK) as browser:
        await gateway.node("a", name="Ada")
        await gateway.node("b", name="Bob")
        await titles(browser, "Ada", "Bob")
        field = "[data-uid='a'] form input"
        await choose(browser, "a", "rename")
        await browser.until("document.activeElement.matches(arguments[0])", field)
        await browser.press(Keys.ENTER)
        await browser.shows("It is called so already.", "[data-uid='a']")
        await browser.press("bob", Keys.ENTER)
        await browser.shows("Another node is called so", "[data-uid='a']")
        invalid = "document.querySelector(arguments[0]).ariaInvalid"
        assert await browser.ask(invalid, field) == "true"
        await browser.press("Zoe", Keys.ENTER)
        await browser.shows("Now called Zoe", "[data-uid='a']")
        await titles(browser, "Bob", "Zoe")
        await choose(browser, "a", "rename")
        await browser.press(Keys.DELETE, Keys.ENTER)
        await titles(browser, "Ada", "Bob")


async def test_cards_are_grouped_and_filtered(opened: Opener) -> None:
    async with broker_with_gateway() as (broker, gateway), opened(broker.port, DESK) as browser:
        for uid, board in (("a", "x10"), ("b", "x9"), ("c", "x10")):
            await gateway.node(uid, name=uid.upper(), board=board)
        await gateway.availability("c", "offline", 900)
        await titles(browser, "A", "B", "C")
        await browser.run("location.hash = '#/cards?group=board'")
        await titles(browser, "B", "A", "C")
        headings = "[...document.querySelectorAll('h2.group')].map(e => e.innerText.split(/\\s+/))"
        assert await browser.ask(headings) == [["x9", "1"], ["x10", "2"]]
        await browser.click("h2.group button")
        await titles(browser, "A", "C")
        await browser.run("location.hash = '#/cards?availability=offline'")
        await browser.shows("1 of 3 shown")
        await titles(browser, "C")
        await browser.click(".chip button")
        await titles(browser, "A", "B", "C")
