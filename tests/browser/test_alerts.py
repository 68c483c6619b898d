# SPDX-License-Identifier: BSD-3-Clause
"""Rules, channels and alerts on the page, before all services."""

import json
from pathlib import Path
from typing import Final

import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.browser.axe import complaints
from tests.browser.chromium import Chromium
from tests.browser.conftest import faults
from tests.browser.test_accessibility import prefer
from tests.commands import free_ports, running
from tests.end_to_end.person import Person
from tests.end_to_end.test_alerts import first_account
from tests.end_to_end.test_demo import options
from tests.recorder.receiving import webhook
from tests.waiting import eventually

LOG_IN: Final = """
const [account, done] = arguments;
fetch("api/v1/session", {
  method: "POST",
  headers: { "Content-Type": "application/json", "Pyaiot-Request": "1" },
  body: account,
}).then((answer) => done(answer.status));
"""
TYPED: Final = """
(([field, text]) => { field.value = text; return field.dispatchEvent(new Event("input")); })(
  [[...document.querySelectorAll(`[data-form=${arguments[0]}] label`)]
    .find((label) => label.innerText === arguments[1]).control, arguments[2]])
"""
"""Type into the field of a form that is labelled so."""


async def fill(browser: Chromium, form: str, **fields: str) -> None:
    await browser.until("document.querySelector(arguments[0])", f"[data-form={form}]")
    for label, text in fields.items():
        await browser.ask(TYPED, form, label.replace("_", " "), text)
    await browser.click(f"[data-form={form}] button[type=submit]")


async def press(browser: Chromium, where: str) -> None:
    """Press what may have yet to be there."""
    await browser.until("document.querySelector(arguments[0])", f"{where}:not(:disabled)")
    await browser.click(where)


async def reports(node: ClientConnection, value: str) -> None:
    await node.send(json.dumps({"type": "update", "data": {"pressure": value}}))


@pytest.mark.timeout(120)
async def test_from_a_rule_to_an_alert_that_is_over(chromium: Chromium, tmp_path: Path) -> None:  # noqa: PLR0915 - one story
    browser = chromium
    ports = free_ports(5)
    gateway, web = ports[3:]
    services = ("aiot", "up", *options(ports), "--anonymous=none", "--local-channels")
    async with webhook() as hook, running(tmp_path, *services) as up:
        await up.says("The page is at")
        await first_account(up, web)
        root = Person(web)
        account = {"name": "root", "password": "the first of all"}
        await root.logs_in(**account)
        made = await root.does("POST", "/devices", {"name": "Boiler"})
        headers = {"Authorization": f"Bearer {made['made']['secret']}"}
        async with connect(
            f"ws://localhost:{gateway}/node",
            additional_headers=headers,
            compression=None,
            proxy=None,
        ) as node:
            await reports(node, "1.5bar")
            url = f"http://localhost:{web}/"
            await browser.open(url)
            assert await browser.answer(LOG_IN, json.dumps(account)) in {200, 201}
            await browser.open("about:blank")
            await browser.open(f"{url}#/channels")
            await fill(browser, "channel", Name="Bad", Address="file:///etc/passwd")
            await browser.shows("not allowed", "[data-form=channel]")
            await fill(browser, "channel", Name="Hook", Address=f"json://127.0.0.1:{hook.port}/x")
            await browser.until("document.querySelector('[data-channel=Hook]')")
            await browser.click("[data-channel=Hook] [data-do=test]")
            await browser.shows("It has arrived.", "[data-channel=Hook]")
            assert await complaints(browser) == []

            await browser.ask("location.hash = '#/rules?new=1'")
            # What it may tell is there once the server has answered; other fields are at once.
            tell = "[data-form=rule] fieldset [type=checkbox]"
            await browser.until("document.querySelector(arguments[0])", tell)
            await browser.click(tell)
            await browser.until("document.querySelector(arguments[0])", f"{tell}:checked")
            await fill(
                browser, "rule", Name="Pressure", Resource="pressure", Upper_bound="2",
                Back_inside_by="0.1",
            )  # fmt: skip
            await browser.until("document.querySelector('[data-rule=Pressure]')")
            assert await complaints(browser) == []
            await eventually(lambda: len(hook.heard) == 1)

            # It is told at once, wherever one looks.
            await browser.ask("location.hash = '#/cards'")
            await reports(node, "2.5bar")
            await browser.until("document.querySelector('article[data-alert]')", within=20)
            await browser.shows("2.5 bar, above 2")
            await prefer(browser, language="fr")
            await browser.shows("2,5 bar, au-dessus de 2")
            await prefer(browser, language="en")
            await browser.until("document.querySelector('[data-opens=alerts] .count')")
            await eventually(lambda: len(hook.heard) == 2, 20)
            await browser.click("[data-opens=alerts]")
            await browser.until("document.querySelector('[data-state=raised]')")
            assert await complaints(browser) == []
            await browser.click("[data-state=raised] [data-do=acknowledge]")
            await browser.until("document.querySelector('[data-state=acknowledged]')")
            await browser.shows("seen by root")
            await reports(node, "1.5bar")
            await browser.until("!document.querySelector('[data-state]')")
            await browser.until("!document.querySelector('[data-opens=alerts] .count')")

            await browser.ask("location.hash = '#/rules'")
            await browser.until("document.querySelector('[data-rule=Pressure]')")
            assert "open" not in await browser.text("[data-rule=Pressure]")
            # What is told is what there would have been as well.
            await browser.click("[data-rule=Pressure] a")
            await browser.until("document.querySelector('[data-do=preview]:not(:disabled)')")
            await browser.click("[data-do=preview]")
            await browser.shows("It would have fired once.", "[data-form=rule]")
        assert [line for line in await faults(browser) if "/api/v1/" not in line] == []
        assert await up.end() == 0
    assert "Traceback" not in up.log


