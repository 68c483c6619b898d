# SPDX-License-Identifier: BSD-3-Clause
"""Take pictures of the page: every view, in light and dark, on a desk, a tablet and a telephone.

All of it is real: services, simulated nodes of each protocol, and Chromium.

python -m scripts.pictures [--folder FOLDER] [--only cards,map] [--language de] [--documentation]
"""

import argparse
import asyncio
import base64
import json
import math
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from selenium.webdriver.common.keys import Keys
from websockets.asyncio.client import connect

from pyaiot.gateway.registrar import Policy
from pyaiot.model.node import derived_uid
from pyaiot.model.samples import Sample
from pyaiot.store.store import Store
from setup import build_page
from tests.browser.chromium import Chromium
from tests.browser.household import moved_in
from tests.browser.test_people import fill, log_in
from tests.commands import Running, free_ports, running
from tests.end_to_end.person import Person
from tests.end_to_end.test_alerts import first_account

ROOT: Final = Path(__file__).resolve().parents[1]

SIZES: Final = {"desk": (1440, 900), "tablet": (820, 1180), "phone": (390, 844)}
SCHEMES: Final = ("light", "dark")

WARM_UP: Final = 20.0
"""Seconds until charts have a course to show."""

CHOSEN: Final = ("cards-desk", "map-desk", "history-desk")
"""Those that the documentation shows."""

LARGEST: Final = 90_000
"""Bytes of a picture in the documentation."""

DETAIL: Final = "#/cards?node=demo-weather-station&resource=temperature"
"""A node of the demo, and one of its resources large."""

SETTLE: Final = """
new Promise((settled) => requestAnimationFrame(() => requestAnimationFrame(() => {
  const passing = document.getAnimations()
    .filter((each) => each.effect.getComputedTiming().endTime !== Infinity);
  Promise.allSettled(passing.map((each) => each.finished)).then(() => settled(true));
  setTimeout(() => settled(false), 1000);
})))
"""
"""What was moving has come to rest, but for what never does."""


@dataclass
class Studio:
    """The browser, and where pictures go."""

    browser: Chromium
    folder: Path
    only: frozenset[str]
    """The views that are wanted; all of them where this is empty."""
    missing: list[str] = field(default_factory=list)

    def wants(self, *names: str) -> bool:
        """Whether a picture of any of these is wanted."""
        return not self.only or not self.only.isdisjoint(names)

    async def take(self, name: str, pose: Callable[[], Awaitable[object]] | None = None) -> None:
        """Pictures of what is open, in all sizes; `pose` brings it about in each anew."""
        if not self.wants(name):
            return
        for scheme in SCHEMES:
            for size, pixels in SIZES.items():
                scheme_of = {"name": "prefers-color-scheme", "value": scheme}
                await self.browser.call("Emulation.setEmulatedMedia", features=[scheme_of])
                await self.browser.resize(pixels)
                try:
                    if pose is not None:
                        await pose()
                except AssertionError as exc:
                    # What is not there now will not be there in another size.
                    self.missing.append(f"{name}: {str(exc).splitlines()[0]}")
                    return
                await self.browser.ask(SETTLE)
                picture = self.folder / f"{name}-{size}-{scheme}.png"
                await self.browser.picture(picture)
                if f"{name}-{size}" in CHOSEN:
                    await self._small(picture.with_suffix(".webp"))

    async def _small(self, picture: Path) -> None:
        taken = await self.browser.call("Page.captureScreenshot", format="webp", quality=85)
        await asyncio.to_thread(picture.write_bytes, base64.b64decode(taken["data"]))

    async def go(self, place: str, shows: str) -> None:
        """Lead the page to a place, and wait for a part of it."""
        await self.browser.run(f"location.hash = '{place}'")
        await self.browser.until("document.querySelector(arguments[0])", shows)

    async def down(self, place: str, shows: str) -> None:
        """Lead the page to a place, and down to a part of it."""
        await self.go(place, shows)
        await self.browser.run(f"document.querySelector('{shows}').scrollIntoView()")

    async def detail(self) -> None:
        """Open a node, anew."""
        await self.go("#/cards", "article[data-uid]")
        await self.browser.until("!document.querySelector('canvas')")
        await self.go(DETAIL, "canvas")

    async def dialog(self, key: str) -> None:
        """Open a dialog by its shortcut, in place of the one that may be open."""
        await self.close()
        await self.browser.run("document.activeElement?.blur()")
        await self.browser.press(key)
        await self.browser.until("document.querySelector('dialog[open]')")

    async def close(self) -> None:
        """Close the dialog that may be open, as people do."""
        if await self.browser.ask("document.querySelector('dialog[open]')"):
            await self.browser.press(Keys.ESCAPE)
            await self.browser.until("!document.querySelector('dialog[open]')")


