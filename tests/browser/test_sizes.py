# SPDX-License-Identifier: BSD-3-Clause
"""The page fits, from the smallest telephone to a wall, and with letters of twice the size."""

from typing import Final

import pytest

from tests.browser.chromium import Chromium
from tests.browser.conftest import Onlooker
from tests.browser.everything import LABORATORY

SIZES: Final = ((320, 640), (390, 844), (820, 1180), (1440, 900), (2560, 1440))
ENLARGED: Final = ((390, 844), (1280, 800))
"""Where letters of twice the size must have room as well."""

VIEWS: Final = {
    "cards": ("#/cards", "main [data-uid]"),
    "table": ("#/table", "main [data-uid]"),
    "map": ("#/map", "main [data-uid], main [data-node]"),
    "detail": (f"#/cards?node={LABORATORY}&resource=temperature", "dialog[open]"),
}

MISFITS: Final = """
const [done] = arguments;
const CONTROLS =
  "button, a[href], input, select, textarea, summary, [role=switch], [role=application]";
const seen = { checkVisibilityCSS: true, contentVisibilityAuto: true, opacityProperty: true };
const misfits = new Set();
const name = ({ outerHTML }) => outerHTML.slice(0, 160);
const frame = () => new Promise((go) => requestAnimationFrame(() => setTimeout(go)));

function layerOf(element) {
  for (let each = element; each; each = each.parentElement) {
    const { position } = getComputedStyle(each);
    const floats = position === "fixed" || position === "sticky";
    if (floats || each.matches("dialog, [popover]")) return each;
  }
  return document.body;
}

function tooWide() {
  const over = document.documentElement.scrollWidth - innerWidth;
  if (over <= 0) return;
  const wide = [...document.querySelectorAll("body *")]
    .filter((each) => each.getBoundingClientRect().right > innerWidth + 0.5);
  misfits.add(`${over} px too wide: ${wide.slice(0, 3).map(name)}`);
}

function inSight(element) {
  let { left, top, right, bottom } = element.getBoundingClientRect();
  for (let each = element.parentElement; each; each = each.parentElement) {
    if (getComputedStyle(each).overflow === "visible") continue;
    const box = each.getBoundingClientRect();
    [left, top] = [Math.max(left, box.left), Math.max(top, box.top)];
    [right, bottom] = [Math.min(right, box.right), Math.min(bottom, box.bottom)];
  }
  return { left, top, right, bottom };
}

function overlaps() {
  const boxes = [];
  for (const element of document.querySelectorAll(CONTROLS)) {
    if (!element.checkVisibility(seen)) continue;
    const { left, top, right, bottom } = inSight(element);
    if (right - left < 2 || bottom - top < 2) continue;
    boxes.push({ element, left, top, right, bottom, layer: layerOf(element) });
  }
  boxes.sort((a, b) => a.top - b.top);
  boxes.forEach((a, index) => {
    for (const b of boxes.slice(index + 1)) {
      if (b.top >= a.bottom - 2) break;
      if (a.layer !== b.layer || a.right - 2 <= b.left || b.right - 2 <= a.left) continue;
      if (a.element.contains(b.element) || b.element.contains(a.element)) continue;
      // Where nodes are on a map is not for the page to say.
      if (a.element.closest("[data-key]") || b.element.closest("[data-key]")) continue;
      misfits.add(`${name(a.element)} overlaps ${name(b.element)}`);
    }
  });
  if (boxes.length === 0) misfits.add("there is no control at all");
}

(async () => {
  // Some things are told of another size only after it is there.
  for (let frames = 0; frames < 30; frames += 1) {
    await frame();
    if (frames > 3 && document.documentElement.scrollWidth <= innerWidth) break;
  }
  // What is out of sight has no layout of its own.
  for (let top = 0; top < document.documentElement.scrollHeight; top += innerHeight) {
    scrollTo(0, top);
    // What comes into sight is measured, and then makes room.
    for (let frames = 0; frames < 3; frames += 1) await frame();
    tooWide();
    overlaps();
  }
  scrollTo(0, 0);
  done([...misfits]);
})();
"""
"""What does not fit: the page is to be scrolled up and down alone, and no control is on another."""


async def go(browser: Chromium, view: str) -> None:
    """Go to a view, and wait until it stands still."""
    address, there = VIEWS[view]
    await browser.ask("location.hash = arguments[0]", address)
    await browser.until("document.querySelector(arguments[0])", there)
    await browser.until("document.getAnimations().every((each) => each.playState != 'running')")


@pytest.mark.parametrize("view", VIEWS)
async def test_each_view_fits(onlooker: Onlooker, view: str) -> None:
    async with onlooker(reduced_motion="reduce") as browser:
        for size in SIZES:
            await browser.resize(size)
            await go(browser, view)
            assert await browser.answer(MISFITS) == [], size
        await browser.run("document.documentElement.style.fontSize = '200%'")
        for size in ENLARGED:
            await browser.resize(size)
            assert await browser.answer(MISFITS) == [], f"{size}, enlarged"
