# SPDX-License-Identifier: BSD-3-Clause
"""An alert from the node to whoever is to know, and to nobody else, through all services."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.commands import Running, free_ports, running
from tests.end_to_end.client import Client, client
from tests.end_to_end.person import Person
from tests.end_to_end.test_demo import options
from tests.recorder.receiving import Mailbox, mailbox, webhook
from tests.waiting import eventually

PASSWORDS = {"ada": "a lovelace of engines", "grace": "hopper of the cobol sea"}
SECRET = "hunter2"
FEATURES = ("snapshot", "batch", "availability", "alerts")


async def first_account(up: Running, web: int) -> Person:
    """The first administrator, by the link that the first start shows."""
    await up.says("setup?token=")
    found = re.search(r"#/setup\?token=([\w.~-]+)", up.log)
    assert found is not None
    person = Person(web)
    account = {"token": found[1], "name": "root", "password": "the first of all"}
    await person.does("POST", "/setup", account)
    return person


@asynccontextmanager
async def watching(person: Person, broker: int) -> AsyncIterator[Client]:
    """What the page of `person` hears from the broker."""
    ticket = (await person.does("POST", "/session/ticket"))["token"]
    async with client(broker, *FEATURES, token=ticket) as heard:
        yield heard


async def reports(socket: ClientConnection, **values: object) -> None:
    await socket.send(json.dumps({"type": "update", "data": values}))


def alerts(heard: Client, rule: str) -> list[dict[str, Any]]:
    return [each for each in heard.messages if each["type"] == "alert" and each["rule"] == rule]


def states(heard: Client, rule: str) -> list[str]:
    return [each["state"] for each in alerts(heard, rule)]


def subjects(box: Mailbox) -> list[str]:
    return [str(mail["Subject"]) for mail in box.mails]


@pytest.mark.timeout(120)
async def test_an_alert_finds_its_owner_and_nobody_else(tmp_path: Path) -> None:  # noqa: PLR0915 - one story
    *ports, smtp = free_ports(6)
    broker, _, _, gateway, web = ports
    async with (
        webhook() as hook,
        running(
            tmp_path, "aiot", "up", *options(ports), "--anonymous=none", "--local-channels"
        ) as up,
    ):
        await up.says("The page is at")
        root = await first_account(up, web)
        people = {}
        for name, password in PASSWORDS.items():
            account = {"name": name, "password": password, "role": "operator"}
            await root.does("POST", "/users", account)
            people[name] = Person(web)
            await people[name].logs_in(name, password)
        ada, grace = people["ada"], people["grace"]
        made = await ada.does("POST", "/devices", {"name": "Boiler"})
        uid = made["node"]["uid"]

        hooked = {"name": "Hook", "url": f"json://ada:{SECRET}@127.0.0.1:{hook.port}/x"}
        mailed = {
            "name": "Mail",
            "url": f"mailto://127.0.0.1:{smtp}?from=aiot@example.org&to=ada@example.org"
            "&mode=insecure",
        }
        channels = [(await ada.does("POST", "/channels", each))["id"] for each in (hooked, mailed)]
        gauge = {
            "name": "Pressure", "condition": "outside", "low": 1, "high": 2, "hysteresis": 0.1,
            "node": "Boiler", "resource": "pressure",
        }  # fmt: skip
        rule = (await ada.does("POST", "/rules", {**gauge, "channels": channels}))["id"]
        # The same of somebody who cannot see the node.
        await grace.does("POST", "/rules", {**gauge, "node": "*"})

        headers = {"Authorization": f"Bearer {made['made']['secret']}"}
        with mailbox(smtp) as box:
            async with (
                watching(ada, broker) as hers,
                watching(grace, broker) as others,
                connect(
                    f"ws://localhost:{gateway}/node",
                    additional_headers=headers, compression=None, proxy=None,
                ) as node,
            ):  # fmt: skip
                await reports(node, pressure="1.5bar")
                await hers.hears(uid, "pressure", "1.5bar")
                await reports(node, pressure="2.5bar")
                await eventually(lambda: states(hers, rule) == ["raised"], 20)
                (alert,) = alerts(hers, rule)
                assert (alert["uid"], alert["endpoint"]) == (uid, "pressure")
                assert alert["text"] == "pressure of Boiler is 2.5bar, outside 1 to 2"
                assert "to" not in alert
                await eventually(lambda: len(hook.heard) == 1 and len(box.mails) == 1, 20)
                assert hook.heard[0]["title"] == "Warning: Pressure"
                assert alert["text"] in hook.heard[0]["message"]
                assert subjects(box) == ["Warning: Pressure"]

                # She sees to it; all her pages hear so at once.
                shown = (await ada.get("/alerts"))["items"]
                assert [(each["id"], each["state"]) for each in shown] == [(alert["id"], "raised")]
                await ada.does("POST", f"/alerts/{alert['id']}/acknowledge")
                await eventually(lambda: states(hers, rule) == ["raised", "acknowledged"], 20)

                # Back, but not far enough; then far enough.
                await reports(node, pressure="1.95bar")
                await hers.hears(uid, "pressure", "1.95bar")
                assert len(alerts(hers, rule)) == 2
                await reports(node, pressure="1.5bar")
                await eventually(lambda: states(hers, rule)[2:] == ["cleared"], 20)
                await eventually(lambda: len(hook.heard) == 2 and len(box.mails) == 2, 20)
                assert subjects(box)[1] == "Cleared: Pressure"

                for each in (grace, Person(web)):
                    answer = await each.ask("GET", "/alerts?state=all")
                    assert answer.status == 401 or answer.body["items"] == []
                    assert uid not in answer.text
                taken = await grace.ask("POST", f"/alerts/{alert['id']}/acknowledge")
                assert taken.status == 404
                (past,) = (await ada.get("/alerts?state=cleared"))["items"]
                assert (past["id"], past["acknowledged_by"]) == (alert["id"], "ada")
                assert (await ada.get("/alerts"))["items"] == []
                (seen,) = (await root.get("/alerts?state=all"))["items"]
                assert seen["id"] == alert["id"]
                assert not [each for each in others.messages if each["type"] == "alert"]
        assert await up.end() == 0
    assert "Traceback" not in up.log
    for secret in (*PASSWORDS.values(), SECRET, made["made"]["secret"]):
        assert secret not in up.log