def words(ports: list[int]) -> list[str]:
    """Options by which services find each other on `ports`."""
    names = ("broker", "coap", "mqtt", "gateway", "web")
    return [f"--{name}-port={port}" for name, port in zip(names, ports, strict=True)]


async def shoot(studio: Studio, home: Path) -> None:
    """Take all of them."""
    if studio.wants(
        "login", "landing", "all-well", *PAGES, "device", "sharing", "new-device", "made-device"
    ):
        await people(studio)
    if studio.wants("setup", "first-visit", "first-account"):
        await first(studio, home)
    if studio.wants("told", "alerts", "rules", "new-rule", "preview", "history", "readings"):
        await watched(studio, home)
    if studio.wants("cards", "table", "map", "node", "settings", "search", "kiosk", "lost"):
        await demonstrated(studio, home)


async def first(studio: Studio, home: Path) -> None:
    """What whoever starts all of it for the first time sees."""
    browser = studio.browser
    ports = free_ports(5)
    async with running(home, "aiot", "up", *words(ports)) as up:
        await up.says("setup?token=")
        await browser.open(f"http://127.0.0.1:{ports[4]}/")
        text = "document.querySelector('main')?.innerText.length > 40"
        await studio.take("first-visit", lambda: browser.until(text))
        link = next(each for each in up.log.split() if "setup?token=" in each)
        await browser.open(link)
        await studio.take("setup", lambda: browser.until("document.querySelector('main form')"))
        await fill(browser, "setup", "root", *["the first of all"] * 2)
        await browser.until("document.querySelector('[data-opens=account]')?.title === 'root'")
        await studio.take("first-account", lambda: studio.go("#/cards", "[data-do=add]"))
        await browser.leave()


async def demonstrated(studio: Studio, home: Path) -> None:
    """What `aiot demo` shows, with some more nodes."""
    browser = studio.browser
    busy = free_ports(5)
    async with AsyncExitStack() as stack:
        demo = await stack.enter_async_context(running(home, "aiot", "demo", *words(busy)))
        await demo.says("The page is at")
        crowd = running(
            home, "aiot", "simulate", "--nodes=16", "--node-name=Room", "--protocol=mqtt",
            f"--port={busy[2]}", "--resources=temperature,humidity,led", "--period=2",
        )  # fmt: skip
        await stack.enter_async_context(crowd)
        await browser.open(f"http://127.0.0.1:{busy[4]}/#/cards")
        await browser.until("document.querySelectorAll('[data-uid]').length >= 24", within=60)
        await asyncio.sleep(WARM_UP)
        await views(studio)
        await lost(studio, demo)


async def views(studio: Studio) -> None:
    """The page while all is well."""
    await studio.take("cards", lambda: studio.go("#/cards", "article[data-uid]"))
    await studio.take("table", lambda: studio.go("#/table", "main table, main [role=grid]"))
    await studio.take("map", lambda: studio.go("#/map", "main .map .surface"))
    await studio.take("node", studio.detail)
    await studio.go("#/cards", "article[data-uid]")
    await studio.take("settings", lambda: studio.dialog("."))
    await studio.take("search", lambda: studio.dialog("/"))
    await studio.close()
    await studio.take("kiosk", lambda: studio.go("#/cards?kiosk=1", "main [data-uid]"))
    await studio.go("#/cards", "article[data-uid]")


PAGES: Final = {
    "account": "[data-session]",
    "devices": "[data-record]",
    "users": "[data-user=Olaf]",
    "inbox": "[data-waiting]",
    "audit": "main table",
    "health": "[data-part]",
    "channels": "[data-form=channel]",
}
"""What only people with an account see, and what shows that it is there."""


