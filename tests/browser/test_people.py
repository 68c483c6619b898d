# SPDX-License-Identifier: BSD-3-Clause
"""People, what is theirs, and what others see of it, at two browsers before real services."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs

import pytest
from selenium.webdriver.common.keys import Keys

from pyaiot.gateway.registrar import Policy
from tests.broker.running import running_broker
from tests.browser.axe import complaints
from tests.browser.chromium import DESK, PHONE, Chromium
from tests.browser.conftest import faults
from tests.browser.household import ACCESS_LIFE, Household, moved_in
from tests.browser.test_accessibility import prefer
from tests.browser.test_keyboard import key, tab_to, walk, write
from tests.browser.test_two_browsers import other  # noqa: F401 - a fixture
from tests.dashboard.api.people import PASSWORD
from tests.dashboard.running import running_dashboard
from tests.programs import require

WATCH: Final = """
window.sockets = [];
window.WebSocket = class extends WebSocket {
  constructor(address, words) {
    super(address, words);
    const watched = { offered: words ?? [], chosen: null, sent: [], closed: false };
    sockets.push(watched);
    this.addEventListener("open", () => { watched.chosen = this.protocol; });
    this.addEventListener("close", () => { watched.closed = true; });
    const send = this.send.bind(this);
    this.send = (text) => { watched.sent.push(JSON.parse(text).type); send(text); };
  }
};
"""
"""Keeps what the page does with its websockets."""

ASKED: Final = """
window.asked = [];
const { fetch: before } = window;
window.fetch = (address, ...rest) => {
  asked.push(new URL(address, location.href).pathname.replace("/api/v1/", ""));
  return before(address, ...rest);
};
"""
"""Keeps what the page asks of the server."""

CHOSEN: Final = """
((field) => { field.value = arguments[1]; return field.dispatchEvent(new Event("change")); })(
  document.querySelector(arguments[0]))
