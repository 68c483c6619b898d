# SPDX-License-Identifier: BSD-3-Clause
"""One who has an account, and devices, tries every way to what is somebody else's.

Against a whole house as people run it, with its log at its most talkative.
"""

import asyncio
import base64
import contextlib
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.connection import Connection
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from tests.commands import free_ports, running
from tests.dashboard.api.asking import Answer, ask
from tests.end_to_end.client import Client
from tests.end_to_end.person import Person
from tests.end_to_end.test_demo import options
from tests.end_to_end.test_story import (
    FEATURES,
    PASSWORDS,
    ROOT,
    becomes,
    device,
    make_accounts,
    node_socket,
    reports,
    watching,
)
from tests.waiting import eventually

UTILS: Final = Path(__file__).parents[2] / "utils"
HIDDEN: Final = "topsecret"
"""In all that Ada's node is called and says."""
CHANNEL: Final = "jsons://ada:channelpassword@example.invalid/path"


class Attacker:
    """Grace: she knows all ids of what is Ada's, and keeps whatever she is answered."""

    def __init__(self, web: int, person: Person) -> None:
        self.url = f"http://localhost:{web}"
        self.person = person
        self.heard: list[bytes] = []
        self.gateway, self.stolen = 0, ""

    @property
    def cookies(self) -> dict[str, str]:
        return {each.name: each.value or "" for each in self.person.cookies}

    async def tries(self, method: str, path: str, body: object = None) -> Answer:
        answer = await ask(
            self.url,
            f"/api/v1{path}",
            method=method,
            body=b"" if body is None else json.dumps(body).encode(),
            **({} if body is None else {"Content-Type": "application/json"}),
            **{
                "Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items()),
                "Pyaiot-Request": "1",
            },
        )
        self.heard.append(answer.body)
        return answer


def cursor(place: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


async def at_nodes(grace: Attacker, uid: str, token_id: str) -> None:
    """By every address below that of a node."""
    for method, path, body in (
        ("GET", "", None),
        ("GET", "/availability", None),
        ("GET", "/resources", None),
        ("GET", "/resources/led", None),
        ("GET", "/resources/led/history", None),
        ("GET", "/resources/led/rows", None),
        ("GET", "/series", None),
        ("GET", "/tokens", None),
        ("POST", "/tokens", {}),
        ("DELETE", f"/tokens/{token_id}", None),
        ("PATCH", "", {"public": "script"}),
        ("PATCH", "", {"owner": "grace"}),
        ("PUT", "/shares/grace", {"level": "script"}),
        ("DELETE", "/shares/ada", None),
        ("PUT", "/resources/led", {"payload": "1"}),
        ("DELETE", "", None),
    ):
        answer = await grace.tries(method, f"/nodes/{quote(uid, safe='')}{path}", body)
        assert (answer.status, answer.code) == (404, "not_found"), (method, path)
        answer = await grace.tries(method, f"/nodes/{uid}%00{path}", body)
        assert answer.status in {400, 404}, (method, path)
    for path in (f"/export?node={uid}", f"/events?node={uid}"):
        assert (await grace.tries("GET", path)).status == 404
    for path in (
        f"/alerts?state=all&uid={uid}",
        "/alerts?state=all",
        f"/alerts?cursor={cursor([2**60, 'zzz'])}&state=all",
        f"/nodes?q={HIDDEN}",
        f"/nodes?cursor={cursor(uid[:-1])}",
        "/nodes?q=%25",
        "/export?format=csv",
        "/export?format=json",
        "/export?format=senml",
        "/rules",
        f"/rules?cursor={cursor([0, ''])}",
        "/channels?all=true",
        f"/channels?cursor={cursor([0, ''])}",
    ):
        assert (await grace.tries("GET", path)).status == 200, path
    # Whoever names a node that is somebody's takes it from nobody, nor learns that it is there.
    for each in (uid, "nothing"):
        answer = await grace.tries("POST", "/devices", {"name": "Mine", "uid": each})
        assert (answer.status, answer.code) == (403, "denied")


async def at_things(grace: Attacker, rule: str, channel: str, alert: str, command: str) -> None:
    """By the ids of what people have."""
    form = {"name": "x", "condition": "above", "high": 1}
    for method, path, body in (
        ("GET", f"/rules/{rule}", None),
        ("PUT", f"/rules/{rule}", form),
        ("DELETE", f"/rules/{rule}", None),
        ("POST", f"/rules/{rule}/mute", {"until": None}),
        ("DELETE", f"/channels/{channel}", None),
        ("POST", f"/channels/{channel}/test", None),
        ("POST", f"/alerts/{alert}/acknowledge", None),
        ("GET", command, None),
    ):
        answer = await grace.tries(method, path, body)
        assert (answer.status, answer.code) == (404, "not_found"), (method, path)
    stolen = await grace.tries("POST", "/rules", {**form, "channels": [channel]})
    assert stolen.status == 400
    for method, path in (("GET", "/users"), ("GET", "/inbox"), ("GET", "/audit")):
        assert (await grace.tries(method, path)).status == 403


async def by_rules(grace: Attacker, uid: str, own: str) -> None:
    """A rule about somebody else's node finds nothing, now or in the past."""
    now = time.time()
    for node, resource in ((uid, "led"), ("*", "*"), (f"*{HIDDEN}*", "*")):
        for condition in (
            {"condition": "above", "high": -1},
            {"condition": "silent", "seconds": 1},
            {"condition": "equals", "text": HIDDEN},
            {"condition": "offline"},
        ):
            form = {"name": "Spy", "node": node, "resource": resource, **condition}
            wanted = {"rule": form, "from": now - 3600, "to": now}
            answer = await grace.tries("POST", "/rules/preview", wanted)
            assert answer.status == 200, answer.body
            # Her own meter is there, too.
            assert {each["uid"] for each in answer.json["fired"]} <= {own}
            assert node == "*" or answer.json["readings"] == 0
            assert (await grace.tries("POST", "/rules", form)).status == 201


async def by_events(grace: Attacker) -> None:
    """What Grace's browser would be sent of live values."""
    host, port = grace.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    cookies = "; ".join(f"{k}={v}" for k, v in grace.cookies.items())
    writer.write(
        f"GET /api/v1/events HTTP/1.1\r\nHost: {host}:{port}\r\nCookie: {cookies}\r\n\r\n".encode()
    )
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2):
                while data := await reader.read(4096):
                    grace.heard.append(data)
    finally:
        writer.close()