async def people(studio: Studio) -> None:
    """What is people's: accounts, devices, and the pages of administrators."""
    browser = studio.browser
    with moved_in() as home:
        uid = token = ""
        for name in ("Barometer", "Greenhouse", "Back door"):
            uid, token = await home.device("Anna", name)
            await home.node(name, token=token)
        share = f"/nodes/{uid}/shares/Olaf"
        await home.call("Anna", "PUT", share, {"level": "control"})
        await home.node("Stranger", uid="stranger", policy=Policy.APPROVE)
        await browser.open(f"{home.url}/#/login")
        shown = "document.querySelector('main form')"
        await studio.take("login", lambda: browser.until(shown))
        place = f"#/device?uid={uid}&token={token}"
        await studio.take("landing", lambda: studio.go(place, "[data-way]"))
        await studio.go("#/login", "[data-form=login]")
        await log_in(browser, "Anna")
        for name, there in PAGES.items():
            await studio.take(name, partial(studio.go, f"#/{name}", there))
        await studio.take("all-well", lambda: studio.go("#/alerts", "[data-do=rules]"))
        await studio.take("device", lambda: studio.go(f"#/devices?uid={uid}", "[data-token]"))
        shares = "[data-section=share]:has([data-share])"
        await studio.take("sharing", lambda: studio.down(f"#/devices?uid={uid}", shares))
        await studio.go("#/devices?new=1", "dialog form")
        await studio.take("new-device")
        await fill(browser, "device", "Weather station")
        code = "document.querySelector('.both svg')"
        await studio.take("made-device", lambda: browser.until(code))
        await browser.leave()


CELLAR: Final = derived_uid("house", "WebSocket", "cellar")
"""A node that has been measuring for long."""

RULES: Final = (
    {"name": "Damp", "condition": "above", "high": 70, "resource": "humidity", "node": CELLAR},
    {
        "name": "Too warm for wine",
        "condition": "above",
        "high": 16,
        "hysteresis": 0.5,
        "resource": "temperature",
        "node": CELLAR,
        "severity": "critical",
    },
    {"name": "Silent", "condition": "silent", "seconds": 600, "severity": "info"},
)


def course(now: float) -> list[Sample]:
    """A month of temperatures, each ten minutes."""
    samples = []
    for back in range(30 * 144, 0, -1):
        days = back / 144
        number = 13.5 + 1.6 * math.sin(days / 4) + 0.7 * math.sin(2 * math.pi * days)
        at = round((now - back * 600) * 1e6)
        samples.append(Sample(CELLAR, "temperature", "", at, round(number, 1), None, "°C"))
    return samples


async def watched(studio: Studio, home: Path) -> None:
    """What is remembered, and what is told of it: long courses, rules and alerts."""
    browser, file, now = studio.browser, home / "past.db", time.time()
    store = await Store.open(str(file), time.time)
    await store.history.put(course(now))
    while not await store.history.summarise(round(now * 1e6)):
        pass
    await store.close()
    ports = free_ports(5)
    up = running(home, "aiot", "up", *words(ports), f"--store={file}", "--name=house")
    async with AsyncExitStack() as stack:
        services = await stack.enter_async_context(up)
        await services.says("The page is at")
        rooms = running(
            home, "aiot", "simulate", "--nodes=7", "--node-name=Room", "--protocol=mqtt",
            f"--port={ports[2]}", "--resources=temperature,humidity,led", "--period=2",
        )  # fmt: skip
        await stack.enter_async_context(rooms)
        cellar = connect(f"ws://localhost:{ports[3]}/node", compression=None, proxy=None)
        node = await stack.enter_async_context(cellar)
        await first_account(services, ports[4])
        root = Person(ports[4])
        await root.logs_in("root", "the first of all")
        for rule in RULES:
            await root.does("POST", "/rules", rule)
        await node.send(json.dumps({"type": "new", "id": "cellar"}))
        calm = {"name": "Cellar", "temperature": "15.1°C", "humidity": "61%", "led": "0"}
        await node.send(json.dumps({"type": "update", "data": calm}))
        page = f"http://localhost:{ports[4]}/"
        await browser.open(f"{page}#/login")
        await log_in(browser, "root", "the first of all")
        await studio.go("#/cards", "article[data-uid]")
        loud = {"temperature": "17.4°C", "humidity": "78%"}
        await node.send(json.dumps({"type": "update", "data": loud}))
        told = "document.querySelectorAll('.news article').length === 2"
        await browser.until(told, within=20)
        await studio.take("told", lambda: browser.until("document.querySelector('article.card')"))
        alerts = await root.get("/alerts?state=open")
        damp = next(each["id"] for each in alerts["items"] if each["rule_name"] == "Damp")
        await root.does("POST", f"/alerts/{damp}/acknowledge")
        seen = "[data-state=acknowledged]"
        await studio.take("alerts", lambda: studio.go("#/alerts", seen))
        await studio.take("rules", lambda: studio.go("#/rules", "[data-rule]"))
        await studio.take("new-rule", lambda: studio.go("#/rules?new=1", "[data-form=rule]"))
        await studio.take("preview", partial(preview, studio))
        await browser.run(
            "document.querySelectorAll('.news button').forEach((each) => each.click())"
        )
        week = f"#/cards?node={CELLAR}&resource=temperature&range=604800"
        await studio.take("history", partial(history, studio, week))
        await studio.take("readings", partial(readings, studio, week))
        await browser.leave()


