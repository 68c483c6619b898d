# SPDX-License-Identifier: BSD-3-Clause
"""Nodes, addresses and kept preferences that mean harm: all of it stays text.

The page's policy would stop most of what is tried here. It is not to be needed: a report of it in
the console is a fault as well (`opened` looks).
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import quote

from tests.browser.chromium import DESK, PHONE, Chromium
from tests.browser.conftest import Opener
from tests.browser.gateway import HandGateway, broker_with_gateway

SCRIPT: Final = "window.owned=1"
"""What must never run."""

MARKUP: Final = (
    f'"><img src=x onerror="{SCRIPT}"><script>{SCRIPT}</script>'
    f"<svg onload='{SCRIPT}'><iframe srcdoc='<script>parent.{SCRIPT}</script>'>"
    f"{{{{constructor.constructor('{SCRIPT}')()}}}}</style></title><a href='javascript:{SCRIPT}'>x"
)
RUNNING: Final = f"javascript:{SCRIPT}//.png"
DATA: Final = f"data:text/html,<script>{SCRIPT}</script>"
BACKWARDS: Final = "\u202e\u2066gnp.exe\u200f\U0001f600"
PROTOTYPE: Final = ("__proto__", "constructor", "toString", "hasOwnProperty", "valueOf")


def values(elsewhere: str) -> dict[str, Any]:
    """Values that mean harm, by the names of resources that have a look of their own."""
    picture = f"{elsewhere}/picture.png?{MARKUP}"
    return {
        **dict.fromkeys(("vendor", "version", "os", "board", "mcu", "ip", "protocol"), MARKUP),
        "name": MARKUP,
        "led": MARKUP,
        "robot": RUNNING,
        "ribot": MARKUP,
        "js": f"</script><script>{SCRIPT}</script>",
        "text": picture,
        "twitter": RUNNING,
        "webcam": picture,
        "camera": RUNNING,
        "picture": DATA,
        "snapshot": "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='x'/>",
        "file": "file:///etc/passwd.png",
        "odd": "\tjava\nscript:" + SCRIPT,
        "blank": "http://",
        "controls": "\u0000\u0007\u001b[31m\ufeff\ufffe",
        "login": f"http://user:secret@{elsewhere.removeprefix('http://')}/a.png",
        "position": {"lat": MARKUP, "lng": RUNNING},
        "imu": json.dumps([{"type": MARKUP, "values": [MARKUP, None, 1e308]}]),
        "suit_state": MARKUP,
        "dwnld": "1e999",
        "temperature": "1e999°C",
        "humidity": "NaN%",
        "pressure": "-Infinity hPa",
        "eco2": "9" * 400 + "ppm",
        "tvoc": f"12 {MARKUP}",
        "tsp": "0x10ug/m3",
        "illuminance": "१२३lx",
        "json": {MARKUP: MARKUP, "__proto__": {"polluted": 1}, "constructor": {"prototype": 1}},
        "deep": json.loads('{"a":[' * 15 + "1" + "]}" * 15),
        "wide": {f"key {number}": number for number in range(500)},
        "long": "W" * 20_000,
        "backwards": BACKWARDS,
        "nothing": "",
        "none": None,
        MARKUP[:128]: MARKUP,
        RUNNING: RUNNING,
        BACKWARDS: BACKWARDS,
        "../../etc/passwd": "../../etc/passwd",
        "led?x=1#y&z": "0",
        **{name: {name: name} for name in PROTOTYPE},
    }


@asynccontextmanager
async def trap() -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server to which nobody is to go; its address, and who went there nevertheless."""
    visits: list[bytes] = []

    async def visit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visits.append(await reader.readline())
        writer.close()

    server = await asyncio.start_server(visit, "127.0.0.1", 0)
    async with server:
        yield f"http://elsewhere.test:{server.sockets[0].getsockname()[1]}", visits


async def populate(gateway: HandGateway, elsewhere: str) -> None:
    harm = values(elsewhere)
    await gateway.node("canary", name="Canary", temperature="1°C", led="0")
    await gateway.node("hostile", **harm)
    await gateway.node(MARKUP[:128], name=BACKWARDS, temperature="2°C")
    await gateway.node(RUNNING, name=RUNNING, protocol=RUNNING, position=DATA)
    for uid in PROTOTYPE:
        position = {"lat": 1e300, "lng": "-1e300"}
        await gateway.node(uid, name=uid, position=position, **{uid: uid, "temperature": "3°C"})
    for number in range(3):
        # Once more, as changes are drawn in other ways than what is new.
        for endpoint in ("temperature", "imu", "position", "text", "webcam", "json", *PROTOTYPE):
            await gateway.report("hostile", endpoint, harm[endpoint])
        await gateway.report("hostile", "humidity", f"{number}e308%")
    await gateway.say(type="out", uid="valueOf")


FAULTS: Final = """(() => {
  const faults = [];
  if (typeof owned !== "undefined") faults.push("a script ran");
  if ({}.polluted !== undefined) faults.push("all objects are polluted");
  for (const each of document.querySelectorAll("script:not([src]), iframe, object, embed, base")) {
    faults.push(each.outerHTML);
  }
  for (const each of document.querySelectorAll("*")) {
    for (const { name } of each.attributes) if (name.startsWith("on")) faults.push(each.outerHTML);
  }
  for (const each of document.querySelectorAll("a[href], area[href], [src], [action]")) {
    const named = each.href?.baseVal ?? each.href ?? each.src ?? each.action;
    const url = new URL(named, document.baseURI);
    if (!["http:", "https:", "blob:"].includes(url.protocol)) faults.push(each.outerHTML);
    if (url.origin === location.origin || url.protocol === "blob:") continue;
    const careful = ["noopener", "noreferrer"].every((word) => each.relList?.contains(word));
    if (each.localName !== "a" || !careful) faults.push(each.outerHTML);
  }
  for (const { name } of performance.getEntriesByType("resource")) {
    // The broker is asked for its health.
    if (new URL(name).hostname !== location.hostname) faults.push(`fetched ${name}`);
  }
  return faults;
})()"""