@asynccontextmanager
async def offering(broker: int, token: str) -> AsyncIterator[Client]:
    """A client of the broker that shows a token."""
    offer = [Subprotocol("token"), Subprotocol(token)]
    async with connect(
        f"ws://localhost:{broker}/ws", subprotocols=offer, compression=None, proxy=None
    ) as socket:
        heard = Client(socket)
        task = asyncio.create_task(heard.listen())
        await heard.send({"type": "new", "data": "client", "features": FEATURES})
        yield heard
        await socket.close()
        await task


async def at_the_broker(page: Client, uid: str, tickets: Sequence[str]) -> None:
    """By messages; and by tokens that are none for this door."""
    for number, endpoint in enumerate(("led", "js", "/led", "\u202eled")):
        target = {"uid": uid, "endpoint": endpoint, "payload": "1"}
        result = await page.ask({"type": "update", "id": f"t{number}", "data": target})
        assert result["status"] in {"unknown_node", "failed"}
        assert HIDDEN not in json.dumps(result)
    for ticket in tickets:
        before = len(page.messages)
        await page.send({"type": "renew", "token": ticket})
        await eventually(
            lambda before=before: any(m["type"] == "error" for m in page.messages[before:])  # type: ignore[misc]
        )
    for message in (
        {"type": "access", "nodes": [{"uid": uid, "owner": ""}], "whole": True},
        {"type": "alert", "id": "x", "uid": uid},
        {"type": "out", "uid": uid},
    ):
        await page.send(message)


async def is_out(broker: int, token: str) -> bool:
    try:
        async with offering(broker, token):
            return False
    except InvalidStatus as exc:
        return exc.response.status_code == 401


async def forgotten(grace: Attacker, ada: Person, uid: str, gauge: Connection) -> None:
    """What is forgotten is nobody's from then on; what it said is not everybody's by that."""

    async def goes_on() -> None:
        with contextlib.suppress(ConnectionClosed):
            for number in range(1000):
                await reports(gauge, led=HIDDEN, n=number)
                await asyncio.sleep(0.002)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(goes_on())
        tasks.create_task(ada.does("DELETE", f"/nodes/{uid}"))
    for _ in range(20):
        for path in ("", "/series", "/resources", "/resources/led", "/resources/led/rows"):
            await grace.tries("GET", f"/nodes/{uid}{path}")
        await grace.tries("GET", "/export?format=csv")
        await asyncio.sleep(0.05)
    with pytest.raises(InvalidStatus):
        await node_socket(grace.gateway, grace.stolen)


async def log_out_ends_all(broker: int, ada: Attacker, tickets: list[str]) -> None:
    """Within two seconds nothing holds that was given out, at any door."""
    access = ada.cookies["pyaiot_access"]
    async with watching(ada.person, broker) as page:
        await eventually(lambda: page.messages)
        cookies = "; ".join(f"{k}={v}" for k, v in ada.cookies.items())
        assert (await ada.tries("DELETE", "/session")).status == 204
        async with asyncio.timeout(2):
            await page.socket.wait_closed()
            assert page.socket.close_code == 1008
            for each in (*tickets, access):
                await becomes(lambda each=each: is_out(broker, each), bool)  # type: ignore[misc]
        for headers in ({"Authorization": f"Bearer {access}"}, {"Cookie": cookies}):
            assert (await ask(ada.url, "/api/v1/account", **headers)).status == 401
        renewed = await ask(
            ada.url, "/api/v1/session", method="PUT", Cookie=cookies, **{"Pyaiot-Request": "1"}
        )
        assert renewed.status == 401