async def preview(studio: Studio) -> None:
    """When a rule would have fired."""
    await studio.go("#/rules?new=1", "[data-form=rule]")
    await studio.go("#/rules", "[data-rule='Too warm for wine'] a")
    await studio.browser.run("document.querySelector('[data-rule=Damp] ~ * a').click()")
    ready = "document.querySelector('[data-do=preview]:not(:disabled)')"
    await studio.browser.until(ready)
    await studio.browser.run(f"{ready}.click()")
    await studio.browser.until("document.querySelector('.preview svg')")
    await studio.browser.run("document.querySelector('.preview').scrollIntoView()")


async def history(studio: Studio, place: str) -> None:
    """A course, once what is stored of it has come."""
    await studio.go(place, ".large [data-figure=count]")
    await studio.browser.until(
        "document.querySelector('.large [data-figure=count]').innerText.length > 3"
    )


async def readings(studio: Studio, place: str) -> None:
    """A course reading by reading, and the ways to take it elsewhere."""
    await history(studio, place)
    await studio.browser.run("document.querySelector('.large details').open = true")
    await studio.browser.until("document.querySelector('.large details tbody tr')")
    await studio.browser.run("document.querySelector('.large details').scrollIntoView()")


async def lost(studio: Studio, demo: Running) -> None:
    """The page when the broker is gone."""
    await demo.end()
    await studio.take("lost", lambda: studio.browser.until("document.querySelector('.bar')"))


async def session(folder: Path, only: frozenset[str], language: str) -> list[str]:
    """Take the pictures; what could not be shown."""
    with tempfile.TemporaryDirectory(prefix="pyaiot-pictures-") as home:
        browser = Chromium(Path(home, "chromium"))
        studio = Studio(browser, folder, only)
        agent = await browser.ask("navigator.userAgent")
        await browser.call(
            "Emulation.setUserAgentOverride", userAgent=agent, acceptLanguage=language
        )
        try:
            await shoot(studio, Path(home))
        finally:
            browser.quit()
    return studio.missing


def document(folder: Path) -> list[str]:
    """Put the chosen ones where the documentation shows them; those that are too large."""
    found = (folder / f"{name}-{scheme}.webp" for name in CHOSEN for scheme in SCHEMES)
    chosen = {each.name: each.read_bytes() for each in found if each.exists()}
    images = ROOT / "docs" / "images"
    images.mkdir(exist_ok=True)
    for name, content in chosen.items():
        (images / name).write_bytes(content)
    return [name for name, content in chosen.items() if len(content) > LARGEST]


def main() -> int:
    """The command; 1 where a picture is missing."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "pictures")
    parser.add_argument(
        "--documentation", action="store_true", help="put a few into docs/images as well"
    )
    parser.add_argument("--only", default="", help="the views that are wanted: cards,map")
    parser.add_argument("--language", default="en", help="that the browser asks for: de, fr")
    options = parser.parse_args()
    only = frozenset(filter(None, options.only.split(",")))
    build_page()
    options.folder.mkdir(parents=True, exist_ok=True)
    missing = asyncio.run(session(options.folder, only, options.language))
    for each in missing:
        print(f"not shown: {each}", file=sys.stderr)
    large = document(options.folder) if options.documentation else []
    for name in large:
        print(f"larger than {LARGEST} bytes: {name}", file=sys.stderr)
    print(f"The pictures are in {options.folder}")
    return 1 if missing or large else 0


if __name__ == "__main__":
    sys.exit(main())
