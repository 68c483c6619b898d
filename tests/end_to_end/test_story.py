# SPDX-License-Identifier: BSD-3-Clause
"""The whole story: accounts, devices, data, an alert for one alone, and a device that has to go."""

import asyncio
import csv
import io
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.connection import Connection
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from tests.commands import Running, free_ports, running
from tests.end_to_end.client import Client
from tests.end_to_end.person import Person
from tests.end_to_end.test_demo import options
from tests.waiting import eventually

UTILS = Path(__file__).parents[2] / "utils"
ROOT = "the first of all"
PASSWORDS = {"ada": "a lovelace of engines", "grace": "hopper of the cobol sea"}
FEATURES = ("snapshot", "batch", "availability", "result", "names", "alerts")


async def becomes(ask: Callable[[], Awaitable[Any]], wanted: Callable[[Any], bool]) -> Any:
    """The first answer that is wanted; fails after twenty seconds."""
    async with asyncio.timeout(20):
        while True:
            found = await ask()
            if wanted(found):
                return found
            await asyncio.sleep(0.05)


async def make_accounts(up: Running, web: int) -> tuple[Person, Person]:
    """An account is made, a second one of that name refused, and a wrong password, too."""
    await up.says("setup?token=")
    found = re.search(r"#/setup\?token=([\w.~-]+)", up.log)
    assert found is not None
    first = {"token": found[1], "name": "root", "password": ROOT}
    admin = Person(web)
    await admin.does("POST", "/setup", first)
    assert (await Person(web).ask("POST", "/setup", first)).status in {401, 403, 404, 409}
    await admin.logs_in("root", ROOT)
    people = []
    for name, password in PASSWORDS.items():
        account = {"name": name, "password": password, "role": "operator"}
        await admin.does("POST", "/users", account)
        taken = await admin.ask("POST", "/users", account)
        assert (taken.status, taken.body["code"]) == (409, "name_taken")
        wrong = await Person(web).ask("POST", "/session", {"name": name, "password": "a guess"})
        assert (wrong.status, wrong.body["code"]) == (401, "wrong_password")
        person = Person(web)
        await person.logs_in(name, password)
        people.append(person)
    return people[0], people[1]


async def device(person: Person, name: str) -> tuple[str, str]:
    """A new device: its uid and its token. A second one of that name is refused."""
    made = await person.does("POST", "/devices", {"name": name})
    same = await person.ask("POST", "/devices", {"name": name})
    assert (same.status, same.body["code"]) == (409, "name_taken")
    return made["node"]["uid"], made["made"]["secret"]


@asynccontextmanager
async def watching(person: Person, broker: int) -> AsyncIterator[Client]:
    """What the page of `person` hears from the broker."""
    ticket = (await person.does("POST", "/session/ticket"))["token"]
    offer = [Subprotocol("token"), Subprotocol(ticket)]
    url = f"ws://localhost:{broker}/ws"
    async with connect(url, subprotocols=offer, compression=None, proxy=None) as socket:
        heard = Client(socket)
        task = asyncio.create_task(heard.listen())
        await heard.send({"type": "new", "data": "client", "features": FEATURES})
        try:
            yield heard
        finally:
            await socket.close()
            await task


async def node_socket(port: int, token: str = "") -> ClientConnection:
    """A websocket node that shows its token, if it has one."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return await connect(
        f"ws://localhost:{port}/node", additional_headers=headers, compression=None, proxy=None
    )


async def reports(socket: Connection, **values: object) -> None:
    await socket.send(json.dumps({"type": "update", "data": values}))


async def ended(socket: Connection) -> None:
    """Wait until the other side has closed a node's connection."""
    async with asyncio.timeout(10):
        await socket.wait_closed()


def told(heard: Client) -> set[str]:
    """The nodes that a page has ever been told of."""
    uids = {each["uid"] for each in heard.messages if each["type"] in {"new", "update"}}
    snapshots = (each for each in heard.messages if each["type"] == "snapshot")
    return uids | {node["uid"] for each in snapshots for node in each["nodes"]}


def alerts(heard: Client) -> list[str]:
    return [each["state"] for each in heard.messages if each["type"] == "alert"]


async def exported(person: Person) -> dict[tuple[str, str], list[str]]:
    """All values of a person's nodes as CSV has them, by node and resource."""
    answer = await person.ask("GET", "/export?format=csv")
    assert answer.status == 200
    found: dict[tuple[str, str], list[str]] = {}
    for row in csv.DictReader(io.StringIO(answer.text)):
        found.setdefault((row["node"], row["resource"]), []).append(row["value"])
    return found


async def is_refused(gateway: int, token: str, status: int) -> None:
    """A node with this token, or with none, is not let in."""
    with pytest.raises(InvalidStatus) as refused:
        await node_socket(gateway, token)
    assert refused.value.response.status_code == status