@pytest.mark.timeout(120)
async def test_nobody_gets_at_what_is_somebody_elses(tmp_path: Path) -> None:
    ports = free_ports(6)
    broker, coap, mqtt, gateway, web, mote_port = ports
    secrets: set[str] = {ROOT, *PASSWORDS.values(), "a guess", "channelpassword"}
    async with running(tmp_path, "aiot", "up", "--debug", *options(ports[:5])) as up:
        await up.says("The page is at")
        ada, other = await make_accounts(up, web)
        grace, owner = Attacker(web, other), Attacker(web, ada)
        uid, token = await device(ada, f"Ada's {HIDDEN} gauge")
        mote, mote_token = await device(ada, f"Ada's {HIDDEN} mote")
        beans, beans_token = await device(ada, f"Ada's {HIDDEN} beans")
        own, own_token = await device(other, "Grace's meter")
        secrets |= {token, mote_token, beans_token, own_token}
        (held,) = (await ada.get(f"/nodes/{uid}/tokens"))["items"]
        rule = {"name": HIDDEN, "condition": "above", "high": 5, "node": uid, "resource": "n"}
        rule_id = (await ada.does("POST", "/rules", rule))["id"]
        channel = await ada.does("POST", "/channels", {"name": HIDDEN, "url": CHANNEL})
        await ada.does("POST", f"/channels/{channel['id']}/test")
        tickets = [(await ada.does("POST", "/session/ticket"))["token"] for _ in range(2)]
        secrets |= {*tickets, *owner.cookies.values(), *grace.cookies.values()}
        coap_node = (UTILS / "coap" / "coap-test-node.py", f"--gateway-port={coap}")
        mqtt_node = (UTILS / "mqtt" / "mqtt-test-node.py", f"--mqtt-port={mqtt}")
        async with (
            watching(other, broker) as page,
            watching(ada, broker) as mine,
            await node_socket(gateway, token) as gauge,
            await node_socket(gateway, own_token) as meter,
            running(tmp_path, *coap_node, f"--port={mote_port}", PYAIOT_TOKEN=mote_token),
            running(tmp_path, *mqtt_node, PYAIOT_TOKEN=beans_token),
        ):
            await eventually(lambda: {mote, beans} <= mine.values().keys(), 20)
            await reports(gauge, led=HIDDEN, name=HIDDEN, n=7)
            await mine.hears(uid, "led", HIDDEN)
            alert = (await becomes(lambda: ada.get("/alerts"), lambda found: found["items"]))[
                "items"
            ][0]
            command = await ask(
                owner.url, f"/api/v1/nodes/{uid}/resources/led", method="PUT",
                body=b'{"payload": "1"}',
                **{
                    "Cookie": f"pyaiot_access={owner.cookies['pyaiot_access']}",
                    "Content-Type": "application/json", "Pyaiot-Request": "1",
                    "Prefer": "respond-async",
                },
            )  # fmt: skip
            assert command.status == 202
            status = f"/commands/{command.headers['location'].rpartition('/')[2]}"
            await at_nodes(grace, uid, held["id"])
            await at_things(grace, rule_id, channel["id"], alert["id"], status)
            await by_rules(grace, uid, own)
            await at_the_broker(page, uid, [*tickets, token, own_token])
            # A node that says that it is another, with a token of its own, is its own.
            await meter.send(json.dumps({"type": "new", "id": uid}))
            await reports(meter, led="posed")
            await asyncio.gather(by_events(grace), reports(gauge, led=HIDDEN, n=8))
            assert mine.values()[uid]["led"] == HIDDEN
            spied = await grace.tries("GET", "/alerts?state=all")
            assert not {uid, mote, beans} & {each["uid"] for each in spied.json["items"]}
            grace.gateway, grace.stolen = gateway, token
            await forgotten(grace, ada, uid, gauge)
            await log_out_ends_all(broker, owner, tickets)
            # Of what it sees nothing, the page was told nothing.
            assert HIDDEN not in json.dumps(page.messages)
            assert not page.values().keys() & {uid, mote, beans}
        told = b"".join(grace.heard)
        # But for what her own rules look for.
        for own_word in (f"*{HIDDEN}*", f'"text":"{HIDDEN}"'):
            told = told.replace(own_word.encode(), b"")
        assert HIDDEN.encode() not in told
        assert await up.end() == 0
    assert "Traceback" not in up.log
    assert not [each for each in secrets if each in up.log]