@pytest.mark.timeout(120)
async def test_rules_without_an_account(chromium: Chromium, tmp_path: Path) -> None:
    """Where nobody has an account, whoever may control nodes looks after the rules."""
    browser = chromium
    ports = free_ports(5)
    gateway, web = ports[3:]
    node_url, url = f"ws://localhost:{gateway}/node", f"http://localhost:{web}/"
    async with running(tmp_path, "aiot", "up", *options(ports)) as up:
        await up.says("The page is at")
        async with connect(node_url, compression=None, proxy=None) as node:
            await reports(node, "1.5bar")
            await browser.open(f"{url}#/channels")
            await browser.shows("they need an account")
            assert await browser.ask("!document.querySelector('[data-form=channel]')")
            assert await complaints(browser) == []
            await browser.ask("location.hash = '#/rules'")
            await press(browser, "[data-do=new]")
            await fill(browser, "rule", Name="Pressure", Resource="pressure", Upper_bound="2")
            await browser.until("document.querySelector('[data-rule=Pressure]')")
            assert await browser.ask("!!document.querySelector('[data-whose=nobody]')")
            assert await complaints(browser) == []

            await browser.ask("location.hash = '#/cards'")
            await reports(node, "2.5bar")
            await browser.until("document.querySelector('article[data-alert]')", within=20)
            await press(browser, "[data-opens=alerts]")
            await press(browser, "[data-state=raised] [data-do=acknowledge]")
            await browser.until("document.querySelector('[data-state=acknowledged]')")

            await browser.ask("location.hash = '#/rules'")
            await press(browser, "[data-rule=Pressure] button[aria-pressed]")
            await browser.until("document.querySelector('[data-rule] [aria-pressed=true]')")
            await browser.shows("muted until", "[data-rule=Pressure]")
            await press(browser, "[data-rule=Pressure] .bad")
            await press(browser, "[data-rule=Pressure] [data-sure=yes]")
            await browser.until("!document.querySelector('[data-rule=Pressure]')")
        assert [line for line in await faults(browser) if "/api/v1/" not in line] == []
        assert await up.end() == 0
    assert "Traceback" not in up.log