async def alert_for_one(
    owner: Person, other: Person, pages: tuple[Client, Client], hot: str, gauge: Connection
) -> None:
    """A value out of bounds raises an alert at the owner and only there."""
    mine, theirs = pages
    rule = {"name": "Too hot", "condition": "above", "high": 40, "resource": "temperature"}
    await owner.does("POST", "/rules", rule | {"node": hot})

    async def raised() -> list[str]:
        await reports(gauge, temperature="41°C")
        return alerts(mine)

    await becomes(raised, lambda found: found == ["raised"])

    async def kept() -> list[str]:
        return [each["uid"] for each in (await owner.get("/alerts"))["items"]]

    # Told at once, and kept a moment later.
    await becomes(kept, lambda found: found == [hot])
    assert (await other.get("/alerts?state=all"))["items"] == []
    await reports(gauge, temperature="20°C")
    await eventually(lambda: alerts(mine) == ["raised", "cleared"], 20)
    assert alerts(theirs) == []


@pytest.mark.timeout(120)
async def test_the_story(tmp_path: Path) -> None:
    ports = free_ports(6)
    broker, coap, mqtt, gateway, web, mote_port = ports
    strict = ("--registration=token", "--anonymous=none")
    async with running(tmp_path, "aiot", "up", *options(ports[:5]), *strict) as up:
        await up.says("The page is at")
        ada, grace = await make_accounts(up, web)
        gauge, gauge_token = await device(ada, "Ada's gauge")
        mote, mote_token = await device(ada, "Ada's mote")
        meter, meter_token = await device(grace, "Grace's meter")
        plants, plants_token = await device(grace, "Grace's greenhouse")
        await is_refused(gateway, "", 401)
        coap_node = (UTILS / "coap" / "coap-test-node.py", f"--gateway-port={coap}")
        mqtt_node = (UTILS / "mqtt" / "mqtt-test-node.py", f"--mqtt-port={mqtt}")
        async with (
            watching(ada, broker) as ada_sees,
            watching(grace, broker) as grace_sees,
            await node_socket(gateway, gauge_token) as gauge_socket,
            await node_socket(gateway, meter_token) as meter_socket,
        ):
            # Each uploads live data, in every protocol.
            async with (
                running(tmp_path, *coap_node, f"--port={mote_port}", PYAIOT_TOKEN=mote_token),
                running(tmp_path, *mqtt_node, PYAIOT_TOKEN=plants_token),
            ):
                for number in range(20):
                    await reports(gauge_socket, temperature=f"{20 + number / 10}°C")
                    await reports(meter_socket, temperature=f"{30 + number / 10}°C")
                await ada_sees.hears(gauge, "temperature", "21.9°C")
                await grace_sees.hears(meter, "temperature", "31.9°C")
                await eventually(lambda: mote in told(ada_sees), 20)
                await eventually(lambda: plants in told(grace_sees), 20)
                numbers = await becomes(
                    lambda: exported(ada),
                    lambda found: (
                        {node for node, _ in found} == {gauge, mote}
                        and len(found.get((gauge, "temperature"), [])) == 20
                    ),
                )
            assert {float(each) for each in numbers[gauge, "temperature"]} == {
                round(20 + number / 10, 1) for number in range(20)
            }

            # The user sees theirs and nobody else's.
            assert told(ada_sees) == {gauge, mote}
            assert told(grace_sees) == {meter, plants}
            assert {node["uid"] for node in (await ada.get("/nodes"))["items"]} == {gauge, mote}
            assert (await ada.ask("GET", f"/nodes/{meter}")).status == 404
            theft = {"uid": meter, "endpoint": "led", "payload": "1"}
            result = await ada_sees.ask({"type": "update", "id": "theft", "data": theft})
            assert result["status"] == "unknown_node"

            await alert_for_one(ada, grace, (ada_sees, grace_sees), gauge, gauge_socket)

            # Access of one device is revoked, and its next upload is refused.
            (held,) = (await ada.get(f"/nodes/{gauge}/tokens"))["items"]
            await ada.does("DELETE", f"/nodes/{gauge}/tokens/{held['id']}")
            await ended(gauge_socket)
            with pytest.raises(ConnectionClosed):
                await reports(gauge_socket, temperature="22°C")
            await is_refused(gateway, gauge_token, 403)
            await reports(meter_socket, temperature="32°C")
            await grace_sees.hears(meter, "temperature", "32°C")
        assert await up.end() == 0
    assert "Traceback" not in up.log
    secrets = (ROOT, *PASSWORDS.values(), gauge_token, mote_token, meter_token, plants_token)
    assert not [each for each in secrets if each in up.log]