"""
"""Choose from a list."""

ENDS: Final = "JSON.parse(atob(arguments[0].split('.')[1])).exp"
"""When a ticket ends, in seconds since the epoch."""


@pytest.fixture(scope="module")
def home(page: None) -> Iterator[Household]:
    del page
    with moved_in() as household:
        yield household


@pytest.fixture
async def household(home: Household) -> AsyncIterator[Household]:
    """The same for all tests of the module; no nodes are left there by one of them."""
    yield home
    await home.do(home.send_nodes_away)


@asynccontextmanager
async def visit(
    browser: Chromium, address: str, size: tuple[int, int] = DESK, **media: str
) -> AsyncIterator[Chromium]:
    """Open a page; forget in the end who was there, and look for faults."""
    await browser.open(address, size, **media)
    try:
        yield browser
    finally:
        await browser.ask("localStorage.clear()")
        await browser.call("Network.clearBrowserCookies")
    # Browsers write down each refusal of the server, though it be what a test is about.
    assert [line for line in await faults(browser) if "/api/v1/" not in line] == []


async def fill(browser: Chromium, form: str, *words: str, at: int = 0) -> None:
    """Type into the fields of a form one after the other, from the one at `at` on, and send it."""
    await browser.until("document.querySelector(arguments[0])", f"[data-form={form}]")
    await browser.run(f"document.querySelectorAll('[data-form={form}] input')[{at}].select()")
    for number, word in enumerate(words):
        await browser.press(*([Keys.TAB] if number else []), word)
    await browser.press(Keys.ENTER)


async def log_in(browser: Chromium, name: str, password: str = PASSWORD) -> None:
    await fill(browser, "login", name, password)
    await browser.until(
        "document.querySelector('[data-opens=account]')?.title == arguments[0]", name
    )


async def go(browser: Chromium, place: str, there: str) -> None:
    await browser.ask("location.hash = arguments[0]", place)
    await browser.until("document.querySelector(arguments[0])", there)


async def log_out(browser: Chromium) -> None:
    await browser.click("[data-opens=account]")
    await browser.until("document.querySelector('.account nav [data-do=logout]')")
    await browser.click(".account nav [data-do=logout]")


async def test_the_first_account_and_the_way_back_in(chromium: Chromium, page: None) -> None:
    del page
    said: list[str] = []
    async with running_dashboard(say=said.append) as url:
        link = said[0].rpartition(" ")[2]
        token = link.partition("token=")[2]
        async with visit(chromium, link) as browser:
            await browser.until("document.querySelector('[data-form=setup]')")
            # It stays in neither the address nor the history.
            assert token not in await browser.ask("location.href")
            await fill(browser, "setup", "Anna", PASSWORD, "another one")
            await browser.until("document.querySelector('[data-form=setup] [role=alert]')")
            await fill(browser, "setup", PASSWORD, at=2)
            await browser.until("location.hash == '#/devices'")
            await browser.until("document.querySelector('[data-opens=account]').title == 'Anna'")

            await go(browser, "#/users", "[data-user=Anna]")
            await fill(browser, "user", "anna", PASSWORD)
            await browser.until("document.querySelector('[data-form=user] input[aria-invalid]')")
            await browser.shows("This name is taken", "[data-form=user]")
            await fill(browser, "user", "Olaf", PASSWORD)
            await browser.until("document.querySelector('[data-user=Olaf]')")

            await log_out(browser)
            await browser.until("document.querySelector('[data-opens=login]')")
            await go(browser, "#/login", "[data-form=login]")
            await fill(browser, "login", "Anna", "not this one")
            await browser.until("document.querySelector('[data-problem=wrong_password]')")
            await log_in(browser, "Anna")
            await browser.until("!location.hash.includes('login')")
            assert "pyaiot_access" not in await browser.ask("document.cookie")

            # The link has done its work.
            await browser.ask("location.hash = arguments[0]", link.partition("#")[2])
            await browser.shows("made already", "main")
            assert url in await browser.ask("location.href")


OF_SOMEBODY: Final = ("account", "devices", "rules", "channels")
OF_ADMINS: Final = ("users", "inbox", "audit", "health")


async def test_the_page_asks_for_nothing_that_it_would_be_refused(
    chromium: Chromium, household: Household
) -> None:
    watching = await chromium.call("Page.addScriptToEvaluateOnNewDocument", source=ASKED)
    seen = "(document.querySelector('#page-title')?.innerText ?? arguments[0]) != arguments[0]"

    async def look_around(browser: Chromium, *places: str) -> list[str]:
        for place in places:
            title = await browser.ask("document.querySelector('#page-title')?.innerText ?? ''")
            await browser.ask("location.hash = arguments[0]", f"#/{place}")
            await browser.until(seen, title)
        asked: list[str] = await browser.ask("asked.splice(0)")
        return asked

    try:
        async with visit(chromium, f"{household.url}/#/login") as browser:
            await browser.until("document.querySelector('[data-form=login]')")
            await browser.ask("asked.splice(0)")
            assert await look_around(browser, *OF_SOMEBODY, "alerts", *OF_ADMINS) == []
            await browser.click("[data-do=login]")
            await log_in(browser, "Olaf")
            asked = await look_around(browser, "login", *OF_SOMEBODY, *OF_ADMINS)
            assert {"account/sessions", "nodes", "rules", "channels"} <= set(asked)
            assert set(asked).isdisjoint(OF_ADMINS)
            # What was theirs goes with them.
            await go(browser, "#/account", "[data-session]")
            await browser.ask("asked.splice(0)")
            await household.call("Olaf", "DELETE", "/account/sessions")
            await browser.until("document.querySelector('main [data-do=login]')", within=15)
            assert not await browser.ask("document.querySelector('[data-session]')")
    finally:
        await chromium.call("Page.removeScriptToEvaluateOnNewDocument", **watching)


async def test_the_broker_lets_in_whom_the_page_vouches_for(
    chromium: Chromium, household: Household
) -> None:
    uid, token = await household.device("Olaf", "Barometer")
    await household.node("Barometer", token=token)
    watching = await chromium.call("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
    try:
        async with visit(chromium, household.url) as browser:
            # Strangers see nothing here, and so there is no connection.
            await browser.until("document.querySelector('[data-form=login]')")
            assert await browser.ask("sockets.length") == 0
            await log_in(browser, "Olaf")
            await browser.until("document.querySelector(arguments[0])", f"[data-uid='{uid}']")
            (socket,) = await browser.ask("sockets")
            assert socket["offered"][0] == socket["chosen"] == "token"
            assert len(socket["offered"][1]) > 100

            # When the ticket has ended it is the same connection still, by a newer one.
            await browser.until("sockets[0].sent.includes('renew')", within=ACCESS_LIFE)
            ended = await browser.ask(ENDS, socket["offered"][1])
            await browser.until("Date.now() / 1000 > arguments[0] + 1", ended)
            assert await browser.ask("sockets.length == 1 && !sockets[0].closed")

            await household.restart_broker()
            await browser.until("sockets.at(-1) != sockets[0] && sockets.at(-1).chosen")
            await browser.until("!document.querySelector('.bar')")
            card = "document.querySelector(arguments[0])?.dataset.presence == 'online'"
            await browser.until(card, f"[data-uid='{uid}']")

            await log_out(browser)
            await browser.until("document.querySelector('[data-form=login]')")
            await browser.until("sockets.at(-1).closed")
            assert not await browser.ask("document.querySelector('[data-uid]')")
    finally:
        await chromium.call("Page.removeScriptToEvaluateOnNewDocument", **watching)


async def test_a_device_its_owner_and_somebody_else(
    chromium: Chromium,
    other: Chromium,  # noqa: F811
    household: Household,
) -> None:
    async with (
        visit(chromium, f"{household.url}/#/devices") as olaf,
        visit(other, f"{household.url}/#/cards", PHONE) as berta,
    ):
        await go(olaf, "#/login", "[data-form=login]")
        await log_in(olaf, "Olaf")
        await log_in(berta, "Berta")
        await go(olaf, "#/devices?new=1", "[data-form=device]")
        await olaf.until("document.activeElement.closest('[data-form=device]')")
        # Administrators alone choose a uid.
        assert "uid" not in await olaf.text("[data-form=device] summary")
        await fill(olaf, "device", "Greenhouse")
        await olaf.until("document.querySelector('[data-made-token] svg')")
        token = await olaf.text("[data-made-token] [data-secret] code")
        await olaf.click("[data-do=done]")
        await olaf.until("document.querySelector('[data-record]')")
        uid = await olaf.ask(
            "[...document.querySelectorAll('[data-record]')]"
            ".find((each) => each.innerText.includes('Greenhouse')).dataset.record"
        )

        # Whatever the node says it is, the token says which one it is.
        await household.node("Bedroom", uid="somebody-else", token=token)
        card = f"[data-uid='{uid}']"
        await go(olaf, "#/cards", card)
        await olaf.shows("Greenhouse", card)
        await olaf.until("document.querySelector(arguments[0])", f"{card} [role=switch]")
        assert not await berta.ask("document.querySelector('[data-uid]')")

        await go(olaf, f"#/devices?uid={uid}", "[data-section=share]")
        await fill(olaf, "share", "Berta")
        await olaf.until("document.querySelector('[data-share=Berta]')")
        await berta.until("document.querySelector(arguments[0])", card, within=3)
        switch = "document.querySelector(arguments[0])?.ariaDisabled == arguments[1]"
        await berta.until(switch, f"{card} [role=switch]", "true")
        await berta.shows("Greenhouse", card)

        await olaf.ask(CHOSEN, "[data-share=Berta] select", "control")
        await berta.until(
            "document.querySelector(arguments[0])?.ariaDisabled != 'true'", f"{card} [role=switch]"
        )
        await berta.click(f"{card} [role=switch]")
        await berta.until(
            "document.querySelector(arguments[0]).ariaChecked == 'true'", f"{card} [role=switch]"
        )

        await olaf.click("[data-token=holds] button")
        await olaf.click("[data-sure=yes]")
        await olaf.until("document.querySelector('[data-token=revoked]')")
        gone = "document.querySelector(arguments[0])?.dataset.presence != 'online'"
        await berta.until(gone, card)


async def test_what_comes_of_a_name(
    chromium: Chromium,
    other: Chromium,  # noqa: F811
    household: Household,
) -> None:
    uid, token = await household.device("Olaf", "First of them")
    await household.device("Olaf", "Second of them")
    await household.node("Node", token=token)
    async with (
        visit(chromium, f"{household.url}/#/cards") as olaf,
        visit(other, f"{household.url}/#/cards") as anna,
    ):
        await log_in(olaf, "Olaf")
        await log_in(anna, "Anna")
        await anna.shows("First of them", f"[data-uid='{uid}']")
        await go(olaf, f"#/devices?uid={uid}", "[data-do=rename]")
        await olaf.click("[data-do=rename]")
        for name, verdict in (
            ("First of them", "unchanged"),
            ("second of them", "taken"),
            ("Third of them", "fine"),
        ):
            await olaf.until("document.querySelector('form.rename input')")
            await olaf.run("document.querySelector('form.rename input').select()")
            await olaf.press(name, Keys.ENTER)
            await olaf.until(
                "document.querySelector('[data-verdict]').dataset.verdict == arguments[0]", verdict
            )
        await anna.shows("Third of them", f"[data-uid='{uid}']", within=3)

        # One of those that were kept in the browser is taken, the other is Olaf's to give.
        await olaf.ask("location.hash = '#/devices'")
        names = {"names": {uid: "Fourth of them", "unknown": "Nobody's"}}
        await prefer(olaf, **names)
        await olaf.until("document.querySelector('[data-do=hand]')")
        await olaf.click("[data-do=hand]")
        await olaf.shows("1 of 2", "[data-section=names]")
        assert await complaints(olaf) == []
        await anna.shows("Fourth of them", f"[data-uid='{uid}']", within=3)


async def test_who_knocks_is_let_in_from_the_inbox(
    chromium: Chromium, household: Household
) -> None:
    await household.node("Stranger", uid="stranger", policy=Policy.APPROVE)
    async with visit(chromium, f"{household.url}/#/login") as browser:
        await log_in(browser, "Anna")
        await go(browser, "#/inbox", "[data-waiting]")
        uid = await browser.ask("document.querySelector('[data-waiting]').dataset.waiting")
        await browser.ask(CHOSEN, "[data-waiting] select", "Olaf")
        await browser.click("[data-waiting] [data-do=approve]")
        await browser.until("!document.querySelector('[data-waiting]')")
        await go(browser, "#/cards", f"[data-uid='{uid}']")
        await go(browser, "#/audit", "[data-action]")
        await browser.shows(uid, "main table")
    assert (await household.call("Olaf", "GET", f"/nodes/{uid}"))["mine"]


async def read_by(zbarimg: str, picture: Path) -> str:
    """What a program that knows nothing of ours reads in a picture."""
    process = await asyncio.create_subprocess_exec(
        zbarimg, "--quiet", "--raw", "--set=disable", "--set=qrcode.enable", picture,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, said = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0, said.decode()
    return out.decode().removesuffix("\n")


async def test_the_code_of_a_device_is_read_by_another_program(
    chromium: Chromium, household: Household, tmp_path: Path
) -> None:
    """What a camera sees on the page, in both themes and on a phone, leads to the device."""
    zbarimg = require("zbarimg", "zbar-tools")
    for number, (size, scheme) in enumerate(((DESK, "light"), (PHONE, "dark"))):
        async with visit(
            chromium, f"{household.url}/#/login", size, color_scheme=scheme
        ) as browser:
            await log_in(browser, "Olaf")
            await go(browser, "#/devices?new=1", "[data-form=device]")
            await fill(browser, "device", f"To be read {number}")
            await browser.until("document.querySelector('[data-made-token] svg')")
            token = await browser.text("[data-made-token] [data-secret] code")
            await browser.run(
                "document.querySelector('[data-made-token] svg').scrollIntoView({block: 'center'})"
            )
            seen = tmp_path / f"{scheme}.png"
            await browser.picture(seen)
            link = await read_by(zbarimg, seen)
        place, _, parameters = link.partition("?")
        told = parse_qs(parameters)
        assert (place, told["token"]) == (f"{household.url}/#/device", [token])
        # The uid is the one that the token says, and the link brings both to the page.
        async with visit(chromium, link, PHONE) as browser:
            await browser.shows(token, "main")
            await browser.shows(told["uid"][0], "main")


async def test_where_the_code_of_a_device_leads(chromium: Chromium, household: Household) -> None:
    uid, token = await household.device("Olaf", "Scanned")
    link = f"{household.url}/#/device?uid={uid}&token={token}"
    async with visit(chromium, link, PHONE) as browser:
        await browser.shows(token, "main")
        await browser.shows(uid, "main")
        assert token not in await browser.ask("location.href")
        assert token not in await browser.ask("JSON.stringify({...localStorage})")
    async with visit(chromium, f"{household.url}/#/device?token=nonsense", PHONE) as browser:
        await browser.shows("no device token", "main")


STRANGER: Final = {
    "login": ("#/login", "[data-form=login]"),
    "device without a token": ("#/device", "main h2"),
    "account of nobody": ("#/account", "main h2"),
}
PAGES: Final = {
    "account": ("#/account", "[data-session]"),
    "devices": ("#/devices", "[data-record]"),
    "new device": ("#/devices?new=1", "dialog[open] [data-form=device]"),
    "one device": ("#/devices?uid=UID", "[data-token=holds]"),
    "users": ("#/users", "[data-user=Olaf]"),
    "inbox": ("#/inbox", "main .rows, main .empty"),
    "audit": ("#/audit", "main table"),
    "health": ("#/health", "main .panel"),
}


FROM_THE_TOP: Final = """
delete window.steps;
document.querySelector(".skip").focus();
"""

WALKED: Final = {
    **{name: PAGES[name] for name in ("account", "devices", "users", "audit", "health")},
    "inbox": ("#/inbox", "[data-waiting]"),
    "rule": ("#/rules?new=1", "[data-form=rule]"),
    "channels": ("#/channels", "[data-form=channel]"),
}
"""Where one walks through from the head of the page to its foot."""


@pytest.mark.parametrize(
    ("size", "scheme"), [(DESK, "light"), (PHONE, "dark")], ids=["desk", "phone"]
)
async def test_nothing_is_in_the_way_of_people(
    chromium: Chromium, household: Household, size: tuple[int, int], scheme: str
) -> None:
    uid, token = await household.device("Anna", f"Seen in {scheme}")
    async with visit(
        chromium, household.url, size, color_scheme=scheme, reduced_motion="reduce"
    ) as browser:
        for name, (place, there) in STRANGER.items():
            await go(browser, place, there)
            assert await complaints(browser) == [], name
        await go(browser, f"#/device?uid={uid}&token={token}", "[data-way]")
        assert await complaints(browser) == []
        await go(browser, "#/login", "[data-form=login]")
        await log_in(browser, "Anna")
        for name, (place, there) in PAGES.items():
            await go(browser, place.replace("UID", uid), there)
            assert await complaints(browser) == [], name
            width = await browser.ask("document.documentElement.scrollWidth - innerWidth")
            assert width <= 0, name
        await go(browser, "#/devices?new=1", "dialog[open] [data-form=device]")
        await fill(browser, "device", f"Made in {scheme}")
        await browser.until("document.querySelector('[data-made-token]')")
        assert await complaints(browser) == [], "made token"


async def test_people_get_everywhere_by_keys_alone(
    chromium: Chromium, household: Household
) -> None:
    uid, token = await household.device("Anna", "Walked to")
    await household.node("Walked to", token=token)
    await household.node("Walker", uid="walker", policy=Policy.APPROVE)
    async with visit(
        chromium, f"{household.url}/#/account", PHONE, reduced_motion="reduce"
    ) as browser:
        await browser.until("document.querySelector('main [data-do=login]')")
        await tab_to(browser, "main [data-do=login]")
        await key(browser, "Enter")
        await browser.until("document.activeElement.matches('[data-form=login] input')")
        await browser.press("Anna", Keys.TAB, PASSWORD, Keys.ENTER)
        await browser.until("document.querySelector('[data-opens=account]')?.title == 'Anna'")

        await go(browser, f"#/devices?uid={uid}", "[data-section=share]")
        await tab_to(browser, "[data-form=share] input")
        await write(browser, "Berta")
        await key(browser, "Enter")
        await browser.until("document.querySelector('[data-share=Berta]')")
        await browser.until("!document.querySelector('[data-form=share] button:disabled')")
        wrong = {"shared": await walk(browser)}

        await browser.resize(DESK)
        for name, (place, there) in WALKED.items():
            await go(browser, place, there)
            await browser.run(FROM_THE_TOP)
            wrong[name] = await walk(browser)
            await browser.ask("location.hash = ''")
            await browser.until("!document.querySelector('#page-title')")
        assert {name: found for name, found in wrong.items() if found} == {}

        await go(browser, "#/inbox", "[data-waiting]")
        await tab_to(browser, "[data-waiting] [data-do=approve]")
        await key(browser, "Enter")
        await browser.until("!document.querySelector('[data-waiting]')")


async def test_a_broker_with_other_keys_is_told_of_by_its_keys(
    chromium: Chromium, household: Household
) -> None:
    async with (
        running_broker(anonymous="none") as stranger,
        running_dashboard(
            broker_host="127.0.0.1",
            broker_port=stranger.port,
            anonymous="none",
            store=household.store,
        ) as url,
        visit(chromium, f"{url}/#/login") as browser,
    ):
        await log_in(browser, "Olaf")
        await browser.shows("the same key file", "main")
        assert "--anonymous" not in await browser.text("main")
        assert await complaints(browser) == []