NODES: Final = ("hostile", MARKUP[:128], RUNNING, *PROTOTYPE)

HARM: Final = quote(MARKUP)

ADDRESSES: Final = (
    "#/cards",
    "#/table",
    "#/map",
    *(f"#/cards?node={quote(uid)}" for uid in NODES),
    *(
        f"#/{view}?node=hostile&resource={quote(endpoint)}&range={HARM}"
        for view, endpoint in (
            ("cards", "temperature"),
            ("cards", "json"),
            ("cards", "wide"),
            ("table", "webcam"),
            ("table", "__proto__"),
            ("cards", MARKUP[:128]),
            ("map", "position"),
            ("cards", "js"),
            ("cards", "imu"),
            ("cards", "long"),
        )
    ),
    f"#/cards?q={HARM}&availability={HARM}&group=__proto__",
    f"#/cards?kiosk={HARM}",
    f"#/table?q={HARM}&sort=__proto__:desc,{HARM}:asc,constructor",
    f"#/table?columns=__proto__,constructor,{HARM},temperature",
    f"#/table?f.temperature=%3E{HARM}&f.__proto__=%3E1&f.name=%5E((((a%2B)%2B)%2B",
    "#/map?at=NaN,1e999,-1",
    "#/map?at=1e308,-1e308,1e308&node=__proto__",
    f"#/map?at={HARM}",
    f"#/{quote(RUNNING)}",
    f"#{RUNNING}",
    "#/__proto__?__proto__=1&constructor=2&toString=3",
    "#/cards?%E0%A4%A=%&&&===&node=%00",
    "#/cards?node=" + "x" * 50_000,
    "#/cards?" + "a=b&" * 20_000,
)

PREFERENCES: Final = {
    "names": {"canary": MARKUP[:64], "__proto__": RUNNING, "constructor": MARKUP[:64]},
    "pinned": [*PROTOTYPE, MARKUP, RUNNING],
    "arranged": [MARKUP, *PROTOTYPE, "canary", "canary"],
    "hiddenNodes": ["toString", MARKUP],
    "hiddenResources": [f"*/{MARKUP}", "hostile/__proto__", "/", "constructor"],
    "columns": [*PROTOTYPE, MARKUP, RUNNING, "temperature", "temperature"],
    "spots": {uid: [0.5, 0.5] for uid in (*PROTOTYPE, MARKUP)},
    "ground": "plan",
    "theme": MARKUP,
    "language": RUNNING,
    "view": "__proto__",
    "group": MARKUP,
}


OLD: Final = {"theme": MARKUP, "showCam": "1", "camUrl": RUNNING, "showMap": MARKUP}
"""As the page of the original kept them."""

GARBAGE: Final = ("", "null", "[]", '"', MARKUP, "[" * 100_000, '{"names":{"a":1},"columns":[0]}')


@asynccontextmanager
async def hostile(opened: Opener, size: tuple[int, int] = DESK) -> AsyncIterator[Chromium]:
    """The page before such nodes; nobody may have gone elsewhere in the end."""
    async with (
        trap() as (elsewhere, visits),
        broker_with_gateway() as (broker, gateway),
    ):
        await populate(gateway, elsewhere)
        async with opened(broker.port, size) as browser:
            await browser.until("document.querySelectorAll('[data-uid]').length > 3")
            yield browser
        assert visits == []


async def visit(browser: Chromium, address: str) -> None:
    """Go to an address as somebody does who follows a link on the page."""
    await browser.ask("location.hash = arguments[0]", address)
    await browser.ask("new Promise((done) => setTimeout(() => requestAnimationFrame(done)))")


KEEP: Final = "Object.entries(arguments[0]).forEach((each) => localStorage.setItem(...each))"
LIVE: Final = "document.readyState == 'complete' && document.querySelector('[data-link=live]')"


async def keep(browser: Chromium, kept: dict[str, str]) -> None:
    """Come back to the page when the browser has kept that of it."""
    await browser.ask(KEEP, kept)
    await browser.ask("location.reload()")
    await browser.until(LIVE)


async def test_nodes_and_addresses_that_mean_harm_do_none(opened: Opener) -> None:
    async with hostile(opened) as browser:
        for address in ADDRESSES:
            await visit(browser, address)
            assert await browser.ask(FAULTS) == [], address
        await visit(browser, "#/cards?q=Canary")
        await browser.shows("Canary", "main")


async def test_what_the_browser_kept_may_mean_harm(opened: Opener) -> None:
    async with hostile(opened, PHONE) as browser:
        try:
            await keep(browser, {"pyaiot": json.dumps(PREFERENCES), **OLD})
            for address in ("#/cards", "#/table", "#/map", "#/cards?node=hostile"):
                await visit(browser, address)
                await browser.until("document.querySelector('main').innerText.trim()")
                assert await browser.ask(FAULTS) == [], address
            for text in GARBAGE:
                await keep(browser, {"pyaiot": text})
                await browser.until("document.querySelector('[data-uid]')")
                assert await browser.ask(FAULTS) == [], text
        finally:
            await browser.ask("localStorage.clear()")
